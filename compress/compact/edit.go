package compact

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"onnxcompress/graph"
	"onnxcompress/graph/op"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

// edit is the change of one node.
type edit struct {
	*builder
	node  *graph.Node
	proto *onnx.NodeProto
	// in overrides the facts of inputs by binding and slot: sliced constants
	// and patched operands.
	in    [2]map[int]*op.Fact
	attrs op.Attrs
}

// view is the compact node as its operator sees it under binding k.
func (e *edit) view(k int) *op.Node {
	old := e.bindings[k].old.Nodes[e.node.Index]
	v := *old
	v.In = make([]*op.Fact, max(len(e.node.In), len(e.proto.Input)))
	for slot, in := range e.node.In {
		if in != nil {
			v.In[slot] = &e.bindings[k].now[in.ID]
		}
	}
	for slot, fact := range e.in[k] {
		v.In[slot] = fact
	}
	v.Out = make([]*op.Fact, len(old.Out))
	if e.attrs != nil {
		v.Attrs = e.attrs
	}
	return &v
}

func (e *edit) override(k, slot int, fact op.Fact) {
	if e.in[k] == nil {
		e.in[k] = map[int]*op.Fact{}
	}
	e.in[k][slot] = &fact
}

// sliceConstants cuts the constants that the node reads.
func (e *edit) sliceConstants() error {
	for slot, v := range e.node.In {
		if v == nil || !e.g.Witness.Values[v.ID].Static {
			continue
		}
		shape := e.g.Witness.Values[v.ID].Shape
		kept, cut := make([][]int64, len(shape)), false
		for axis := range shape {
			kept[axis] = e.cut.Channels(e.node, op.In(slot, axis))
			cut = cut || kept[axis] != nil
		}
		content := e.replaced[e.weights[[2]int{e.node.Index, slot}]]
		if !cut && content == nil {
			continue
		}
		s, err := e.slice(v, kept, content)
		if err != nil {
			return err
		}
		e.proto.Input[slot] = s.name
		e.override(0, slot, s.fact)
		e.override(1, slot, s.fact)
	}
	return nil
}

// keptUnder returns the kept channels as an axis of the given original length
// has them. Under the nominal binding an axis that merges channels with a free
// dimension has another length: only the count matters then.
func (e *edit) keptUnder(k int) func(op.Ref) []int64 {
	return func(r op.Ref) []int64 {
		list := e.cut.Channels(e.node, r)
		if list == nil || k == 0 {
			return list
		}
		old, now := axisSize(e.bindings[0].old.Nodes[e.node.Index], r), axisSize(e.bindings[1].old.Nodes[e.node.Index], r)
		if old == now {
			return list
		}
		return make([]int64, int64(len(list))*now/old)
	}
}

func axisSize(n *op.Node, r op.Ref) int64 {
	side := n.In
	if r.Slot < 0 {
		side, r.Slot = n.Out, ^r.Slot
	}
	if r.Slot >= len(side) || side[r.Slot] == nil || r.Axis >= len(side[r.Slot].Shape) {
		return 1
	}
	return side[r.Slot].Shape[r.Axis]
}

// narrow asks the operator what the cut makes of the node.
func (e *edit) narrow() error {
	var cuts [2]*op.Cut
	for k := range cuts {
		n := e.bindings[k].old.Nodes[e.node.Index]
		cuts[k] = op.NewCut(n, e.keptUnder(k))
		if err := e.node.Spec.Narrow(n, cuts[k]); err != nil {
			return err
		}
	}
	e.setAttrs(cuts[0].Attrs)
	for slot := range len(e.node.In) + len(cuts[0].Operands) + 1 {
		want, ok := cuts[0].Operands[slot]
		if !ok {
			continue
		}
		if err := e.operand(slot, want, cuts[1].Operands[slot]); err != nil {
			return err
		}
	}
	for o := range e.node.Out {
		if f, ok := cuts[0].Factors[o]; ok && f != 1 {
			e.scale(o, f)
		}
	}
	return nil
}

// setAttrs writes attributes; the zero Attr deletes one.
func (e *edit) setAttrs(set op.Attrs) {
	if len(set) == 0 {
		return
	}
	e.attrs = op.Attrs{}
	for name, a := range e.bindings[0].old.Nodes[e.node.Index].Attrs {
		e.attrs[name] = a
	}
	names := make([]string, 0, len(set))
	for name := range set {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		a := set[name]
		e.proto.Attribute = slices.DeleteFunc(e.proto.Attribute, func(p *onnx.AttributeProto) bool { return p.GetName() == name })
		delete(e.attrs, name)
		if p := attribute(name, a); p != nil {
			e.proto.Attribute = append(e.proto.Attribute, p)
			e.attrs[name] = a
		}
	}
}

func attribute(name string, a op.Attr) *onnx.AttributeProto {
	p := &onnx.AttributeProto{Name: proto.String(name)}
	switch {
	case a.Ints != nil:
		p.Type, p.Ints = onnx.AttributeProto_INTS.Enum(), a.Ints
	case a.Int != 0:
		p.Type, p.I = onnx.AttributeProto_INT.Enum(), proto.Int64(a.Int)
	case a.Float != 0:
		p.Type, p.F = onnx.AttributeProto_FLOAT.Enum(), proto.Float32(a.Float)
	default:
		return nil
	}
	return p
}

// scale multiplies an output by a constant.
func (e *edit) scale(o int, factor float64) {
	out := e.node.Out[o]
	raw := e.names.Fresh(out.Name)
	e.proto.Output[o] = raw
	dt := e.bindings[0].old.Values[out.ID].DType
	e.after[e.node.Index] = append(e.after[e.node.Index], &onnx.NodeProto{
		OpType: proto.String("Mul"), Name: proto.String(e.names.Fresh(e.proto.GetName() + "_scale")),
		Input: []string{raw, e.constant(out.Name+"_factor", tensor.Scalar(dt, factor))}, Output: []string{out.Name},
	})
}
