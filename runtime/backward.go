package runtime

import (
	"errors"
	"fmt"
	"slices"

	"onnxcompress/graph/op"
	"onnxcompress/graph/tensor"
)

// ErrNoDerivative marks the nodes of a model for training that have none.
var ErrNoDerivative = errors.New("has no derivative")

// grad is the gradient of one slot, or of several that share it: what is
// handed on as it is needs no copy.
type grad struct {
	slot    *slot
	holders []*slot
}

// reverse builds the steps of the gradients, from the last to the first.
type reverse struct {
	grads map[*slot]*grad
	// made is the number of the step that gives a slot its content; slots that
	// no step makes are not there.
	made  map[*slot]int
	steps []*step
}

// gradients adds the steps that compute the gradients of all variables from
// that of the output of.
func (p *Program) gradients(of *slot) error {
	if !of.needs {
		return fmt.Errorf("no variable takes part in output %s", of.name)
	}
	r := &reverse{grads: map[*slot]*grad{}, made: map[*slot]int{}}
	for i, s := range p.steps {
		for _, out := range s.out {
			if out != nil {
				r.made[out] = i
			}
		}
	}
	p.seed = fresh(of)
	r.grads[of] = &grad{p.seed, []*slot{of}}
	var problems []error
	for i, s := range slices.Backward(p.steps) {
		if err := r.step(s, i); err != nil {
			problems = append(problems, err)
		}
	}
	p.backward, p.slopes = r.steps, map[string]*slot{}
	for s, g := range r.grads {
		if _, ok := r.made[s]; !ok && s.needs {
			p.slopes[s.name] = g.slot
		}
	}
	return errors.Join(problems...)
}

// fresh is a slot for the gradient of another.
func fresh(of *slot) *slot {
	s := &slot{name: "gradient of " + of.name, dtype: of.dtype, shape: of.shape}
	s.buffer = &buffer{floats: s.floats(), first: -1, last: -1}
	return s
}

// step adds the steps that carry the gradients of a step's outputs to its
// inputs.
func (r *reverse) step(s *step, at int) error {
	dOut, any := make([]*slot, len(s.out)), false
	for i, out := range s.out {
		if g := r.grads[out]; out != nil && g != nil {
			dOut[i], any = g.slot, true
		}
	}
	wanted := slices.ContainsFunc(s.in, func(in *slot) bool { return in != nil && in.needs })
	if !any || !wanted {
		return nil
	}
	if s.routine == nil || s.routine.Backward == nil && !s.routine.View && len(s.routine.Pass) == 0 {
		r.skip(s)
		return fmt.Errorf("%s: %w", s.label, ErrNoDerivative)
	}
	b := &step{label: "gradient of " + s.label, routine: s.routine, of: s, dIn: make([]*slot, len(s.in)), dOut: dOut}
	b.frame.Add = make([]bool, len(s.in))
	var after []*step
	for i, in := range s.in {
		switch {
		case in == nil || !in.needs || in.dtype != tensor.Float32:
		case s.routine.View && i == 0, dOut[0] != nil && slices.Contains(s.routine.Pass, i):
			if sum := r.pass(in, s.out[0], at); sum != nil {
				after = append(after, sum)
			}
		default:
			if sum := r.want(b, i, in, at); sum != nil {
				after = append(after, sum)
			}
		}
	}
	if slices.ContainsFunc(b.dIn, func(d *slot) bool { return d != nil }) {
		r.steps = append(r.steps, b)
	}
	r.steps = append(r.steps, after...)
	return nil
}

// skip goes on behind a step without a derivative, so that others are found.
func (r *reverse) skip(s *step) {
	for _, in := range s.in {
		if in != nil && in.needs && r.grads[in] == nil {
			r.grads[in] = &grad{fresh(in), []*slot{in}}
		}
	}
}

// pass lets in have the gradient of out as it is. Where in has one already, it
// returns the step that adds them.
func (r *reverse) pass(in, out *slot, at int) *step {
	from := r.grads[out]
	view := from.slot
	if !slices.Equal(view.shape, in.shape) {
		view = &slot{name: "gradient of " + in.name, dtype: in.dtype, shape: in.shape, buffer: from.slot.buffer}
	}
	if r.grads[in] != nil {
		return r.sum(in, view, at)
	}
	from.holders = append(from.holders, in)
	r.grads[in] = &grad{slot: view}
	for _, s := range from.holders {
		if g := r.grads[s]; g != nil {
			g.holders = from.holders
		}
	}
	return nil
}

// want gives input i of a backward step a place for its gradient. Where there
// is one that the routine cannot add to, it returns the step that does: one
// that the same step begins is none to add to, since routines write gradients
// in any order.
func (r *reverse) want(b *step, i int, in *slot, at int) *step {
	g := r.grads[in]
	if g == nil {
		g = &grad{fresh(in), []*slot{in}}
		r.grads[in], b.dIn[i] = g, g.slot
		return nil
	}
	if b.routine.Adds && !slices.Contains(b.dIn, g.slot) && r.alone(g, in, at) {
		b.dIn[i], b.frame.Add[i] = g.slot, true
		return nil
	}
	b.dIn[i] = fresh(in)
	return r.sum(in, b.dIn[i], at)
}

// sum is the step that adds more to the gradient of in: in its own buffer where
// nobody else will read that, else in a new one.
func (r *reverse) sum(in, more *slot, at int) *step {
	g := r.grads[in]
	before := g.slot
	if !r.alone(g, in, at) {
		g = &grad{fresh(in), []*slot{in}}
		r.grads[in] = g
	}
	return &step{
		label: "sum of gradients of " + in.name, routine: op.Adding(int(in.floats())),
		in: []*slot{before, more}, out: []*slot{g.slot},
	}
}

// alone reports whether a gradient is in's only: others that share it were made
// by later steps, whose turn has been.
func (r *reverse) alone(g *grad, in *slot, at int) bool {
	for _, s := range g.holders {
		made, ok := r.made[s]
		if s != in && (!ok || made <= at) {
			return false
		}
	}
	return true
}
