package runtime

import (
	"fmt"
	"maps"
	"slices"

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
	prog.steps = p.steps
	for _, n := range s.graph.Nodes {
		if view := p.facts.Nodes[n.Index]; n.Spec != nil && n.Spec.Cost != nil {
			prog.MACs += n.Spec.Cost(view)
		}
	}
	if p.train {
		if err := prog.gradients(prog.outputs[s.target]); err != nil {
			return nil, err
		}
	}
	return prog, prog.layOut()
}

// layOut finds out when each buffer is in use, and binds tensors to memory.
func (p *Program) layOut() error {
	order := slices.Concat(p.steps, p.backward)
	for at, s := range p.steps {
		s.touch(at)
	}
	p.seed.hold(len(p.steps))
	for i, s := range p.backward {
		s.touch(len(p.steps) + 1 + i)
	}
	for _, out := range p.outputs {
		out.hold(len(p.steps))
	}
	for _, slope := range p.slopes {
		slope.hold(len(order) + 1)
	}
	for at, s := range p.steps {
		s.takeOver(at)
	}
	var all []*buffer
	seen := map[*buffer]bool{}
	add := func(b *buffer) {
		if b = b.root(); b != nil && b.first >= 0 && !seen[b] {
			seen[b] = true
			all = append(all, b)
		}
	}
	for _, s := range order {
		for _, slot := range s.slots() {
			add(slot.buffer)
		}
		add(s.scratch)
		add(s.state)
	}
	for _, slot := range p.ends() {
		add(slot.buffer)
	}
	size, err := arena(all)
	if err != nil {
		return err
	}
	if limit := p.session.limit; size*4 > limit {
		return fmt.Errorf("needs %d MiB of memory, more than the limit of %d", size>>18, limit>>20)
	}
	p.Memory = size * 4
	p.bind(p.session.memory.get(size))
	p.lastReads()
	return nil
}

// slots are those of the step that are there.
func (s *step) slots() []*slot {
	return slices.DeleteFunc(slices.Concat(s.in, s.out, s.dIn, s.dOut), func(x *slot) bool { return x == nil })
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
	if s.routine != nil && s.routine.Scratch > 0 {
		s.scratch = &buffer{floats: int64(s.routine.Scratch), first: -1, last: -1}
	}
	s.scratch.touch(at)
	if s.of != nil {
		s.of.state.touch(at)
		for _, i := range s.routine.KeepIn {
			s.of.in[i].hold(at)
		}
		for _, i := range s.routine.KeepOut {
			s.of.out[i].hold(at)
		}
	} else if s.routine != nil && s.routine.State > 0 {
		s.state = &buffer{floats: int64(s.routine.State), first: at, last: at}
	}
	for _, slot := range s.slots() {
		slot.buffer.touch(at)
	}
}

// takeOver puts output 0 where an input was that is read for the last time, and
// that no other input shares.
func (s *step) takeOver(at int) {
	if s.routine == nil || s.routine.View || s.of != nil || len(s.routine.InPlace) == 0 {
		return
	}
	out := s.out[0].buffer.root()
	for _, i := range s.routine.InPlace {
		in := s.in[i].buffer.root()
		if in == nil || out == in || in.last != at || in.floats != out.floats || out.first != at || s.shares(i) {
			continue
		}
		in.last = out.last
		out.joined = in
		return
	}
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
	}
	for _, slot := range p.ends() {
		slot.bind(memory)
	}
	for _, s := range order {
		s.frame.Pool = p.session.pool
		s.bind(memory)
	}
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

// draw gives each step another number, that of its gradient's too, from which
// what is random in it follows.
func (p *Program) draw(seed uint64) {
	for i, s := range p.steps {
		s.frame.Seed = scramble(seed + uint64(i))
	}
	for _, s := range p.backward {
		if s.of != nil {
			s.frame.Seed = s.of.frame.Seed
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
