package runtime

import (
	"fmt"
	"maps"
	"slices"
)

// layOut finds out when each buffer is in use, and binds tensors to memory.
func (p *Program) layOut() error {
	p.reserve()
	limit := p.session.limit
	size, err := arena(p.live())
	if p.seed != nil && (err != nil || size*4 > limit) {
		size, err = p.recompute(limit)
	}
	if err != nil {
		return err
	}
	if size*4 > limit {
		return fmt.Errorf("needs %d MiB of memory, more than the limit of %d", size>>18, limit>>20)
	}
	p.Memory = size * 4
	p.bind(p.session.memory.get(size))
	p.lastReads()
	return nil
}

// reserve makes the buffers that steps want for themselves.
func (p *Program) reserve() {
	for _, s := range slices.Concat(p.steps, p.backward) {
		if s.routine == nil {
			continue
		}
		if s.routine.Scratch > 0 {
			s.scratch = &buffer{floats: int64(s.routine.Scratch)}
		}
		if s.routine.State > 0 && s.of == nil {
			s.state = &buffer{floats: int64(s.routine.State)}
		}
	}
}

// live finds out from which step to which each buffer is in use. It returns
// those that need a place.
func (p *Program) live() []*buffer {
	all := p.unused()
	for at, s := range p.steps {
		s.touch(at)
	}
	p.seed.hold(len(p.steps))
	for _, out := range p.outputs {
		out.hold(len(p.steps))
	}
	behind := len(p.steps) + 1
	for i, s := range p.backward {
		s.touch(behind + i)
	}
	for _, slope := range p.slopes {
		slope.hold(behind + len(p.backward))
	}
	for at, s := range p.steps {
		s.takeOver(at)
	}
	for i, s := range p.backward {
		if s.repeats != nil {
			s.takeOver(behind + i)
		}
	}
	return slices.DeleteFunc(all, func(b *buffer) bool { return b.joined != nil || b.first < 0 })
}

// unused are the buffers of all steps, in the order of the steps, not yet in use.
func (p *Program) unused() []*buffer {
	var all []*buffer
	seen := map[*buffer]bool{nil: true}
	add := func(list ...*buffer) {
		for _, b := range list {
			if !seen[b] {
				seen[b], b.first, b.last, b.joined = true, -1, -1, nil
				all = append(all, b)
			}
		}
	}
	for _, s := range slices.Concat(p.steps, p.backward) {
		add(places(s.slots())...)
		add(s.scratch, s.state)
	}
	add(places(p.ends())...)
	return all
}

// slots are those of the step that are there.
func (s *step) slots() []*slot {
	return slices.DeleteFunc(slices.Concat(s.in, s.out, s.dIn, s.dOut), func(x *slot) bool { return x == nil })
}

// recalls are the slots of values that a step backward reads.
func (s *step) recalls() []*slot {
	var list []*slot
	for _, i := range s.routine.KeepIn {
		list = append(list, s.of.in[i])
	}
	for _, i := range s.routine.KeepOut {
		list = append(list, s.of.out[i])
	}
	return list
}

// ends are the slots of gradients that a caller reads or writes.
func (p *Program) ends() []*slot {
	if p.seed == nil {
		return nil
	}
	ends := []*slot{p.seed}
	for _, name := range slices.Sorted(maps.Keys(p.slopes)) {
		ends = append(ends, p.slopes[name])
	}
	return ends
}

// touch marks the buffers of a step in use.
func (s *step) touch(at int) {
	s.scratch.touch(at)
	s.state.touch(at)
	if s.of != nil {
		s.of.state.touch(at)
		for _, slot := range s.recalls() {
			slot.hold(at)
		}
	}
	for _, slot := range s.slots() {
		slot.buffer.touch(at)
	}
}

// takeOver puts output 0 where an input was that is read for the last time.
func (s *step) takeOver(at int) {
	for _, in := range s.givers() {
		if out := s.out[0].buffer.root(); in.last == at && out.first == at {
			in.last = out.last
			out.joined = in
			return
		}
	}
}

// givers are the buffers of inputs whose place output 0 may have: those that no
// other input shares.
func (s *step) givers() []*buffer {
	if s.routine == nil || s.routine.View || s.of != nil || len(s.out) == 0 {
		return nil
	}
	var list []*buffer
	for _, i := range s.routine.InPlace {
		in, out := s.in[i].buffer.root(), s.out[0].buffer.root()
		if in != nil && in != out && in.floats == out.floats && !s.shares(i) {
			list = append(list, in)
		}
	}
	return list
}

// shares reports whether another input lies where input i does.
func (s *step) shares(i int) bool {
	for j, other := range s.in {
		if j != i && other != nil && other.buffer.root() == s.in[i].buffer.root() {
			return true
		}
	}
	return false
}

// bind gives slots and frames their memory.
func (p *Program) bind(memory []float32) {
	order := slices.Concat(p.steps, p.backward)
	for _, s := range order {
		for _, slot := range s.slots() {
			slot.bind(memory)
		}
		if s.of != nil {
			for _, slot := range s.of.slots() {
				slot.bind(memory)
			}
		}
	}
	for _, slot := range p.ends() {
		slot.bind(memory)
	}
	for _, s := range order {
		s.frame.Pool = p.session.pool
		s.bind(memory)
	}
}
