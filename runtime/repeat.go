package runtime

import "slices"

// repeater makes steps backward among which some of those forward run again.
type repeater struct {
	// now is what a buffer was last computed anew in.
	now   map[*buffer]*buffer
	steps []*step
}

// repeating makes the steps of an order, where the numbers of those forward are
// inverted.
func repeating(forward, backward []*step, order []int) []*step {
	r := &repeater{now: map[*buffer]*buffer{}}
	for _, k := range order {
		if k < 0 {
			r.again(forward[^k])
		} else {
			r.gradient(backward[k])
		}
	}
	return r.steps
}

// again adds a step that does what s did, in buffers of its own.
func (r *repeater) again(s *step) {
	a := &step{label: s.label, routine: s.routine, macs: s.macs, repeats: s, in: r.slots(s.in)}
	a.frame.Again = true
	if s.scratch != nil {
		a.scratch = &buffer{floats: s.scratch.floats}
	}
	for _, b := range append(places(s.out), s.state) {
		if b != nil {
			r.now[b] = &buffer{floats: b.floats}
		}
	}
	a.out, a.state = r.slots(s.out), r.now[s.state]
	r.steps = append(r.steps, a)
}

// gradient adds a step backward, which reads what was computed last.
func (r *repeater) gradient(s *step) {
	b := *s
	if b.of != nil {
		of := *b.of
		of.repeats, of.in, of.out = b.of, r.slots(b.of.in), r.slots(b.of.out)
		if now := r.now[of.state]; now != nil {
			of.state = now
		}
		b.of = &of
	}
	r.steps = append(r.steps, &b)
}

// slots are places for the values of some, in the buffers of what was computed
// last.
func (r *repeater) slots(of []*slot) []*slot {
	list := slices.Clone(of)
	for i, s := range of {
		if s == nil || r.now[s.buffer] == nil {
			continue
		}
		own := *s
		own.buffer = r.now[s.buffer]
		list[i] = &own
	}
	return list
}
