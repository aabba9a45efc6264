package runtime

import (
	"fmt"
	"slices"

	"onnxcompress/graph"
	"onnxcompress/graph/tensor"
)

// Program computes a graph for inputs of fixed shapes. It is planned once and
// then runs any number of times, without allocating where every operator has a
// routine.
type Program struct {
	session *Session
	steps   []*step
	inputs  []*slot
	outputs []*slot
	// backward computes, from seed, the gradient of the first output, those of
	// the variables: slopes, by name.
	backward []*step
	seed     *slot
	slopes   map[string]*slot
	// Memory is the size of the arena in bytes.
	Memory int64
	// MACs is the number of multiply-accumulates of a run forward.
	MACs int64
}

// finish lays out the memory of the planned steps.
func (p *planner) finish() (*Program, error) {
	s := p.session
	prog := &Program{session: s}
	for _, v := range s.graph.Inputs {
		prog.inputs = append(prog.inputs, p.home[v.ID])
	}
	for _, v := range s.graph.Outputs {
		out, err := p.slot(v, false)
		if err != nil {
			return nil, err
		}
		prog.outputs = append(prog.outputs, out)
	}
	prog.steps, prog.MACs = p.steps, p.macs(s.graph.Nodes)
	if p.train {
		if err := prog.gradients(prog.outputs[s.target]); err != nil {
			return nil, err
		}
	}
	return prog, prog.layOut()
}

// macs is the number of multiply-accumulates of nodes.
func (p *planner) macs(nodes []*graph.Node) (sum int64) {
	for _, n := range nodes {
		if n.Spec != nil && n.Spec.Cost != nil {
			sum += n.Spec.Cost(p.facts.Nodes[n.Index])
		}
	}
	return sum
}

// lastReads tells each step which loose slots it is the last to read.
func (p *Program) lastReads() {
	kept := map[*slot]bool{}
	for _, out := range slices.Concat(p.outputs, p.inputs) {
		kept[out] = true
	}
	for _, s := range slices.Backward(p.steps) {
		for _, slot := range s.slots() {
			if slot.loose && !kept[slot] {
				kept[slot] = true
				s.last = append(s.last, slot)
			}
		}
	}
}

// draw gives each step another number, from which what is random in it follows:
// in its gradient too, and where it runs again.
func (p *Program) draw(seed uint64) {
	for i, s := range p.steps {
		s.frame.Seed = scramble(seed + uint64(i))
	}
	for _, s := range p.backward {
		switch {
		case s.of != nil:
			s.frame.Seed = s.of.own().frame.Seed
		case s.repeats != nil:
			s.frame.Seed = s.repeats.frame.Seed
		}
	}
}

// scramble makes numbers that are next to each other unlike, and no two the
// same.
func scramble(x uint64) uint64 {
	for range 3 {
		x = (x ^ x>>32) * 0xd6e8feb86659fd93
	}
	return x ^ x>>32
}

// back computes the gradients of the variables from what the seed holds, after
// Run.
func (p *Program) back() error {
	for _, s := range p.backward {
		if err := s.run(); err != nil {
			return err
		}
	}
	return nil
}

// Run computes the outputs from what the inputs hold.
func (p *Program) Run() error {
	for _, s := range p.steps {
		if err := s.run(); err != nil {
			return err
		}
	}
	return nil
}

// Input is the tensor that input i is read from, for the caller to fill; nil
// where its shape is not fixed.
func (p *Program) Input(i int) *tensor.Tensor { return p.inputs[i].tensor }

// Output is what output i holds since the last Run, until the next.
func (p *Program) Output(i int) *tensor.Tensor { return p.outputs[i].tensor }

// takes reports whether the program was planned for arguments of these shapes.
func (p *Program) takes(args []*tensor.Tensor) bool {
	if len(args) != len(p.inputs) {
		return false
	}
	for i, t := range args {
		in := p.inputs[i]
		if t == nil || in.loose || t.Kind != tensor.Dense || in.dtype != t.DType || !slices.Equal(in.shape, t.Shape) {
			return false
		}
	}
	return true
}

// set hands input i to the program.
func (p *Program) set(i int, t *tensor.Tensor) error {
	in := p.inputs[i]
	if t == nil {
		in.tensor = nil
		return nil
	}
	if err := t.Check(); err != nil {
		return fmt.Errorf("input %s: %w", in.name, err)
	}
	if in.loose || in.tensor == nil {
		in.tensor = t
		return nil
	}
	if in.dtype != t.DType || !slices.Equal(in.shape, t.Shape) {
		return fmt.Errorf("input %s is %v of shape %v, not %v of %v", in.name, t.DType, t.Shape, in.dtype, in.shape)
	}
	copy(in.tensor.Data, t.Data)
	copy(in.tensor.Strings, t.Strings)
	return nil
}
