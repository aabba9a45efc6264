package depgraph

import (
	"onnxcompress/graph"
	"onnxcompress/graph/tensor"
)

// tracer finds the leaves of one weight by pushing element numbers from them
// through the operators that compute it.
type tracer struct {
	*axes
	leaves []Leaf
	total  int
	steps  int
}

// mostSteps bounds the values that are visited to find the leaves of a weight:
// a graph may lead to each of them in more ways than can be gone.
const mostSteps = 1 << 10

// trace fills the leaves of a weight and the axes along which they separate.
func (x *axes) trace(w *Weight, shape []int64) {
	w.zeroable = make([]bool, len(shape))
	if x.leaf(w.Value) {
		w.Leaves = []Leaf{{Value: w.Value}}
		for axis := range w.zeroable {
			w.zeroable[axis] = true
		}
		return
	}
	t := &tracer{axes: x}
	ids := t.numbers(w.Value)
	if ids == nil {
		return
	}
	w.Leaves, w.elements = t.leaves, ids
	for axis := range shape {
		w.zeroable[axis] = separates(ids.Int32s(), shape, axis, t.total)
	}
}

// leaf reports whether zeros can be written to the constant itself.
func (x *axes) leaf(v *graph.Value) bool {
	fact := &x.Witness.Values[v.ID]
	return fact.DType.IsFloat() && fact.Value != nil && (v.Init != nil || v.Producer != nil && len(v.Producer.In) == 0)
}

// numbers gives, for each element of v, the number of the leaf element whose
// zero makes it zero; nil where there is none.
func (t *tracer) numbers(v *graph.Value) *tensor.Tensor {
	if t.leaf(v) {
		return t.number(v)
	}
	n := v.Producer
	if t.steps++; t.steps > mostSteps || n == nil || n.Spec == nil || !n.Spec.Folds(t.Witness.Nodes[n.Index]) {
		return nil
	}
	if n.Spec.Carry {
		return t.carry(v)
	}
	for _, slot := range n.Spec.ZeroIn {
		before := *t
		if ids := t.scale(v, slot); ids != nil {
			return ids
		}
		before.steps = t.steps
		*t = before
	}
	return nil
}

func (t *tracer) number(v *graph.Value) *tensor.Tensor {
	shape := t.Witness.Values[v.ID].Shape
	count, _ := tensor.Count(shape)
	base := -1
	for _, l := range t.leaves {
		if l.Value == v {
			base = l.Base
		}
	}
	if base < 0 {
		base = t.total
		if int64(base)+count > 1<<31-1 {
			return nil
		}
		t.leaves = append(t.leaves, Leaf{v, base})
		t.total += int(count)
	}
	ids := tensor.New(tensor.Int32, shape...)
	for i, list := 0, ids.Int32s(); i < len(list); i++ {
		list[i] = int32(base + i)
	}
	return ids
}

// carry moves element numbers as the operator moves elements.
func (t *tracer) carry(v *graph.Value) *tensor.Tensor {
	n := v.Producer
	args := make([]*tensor.Tensor, len(n.In))
	for i, in := range n.In {
		if in == nil {
			continue
		}
		if t.Witness.Values[in.ID].DType.IsFloat() {
			args[i] = t.numbers(in)
		} else {
			args[i], _ = t.Witness.Tensor(in)
		}
		if args[i] == nil {
			return nil
		}
	}
	results, err := n.Spec.Forward(t.Witness.Nodes[n.Index], args)
	if err != nil || v.Index >= len(results) || results[v.Index] == nil || results[v.Index].DType != tensor.Int32 {
		return nil
	}
	return results[v.Index]
}

// scale spreads the numbers of a factor over the product: every output element
// gets the number of the element of input slot that multiplies it. The other
// inputs must not depend on the same leaves, or zeros would show elsewhere.
func (t *tracer) scale(v *graph.Value, slot int) *tensor.Tensor {
	n := v.Producer
	if slot >= len(n.In) || n.In[slot] == nil {
		return nil
	}
	known := len(t.leaves)
	ids := t.numbers(n.In[slot])
	if ids == nil {
		return nil
	}
	for i, in := range n.In {
		for _, l := range t.leaves[known:] {
			if i != slot && depends(in, l.Value, map[*graph.Value]bool{}) {
				return nil
			}
		}
	}
	return t.spread(v, slot, ids)
}

func depends(v, leaf *graph.Value, seen map[*graph.Value]bool) bool {
	if v == leaf {
		return true
	}
	if v == nil || v.Producer == nil || seen[v] {
		return false
	}
	seen[v] = true
	for _, in := range v.Producer.In {
		if depends(in, leaf, seen) {
			return true
		}
	}
	return false
}

// spread follows the axes that the operator ties between input and output.
func (t *tracer) spread(v *graph.Value, slot int, ids *tensor.Tensor) *tensor.Tensor {
	n := v.Producer
	out := t.Witness.Values[v.ID].Shape
	axisOf := tiedAxes(n, t.Witness.Nodes[n.Index], slot, v.Index)
	strides := make([]int64, len(out))
	stride := int64(1)
	for axis := len(ids.Shape) - 1; axis >= 0; axis-- {
		if ids.Shape[axis] != 1 {
			to, ok := axisOf[axis]
			if !ok {
				return nil
			}
			strides[to] = stride
		}
		stride *= ids.Shape[axis]
	}
	count, err := tensor.Count(out)
	if err != nil || count > 1<<31-1 {
		return nil
	}
	result := tensor.New(tensor.Int32, out...)
	src, dst := ids.Int32s(), result.Int32s()
	at := make([]int64, len(out))
	from := int64(0)
	for i := range dst {
		dst[i] = src[from]
		for axis := len(out) - 1; axis >= 0; axis-- {
			at[axis]++
			from += strides[axis]
			if at[axis] < out[axis] {
				break
			}
			from -= strides[axis] * out[axis]
			at[axis] = 0
		}
	}
	return result
}

// separates reports whether every leaf element stays within one slice along
// axis.
func separates(elements []int32, shape []int64, axis, total int) bool {
	at := make([]int32, total)
	inner := int64(1)
	for _, d := range shape[axis+1:] {
		inner *= d
	}
	for i, e := range elements {
		k := int32(int64(i)/inner%shape[axis]) + 1
		if e < 0 || int(e) >= total || at[e] != 0 && at[e] != k {
			return false
		}
		at[e] = k
	}
	return true
}

// disjoin takes the leaves from computed weights that share elements with
// another computed weight which is cut by itself: zeros for one would show in
// the other. Direct readers of a leaf are no matter, they can have a copy.
func disjoin(weights []*Weight) {
	readers := map[*graph.Value][]*Weight{}
	var order []*graph.Value
	for _, w := range weights {
		for _, l := range w.Leaves {
			if w.elements == nil {
				continue
			}
			if readers[l.Value] == nil {
				order = append(order, l.Value)
			}
			readers[l.Value] = append(readers[l.Value], w)
		}
	}
	for _, leaf := range order {
		if list := readers[leaf]; len(list) > 1 && overlap(leaf, list) {
			for _, w := range list {
				w.Leaves, w.elements = nil, nil
			}
		}
	}
}

func overlap(leaf *graph.Value, readers []*Weight) bool {
	owner := map[int32]*Weight{}
	for _, w := range readers {
		base, limit := int32(0), int32(1<<31-1)
		for i, l := range w.Leaves {
			if l.Value == leaf {
				base = int32(l.Base)
				if i+1 < len(w.Leaves) {
					limit = int32(w.Leaves[i+1].Base)
				}
			}
		}
		for _, e := range w.Elements() {
			if e < base || e >= limit {
				continue
			}
			o := owner[e-base]
			if o != nil && o != w && !tied(o, w) {
				return true
			}
			owner[e-base] = w
		}
	}
	return false
}

// tied reports whether two uses are cut alike because they read one matrix in
// the same place of one operator.
func tied(a, b *Weight) bool {
	return a.Value == b.Value && a.Node.Spec == b.Node.Spec && a.Slot == b.Slot && len(a.zeroable) > 1
}
