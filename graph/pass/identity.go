package pass

import (
	"math"
	"slices"

	"onnxcompress/graph"
	"onnxcompress/graph/tensor"
)

// dropIdentities lets the readers of a node's output read its input.
func dropIdentities(r *rewriter) {
	for _, n := range r.Nodes {
		rule := identities[n.Proto.GetOpType()]
		if rule == nil || !ofONNX(n) || len(n.Out) == 0 || n.Out[0] == nil || !r.sound(n) {
			continue
		}
		if slices.ContainsFunc(n.Out[1:], func(v *graph.Value) bool { return !unread(v) }) {
			continue
		}
		if slot := rule(r, n); slot >= 0 && slot < len(n.In) && n.In[slot] != nil {
			r.pass(n.Out[0], n.In[slot])
		}
	}
}

// identities say which input a node hands on as it is, -1 for none.
var identities = map[string]func(*rewriter, *graph.Node) int{
	"Identity": func(*rewriter, *graph.Node) int { return 0 },
	"Dropout":  inference,
	"Cast":     sameType,
	"CastLike": sameType,

	"Reshape":   sameShape,
	"Flatten":   sameShape,
	"Squeeze":   sameShape,
	"Unsqueeze": sameShape,
	"Expand":    sameShape,
	"Tile":      sameShape,
	"Transpose": unmoved,
	"Pad":       unpadded,
	"Slice":     whole,
	"Resize":    unscaled,
	"Upsample":  unscaled,
	"Split":     single,

	"Concat": single,
	"Sum":    single,
	"Mean":   single,
	"Max":    single,
	"Min":    single,

	"Add": neutral(0, 0, 1),
	"Sub": neutral(0, 0),
	"Mul": neutral(1, 0, 1),
	"Div": neutral(1, 0),
}

func when(holds bool) int {
	if holds {
		return 0
	}
	return -1
}

// inference: Dropout drops nothing unless it is told that it is being trained.
func inference(r *rewriter, n *graph.Node) int {
	if len(n.In) < 3 || n.In[2] == nil {
		return 0
	}
	training := r.settled(n.In[2])
	if training == nil {
		return -1
	}
	c, ok := training.Uniform()
	return when(ok && c == 0)
}

func sameType(r *rewriter, n *graph.Node) int {
	v := r.view(n)
	return when(len(v.In) > 0 && v.In[0] != nil && v.In[0].DType != tensor.Undefined && v.In[0].DType == v.Out[0].DType)
}

func sameShape(r *rewriter, n *graph.Node) int {
	return when(len(n.In) > 0 && n.In[0] != nil && r.sameShape(n.In[0], n.Out[0]))
}

func unmoved(r *rewriter, n *graph.Node) int {
	perm := r.view(n).Attrs.Ints("perm")
	if perm == nil {
		return when(len(n.In) > 0 && n.In[0] != nil && r.sameShape(n.In[0], n.Out[0]) && len(r.view(n).In[0].Shape) < 2)
	}
	return when(slices.IsSorted(perm))
}

// unpadded: no amount is anything but zero. Equal shapes do not say so, for
// what is added on one side may be taken from the other.
func unpadded(r *rewriter, n *graph.Node) int {
	return when(r.every(func(f *graph.Facts) bool {
		pads, given, known := f.Nodes[n.Index].IntsIn(1, "pads")
		return given && known && !slices.ContainsFunc(pads, func(p int64) bool { return p != 0 })
	}))
}

// whole: all is taken, and in order.
func whole(r *rewriter, n *graph.Node) int {
	if sameShape(r, n) < 0 {
		return -1
	}
	return when(r.every(func(f *graph.Facts) bool {
		steps, _, known := f.Nodes[n.Index].IntsIn(4, "steps")
		return known && !slices.ContainsFunc(steps, func(s int64) bool { return s < 0 })
	}))
}

// aligned are the modes in which a grid resized to its own size is itself.
var aligned = map[string]bool{"half_pixel": true, "asymmetric": true, "align_corners": true, "pytorch_half_pixel": true}

func unscaled(r *rewriter, n *graph.Node) int {
	v := r.view(n)
	if !aligned[v.Attrs.Str("coordinate_transformation_mode", "half_pixel")] || sameShape(r, n) < 0 {
		return -1
	}
	scales := v.Attrs["scales"].Floats
	for slot := 1; slot < len(n.In) && slot < 3; slot++ {
		// Before opset 11 the scales are input 1, since then input 2.
		if v.In[slot] == nil || slot == 1 && len(n.In) > 2 || v.In[slot].Known && slices.Equal(v.In[slot].Shape, []int64{0}) {
			continue
		}
		t := r.settled(n.In[slot])
		if t == nil || t.DType != tensor.Float32 {
			return -1
		}
		scales = t.Float32s()
	}
	return when(!slices.ContainsFunc(scales, func(s float32) bool { return s != 1 }))
}

func single(_ *rewriter, n *graph.Node) int {
	return when(len(n.Out) == 1 && (len(n.In) == 1 || standard(n, "Split")))
}

// neutral is the rule of arithmetic with a constant that changes nothing in
// the input at one of the slots.
func neutral(c float64, slots ...int) func(*rewriter, *graph.Node) int {
	return func(r *rewriter, n *graph.Node) int {
		if len(n.In) != 2 || n.In[0] == nil || n.In[1] == nil {
			return -1
		}
		for _, slot := range slots {
			other := r.content(n.In[1-slot])
			if other == nil {
				continue
			}
			if u, ok := other.Uniform(); ok && u == c && !math.IsNaN(u) && r.sameShape(n.In[slot], n.Out[0]) {
				return slot
			}
		}
		return -1
	}
}
