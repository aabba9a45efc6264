package pass

import (
	"slices"

	"onnxcompress/graph"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

func foldShapes(r *rewriter) {
	for _, n := range r.Nodes {
		if len(n.In) > 0 && !constants(n.In) && ofONNX(n) && r.sound(n) && !r.settle(n) && standard(n, "Reshape") {
			r.settleReshape(n)
		}
	}
}

// constants reports whether a node reads nothing but constants; such a node is
// another pass's matter.
func constants(in []*graph.Value) bool {
	return !slices.ContainsFunc(in, func(v *graph.Value) bool { return v != nil && !leaf(v) })
}

func leaf(v *graph.Value) bool {
	return v.Init != nil || v.Producer != nil && len(v.Producer.In) == 0
}

// settle makes constants of a node's outputs where all hold numbers that do
// not depend on free dimensions.
func (r *rewriter) settle(n *graph.Node) bool {
	contents := make([]*tensor.Tensor, len(n.Out))
	size := 0
	for i, v := range n.Out {
		if unread(v) {
			continue
		}
		if r.facts()[0].Values[v.ID].Static {
			return false // a matter of constants
		}
		if contents[i] = r.settled(v); contents[i] == nil {
			return false
		}
		size += len(contents[i].Data)
	}
	if size > small {
		return false
	}
	for i, t := range contents {
		if t != nil {
			r.constant(n.Out[i], t)
		}
	}
	return true
}

// settleReshape makes a constant of the target of a Reshape: what is copied
// from the input is 0, and one other free dimension is what is left.
func (r *rewriter) settleReshape(n *graph.Node) {
	if len(n.In) != 2 || n.In[0] == nil || n.In[1] == nil || leaf(n.In[1]) {
		return
	}
	targets, shapes := r.targets(n)
	if targets == nil {
		return
	}
	literal := r.view(n).Attrs.Int("allowzero", 0) != 0
	want, open := make([]int64, len(targets[0])), 0
	for i := range want {
		switch fixed, copied := agree(targets, shapes, i); {
		case fixed && targets[0][i] == 0 && literal:
			return // an empty tensor: not worth a thought
		case fixed:
			want[i] = targets[0][i]
		case copied:
			want[i] = 0
		default:
			want[i] = -1
		}
		if want[i] == -1 {
			open++
		}
	}
	if open > 1 {
		return
	}
	// No element is zero by itself, so that 0 may as well stand for a copy.
	n.Proto.Attribute = slices.DeleteFunc(n.Proto.Attribute, func(a *onnx.AttributeProto) bool { return a.GetName() == "allowzero" })
	r.rewire(n, 1, r.fresh(n.In[1].Name, tensor.Vector(want...), n))
}

// targets are the shapes that a Reshape is told to make, and those of its
// input, under each binding; nil where one is not known.
func (r *rewriter) targets(n *graph.Node) (targets, shapes [][]int64) {
	for _, f := range r.facts() {
		view := f.Nodes[n.Index]
		target, ok := view.Input(1).Ints()
		shape, known := view.Shape(0)
		if !ok || !known || len(targets) > 0 && len(target) != len(targets[0]) {
			return nil, nil
		}
		targets, shapes = append(targets, target), append(shapes, shape)
	}
	return targets, shapes
}

// agree reports whether element i is one number under all bindings, or else
// whether it is the size of axis i of the input.
func agree(targets, shapes [][]int64, i int) (fixed, copied bool) {
	fixed, copied = true, true
	for k, target := range targets {
		fixed = fixed && target[i] == targets[0][i]
		copied = copied && i < len(shapes[k]) && target[i] == shapes[k][i]
	}
	return fixed, copied
}
