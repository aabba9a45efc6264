package pass

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"onnxcompress/graph"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

// maxParts bounds the outputs of a Split: as many as a sequence that somebody
// reads part by part may have.
const maxParts = 1 << 10

func hasSequences(g *onnx.GraphProto) bool {
	return slices.ContainsFunc(g.GetNode(), func(n *onnx.NodeProto) bool { return n.GetOpType() == "SplitToSequence" })
}

func splitSequences(r *rewriter) {
	if !hasSequences(r.proto) {
		return
	}
	for _, n := range r.Nodes {
		if standard(n, "SplitToSequence") && len(n.In) > 0 && n.In[0] != nil && n.Out[0] != nil {
			r.splitSequence(n)
		}
	}
}

// splitSequence makes a Split of n, and of what takes the parts something that
// gives them on under the names they have.
func (r *rewriter) splitSequence(n *graph.Node) {
	sequence, data := n.Out[0], n.In[0]
	// A constant is left alone: the Split would read weights.
	if sequence.Captured || sequence.Output || r.facts()[0].Values[data.ID].Static {
		return
	}
	axis, sizes, keep := r.parts(n)
	if sizes == nil {
		return
	}
	taken := make([]int, len(sequence.Uses))
	for i, u := range sequence.Uses {
		at, ok := r.position(u, len(sizes))
		if !ok {
			return
		}
		taken[i] = at
	}
	outputs := make([]string, len(sizes))
	for i := range outputs {
		outputs[i] = r.names.Fresh(sequence.Name)
	}
	r.replace(n, r.split(n, axis, sizes, outputs))
	for i, u := range sequence.Uses {
		r.replace(u.Node, r.part(u.Node, outputs[taken[i]], axis, keep))
	}
}

// parts are the axis and the sizes of the parts of a SplitToSequence; keep says
// that the parts keep the axis. sizes is nil where they are not known.
func (r *rewriter) parts(n *graph.Node) (axis int64, sizes []int64, keep bool) {
	view := r.view(n)
	shape, ok := view.Shape(0)
	axis = view.Attrs.Int("axis", 0)
	if axis < 0 {
		axis += int64(len(shape))
	}
	if !ok || axis < 0 || axis >= int64(len(shape)) {
		return 0, nil, false
	}
	step := int64(1)
	if view.Has(1) {
		split := r.settled(n.In[1])
		if split == nil || split.AsInt64s() == nil {
			return 0, nil, false
		}
		if split.Rank() > 0 {
			return axis, known(split.AsInt64s()), true
		}
		step = split.AsInt64s()[0]
	}
	size, fixed := shape[axis], r.every(func(f *graph.Facts) bool {
		fact := &f.Values[n.In[0].ID]
		return fact.Known && int64(len(fact.Shape)) > axis && fact.Shape[axis] == shape[axis]
	})
	if !fixed || step < 1 || size/step >= maxParts {
		return 0, nil, false
	}
	for at := int64(0); at < size; at += step {
		sizes = append(sizes, min(step, size-at))
	}
	return axis, known(sizes), view.Has(1) || view.Attrs.Int("keepdims", 1) != 0
}

// known is nil for sizes that no Split has.
func known(sizes []int64) []int64 {
	if len(sizes) == 0 || len(sizes) > maxParts {
		return nil
	}
	return sizes
}

// position is the part that a reader of a sequence takes.
func (r *rewriter) position(u graph.Use, parts int) (int, bool) {
	if !standard(u.Node, "SequenceAt") || u.Slot != 0 || len(u.Node.In) < 2 || u.Node.Out[0] == nil {
		return 0, false
	}
	index := r.settled(u.Node.In[1])
	if index == nil || len(index.AsInt64s()) != 1 {
		return 0, false
	}
	at := index.AsInt64s()[0]
	if at < 0 {
		at += int64(parts)
	}
	return int(at), at >= 0 && at < int64(parts)
}

func (r *rewriter) split(n *graph.Node, axis int64, sizes []int64, outputs []string) *onnx.NodeProto {
	p := node("Split", n.Proto.GetName(), []string{n.In[0].Name}, "", integer("axis", axis))
	p.Output = outputs
	r.integers(p, n, "split", sizes)
	return p
}

// part is what stands for a SequenceAt.
func (r *rewriter) part(n *graph.Node, from string, axis int64, keep bool) *onnx.NodeProto {
	if keep {
		return node("Identity", n.Proto.GetName(), []string{from}, n.Out[0].Name)
	}
	p := node("Squeeze", n.Proto.GetName(), []string{from}, n.Out[0].Name)
	r.integers(p, n, "axes", []int64{axis})
	return p
}

// integers gives p a list that is an attribute before opset 13 and the second
// input since.
func (r *rewriter) integers(p *onnx.NodeProto, n *graph.Node, name string, list []int64) {
	if r.Opset("") < 13 {
		p.Attribute = append(p.Attribute, &onnx.AttributeProto{
			Name: proto.String(name), Type: onnx.AttributeProto_INTS.Enum(), Ints: list,
		})
		return
	}
	p.Input = append(p.Input, r.fresh(p.GetInput()[0]+"_"+name, tensor.Vector(list...), n))
}

func integer(name string, v int64) *onnx.AttributeProto {
	return &onnx.AttributeProto{Name: proto.String(name), Type: onnx.AttributeProto_INT.Enum(), I: proto.Int64(v)}
}
