package compact

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"onnxcompress/graph"
	"onnxcompress/graph/op"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

// slice is a constant cut for some of its uses.
type slice struct {
	kept [][]int64
	from *tensor.Tensor
	name string
	fact op.Fact
}

// slice returns the constant v without the channels that go; uses that lose
// the same share one tensor. content replaces what v holds.
func (e *edit) slice(v *graph.Value, kept [][]int64, content *tensor.Tensor) (slice, error) {
	for _, s := range e.sliced[v] {
		if s.from == content && slices.EqualFunc(s.kept, kept, func(x, y []int64) bool { return slices.Equal(x, y) && (x == nil) == (y == nil) }) {
			return s, nil
		}
	}
	s := slice{kept: kept, from: content, name: e.names.Fresh(v.Name)}
	err := e.fill(v, &s)
	if err != nil {
		return slice{}, fmt.Errorf("constant %s: %w", v.Name, err)
	}
	e.sliced[v] = append(e.sliced[v], s)
	return s, nil
}

// fill makes the sliced constant: computed from sliced constants, as the
// original is, where its operator allows; else as an initializer. A weight
// stored quantised or in half precision so stays as small as it was.
func (e *edit) fill(v *graph.Value, s *slice) error {
	if s.from == nil && v.Producer != nil && len(v.Producer.In) > 0 {
		if done, err := e.recompute(v, s); done || err != nil {
			return err
		}
	}
	t := s.from
	if t == nil {
		var err error
		if t, err = e.g.Witness.Tensor(v); err != nil {
			return err
		}
	}
	t, err := t.Take(s.kept)
	if err != nil {
		return err
	}
	s.fact = op.Of(t.DType, t.Shape...)
	s.fact.Value, s.fact.Static = t, true
	e.addTensor(s.name, t)
	return nil
}

// recompute inserts a copy of v's producer that reads sliced inputs.
func (e *edit) recompute(v *graph.Value, s *slice) (bool, error) {
	n := v.Producer
	inputs, ok := e.follow(n, v.Index, s.kept)
	if !ok {
		return false, nil
	}
	p := proto.Clone(n.Proto).(*onnx.NodeProto)
	p.Name, p.Output = proto.String(e.names.Fresh(n.Proto.GetName())), []string{s.name}
	for slot, in := range n.In {
		if in == nil || inputs[slot] == nil {
			continue
		}
		part, err := e.slice(in, inputs[slot], nil)
		if err != nil {
			return false, err
		}
		p.Input[slot] = part.name
	}
	old := &e.g.Witness.Values[v.ID]
	s.fact = op.Of(old.DType, slices.Clone(old.Shape)...)
	s.fact.Static = true
	for axis, list := range s.kept {
		if list != nil {
			s.fact.Shape[axis] = int64(len(list))
		}
	}
	e.before[e.node.Index] = append(e.before[e.node.Index], p)
	return true, nil
}

// follow carries kept channels of an output to the inputs of a constant node;
// ok is false where they do not correspond axis by axis.
func (e *edit) follow(n *graph.Node, out int, kept [][]int64) (inputs [][][]int64, ok bool) {
	if n.Spec == nil || n.Spec.Links == nil || n.Spec.Narrow != nil || len(n.Out) != 1 {
		return nil, false
	}
	view := e.g.Witness.Nodes[n.Index]
	l := op.NewLinker(view)
	n.Spec.Links(view, l)
	inputs = make([][][]int64, len(n.In))
	reached := make([]bool, len(kept))
	for _, k := range l.Links {
		a, b := k.A, k.B
		if a.Slot < 0 {
			a, b = b, a
		}
		if b.Slot != ^out || a.Slot < 0 || kept[b.Axis] == nil {
			continue
		}
		if k.Kind != op.Tie || a.Size != l.Size(a.Ref) || b.Size != l.Size(b.Ref) {
			return nil, false
		}
		if inputs[a.Slot] == nil {
			inputs[a.Slot] = make([][]int64, len(view.In[a.Slot].Shape))
		}
		inputs[a.Slot][a.Axis] = kept[b.Axis]
		reached[b.Axis] = true
	}
	for axis := range kept {
		if kept[axis] != nil && !reached[axis] {
			return nil, false
		}
	}
	return inputs, true
}
