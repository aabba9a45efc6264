package runtime

import (
	"fmt"
	"slices"

	"onnxcompress/graph"
	"onnxcompress/graph/op"
	"onnxcompress/graph/tensor"
)

// step is one node as a program runs it: by a routine on memory that is laid
// out, or, where routine is nil, by the operator's definition.
type step struct {
	label   string
	routine *op.Routine
	in, out []*slot
	frame   op.Frame
	state   *buffer
	scratch *buffer
	// macs is the number of multiply-accumulates of a run.
	macs int64
	// single says that the step may compute something else when it runs again.
	single bool

	spec *op.Spec
	view *op.Node
	args []*tensor.Tensor
	// limit is the memory that the definition may work on, in bytes.
	limit int64
	// last lists the loose slots that no later step reads.
	last []*slot

	// of is the step whose gradients this one computes, nil for one that computes
	// values; dIn and dOut hold the gradients of its inputs and outputs.
	of        *step
	dIn, dOut []*slot
	// repeats is the step forward whose work this one does again, nil for one
	// that does its own.
	repeats *step
}

// bind hands the frame its tensors once memory is laid out.
func (s *step) bind(memory []float32) {
	of := s
	if s.of != nil {
		of = s.of
	}
	s.frame.In, s.frame.Out = tensors(of.in), tensors(of.out)
	s.frame.DIn, s.frame.DOut = tensors(s.dIn), tensors(s.dOut)
	s.frame.State = of.state.of(memory)
	s.frame.Scratch = s.scratch.of(memory)
}

// of is the buffer's part of the arena.
func (b *buffer) of(memory []float32) []float32 {
	if b = b.root(); b == nil {
		return nil
	}
	return memory[b.offset : b.offset+b.floats : b.offset+b.floats]
}

func tensors(slots []*slot) []*tensor.Tensor {
	list := make([]*tensor.Tensor, len(slots))
	for i, s := range slots {
		if s != nil {
			list[i] = s.tensor
		}
	}
	return list
}

// run executes the step.
func (s *step) run() error {
	if s.of != nil {
		s.recall()
		s.routine.Backward(&s.frame)
		return s.failure()
	}
	if s.routine == nil {
		return s.define()
	}
	for i, in := range s.in {
		if in == nil || !in.loose {
			continue
		}
		if !slices.Equal(in.tensor.Shape, in.shape) {
			return fmt.Errorf("%s: input %d has shape %v, not %v", s.label, i, in.tensor.Shape, in.shape)
		}
		s.frame.In[i] = in.tensor
	}
	if s.routine.View {
		s.pass()
		s.release()
		return nil
	}
	s.routine.Forward(&s.frame)
	s.release()
	return s.failure()
}

// own is the step that did the work first.
func (s *step) own() *step {
	if s.repeats != nil {
		return s.repeats
	}
	return s
}

// recall hands a backward step the tensors that its step found as it ran.
func (s *step) recall() {
	for i, in := range s.of.in {
		if in != nil && in.loose {
			s.frame.In[i] = s.of.own().frame.In[i]
		}
	}
}

// failure is what the call of a routine failed with.
func (s *step) failure() error {
	if err := s.frame.Err; err != nil {
		s.frame.Err = nil
		return fmt.Errorf("%s: %w", s.label, err)
	}
	return nil
}

// pass hands on a tensor whose memory was found as the program runs.
func (s *step) pass() {
	if out := s.out[0]; out.loose {
		out.tensor = &tensor.Tensor{DType: out.dtype, Shape: out.shape, Data: s.in[0].tensor.Data}
	}
}

// define computes the outputs by the operator's definition, from the shapes
// that the inputs turn out to have.
func (s *step) define() error {
	for i := range s.args {
		in := s.in[i]
		if in == nil {
			continue
		}
		fact := op.Of(in.tensor.DType, in.tensor.Shape...)
		fact.Value = in.tensor
		s.args[i], *s.view.In[i] = in.tensor, fact
	}
	if err := s.affordable(); err != nil {
		return fmt.Errorf("%s: %w", s.label, err)
	}
	results, err := s.spec.Evaluate(s.view, s.args)
	if err != nil {
		return fmt.Errorf("%s: %w", s.label, err)
	}
	for i, out := range s.out {
		switch {
		case out == nil:
			continue
		case i >= len(results) || results[i] == nil:
			return fmt.Errorf("%s: output %d is not computed", s.label, i)
		}
		out.tensor = owned(results[i], s.in)
	}
	for i := range s.args {
		if s.args[i] = nil; s.view.In[i] != nil {
			s.view.In[i].Value = nil
		}
	}
	s.release()
	return nil
}

func (s *step) release() {
	for _, slot := range s.last {
		slot.tensor = nil
	}
}

// owned is t, or a copy of it where it shares the memory of an input that a
// later step writes to.
func owned(t *tensor.Tensor, in []*slot) *tensor.Tensor {
	for _, s := range in {
		if s != nil && s.tensor != nil && (s.buffer != nil || !s.loose) && overlap(t.Data, s.tensor.Data) {
			return t.Clone()
		}
	}
	return t
}

// subgraphs lets the node's attributes run the graphs that they hold. The outer
// values that a graph reads follow the arguments of each call.
func (p *planner) subgraphs(n *graph.Node, view *op.Node, captures []*slot) error {
	attrs := make(op.Attrs, len(view.Attrs))
	for name, a := range view.Attrs {
		attrs[name] = a
		if !a.Graph {
			continue
		}
		body, err := n.Body(name)
		if err != nil {
			return err
		}
		child := p.session.child(body)
		outer := make([]*slot, len(body.Captures))
		for i, v := range body.Captures {
			for k, c := range n.Captures {
				if c.Name == v.Name {
					outer[i] = captures[k]
				}
			}
		}
		a.Run = func(args []*tensor.Tensor) ([]*tensor.Tensor, error) {
			all := append(args[:len(args):len(args)], tensors(outer)...)
			return child.evaluate(all)
		}
		attrs[name] = a
	}
	view.Attrs = attrs
	return nil
}
