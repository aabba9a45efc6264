package obs

import (
	"onnxcompress/depgraph"
	"onnxcompress/graph"
	"onnxcompress/graph/op"
	"onnxcompress/graph/tensor"
)

// layer is a product with a constant weight, and what becomes of its output.
type layer struct {
	node    *graph.Node
	product op.Product
	weight  *depgraph.Weight
	// in and out are the channels of data and output, area the places of the
	// kernel: the matrix is out by in/groups·area.
	in, out, area int
	// bias is where a number may be added to each channel of the output, nil
	// where nowhere; it counts with sign.
	bias *depgraph.Weight
	sign float64
	// scale and shift is what channels go through before other is added to
	// them, if it is not nil, and the sum is rectified, if rectified is set.
	scale, shift []float64
	other        *graph.Value
	rectified    bool
}

// finder finds the layers of a graph.
type finder struct {
	*depgraph.Graph
	weights map[[2]int]*depgraph.Weight
}

func newFinder(g *depgraph.Graph) *finder {
	f := &finder{Graph: g, weights: map[[2]int]*depgraph.Weight{}}
	for _, w := range g.Weights {
		f.weights[[2]int{w.Node.Index, w.Slot}] = w
	}
	return f
}

// layers lists the products of a graph in its order.
func (f *finder) layers() []*layer {
	var list []*layer
	for _, n := range f.Nodes {
		if n.Spec == nil || n.Spec.Product == nil || f.Constant(n) || f.Witness.Failed[n.Index] {
			continue
		}
		if l := f.layer(n); l != nil {
			list = append(list, l)
		}
	}
	return list
}

func (f *finder) layer(n *graph.Node) *layer {
	view := f.Witness.Nodes[n.Index]
	for _, in := range view.In {
		if in != nil && !in.Known {
			return nil
		}
	}
	p, ok := n.Spec.Product(view)
	if !ok || view.In[p.Data].DType != tensor.Float32 {
		return nil
	}
	w := f.weights[[2]int{n.Index, p.Weight}]
	if w == nil || view.In[p.Data].Static {
		return nil
	}
	shape := view.In[p.Weight].Shape
	l := &layer{node: n, product: p, weight: w, area: 1, in: int(view.In[p.Data].Shape[p.DataAxis]), out: int(view.Out[0].Shape[p.OutAxis]), sign: 1}
	for axis, d := range shape {
		if axis != p.In && axis != p.Out {
			l.area *= int(d)
		}
	}
	if p.Out != 0 && l.area > 1 || l.in == 0 || l.out == 0 {
		return nil
	}
	f.follow(l)
	return l
}

// own reports whether the content of a use can be replaced: trained as 32-bit
// numbers and read by this node only.
func (f *finder) own(w *depgraph.Weight) bool {
	if w == nil || w.Value.Captured || w.Value.Output || len(w.Value.Uses) != 1 || f.Witness.Values[w.Value.ID].DType != tensor.Float32 {
		return false
	}
	for _, leaf := range w.Leaves {
		if f.Witness.Values[leaf.Value.ID].DType != tensor.Float32 {
			return false
		}
	}
	return len(w.Leaves) > 0 || w.Follow
}

// follow walks from the output of a layer through what only it reaches, to the
// place of the bias, the sum with another branch and the rectifier.
func (f *finder) follow(l *layer) {
	l.scale, l.shift = make([]float64, l.out), make([]float64, l.out)
	for i := range l.scale {
		l.scale[i] = 1
	}
	if l.product.Bias >= 0 {
		if w := f.weights[[2]int{l.node.Index, l.product.Bias}]; f.perChannel(w, l) {
			l.bias = w
		}
	}
	v := l.node.Out[0]
	for {
		u, only := soleUse(v)
		if !only {
			break
		}
		n := u.Node
		if n.Spec != nil && n.Spec.Affine != nil && u.Slot == 0 && f.affine(l, n) {
			v = n.Out[0]
			continue
		}
		if n.Spec == nil || !n.Spec.Sum || len(n.In) != 2 || n.In[0] == n.In[1] {
			break
		}
		slot := 1 - u.Slot
		w := f.weights[[2]int{n.Index, slot}]
		if w == nil {
			if l.other == nil && f.branch(l, n.In[slot], v) {
				l.other, v = n.In[slot], n.Out[0]
			}
			break
		}
		t, err := f.Witness.Tensor(w.Value)
		if err != nil || !f.perChannel(w, l) {
			break
		}
		for c, x := range t.AsFloat64s() {
			l.shift[c] += x
		}
		if l.bias == nil && l.scale[0] == 1 {
			l.bias = w
		}
		v = n.Out[0]
	}
	l.rectified = f.rectified(v)
}

func soleUse(v *graph.Value) (graph.Use, bool) {
	if v == nil || v.Output || v.Captured || len(v.Uses) != 1 {
		return graph.Use{}, false
	}
	return v.Uses[0], true
}

// perChannel reports whether a use can be replaced and has one number for each
// channel of a layer's output, along its axis.
func (f *finder) perChannel(w *depgraph.Weight, l *layer) bool {
	if !f.own(w) {
		return false
	}
	shape := f.Witness.Values[w.Value.ID].Shape
	fromEnd := f.Witness.Nodes[l.node.Index].Out[0].Rank() - l.product.OutAxis
	if w.Node.Spec.Affine != nil || w.Node == l.node && len(shape) == 1 {
		fromEnd = 1
	}
	axis := len(shape) - fromEnd
	count, _ := tensor.Count(shape)
	return axis >= 0 && shape[axis] == int64(l.out) && count == shape[axis]
}

// affine folds a node that scales and shifts channels into the layer.
func (f *finder) affine(l *layer, n *graph.Node) bool {
	in := make([]*tensor.Tensor, len(n.In))
	for slot, v := range n.In {
		if slot > 0 && v != nil && f.Witness.Values[v.ID].Static {
			in[slot], _ = f.Witness.Tensor(v)
		}
	}
	a, ok := n.Spec.Affine(f.Witness.Nodes[n.Index], in)
	if !ok || a.Axis != l.product.OutAxis || len(a.Scale) != l.out {
		return false
	}
	for c, s := range a.Scale {
		l.scale[c], l.shift[c] = l.scale[c]*s, l.shift[c]*s+a.Shift[c]
	}
	if w := f.weights[[2]int{n.Index, a.Offset}]; l.bias == nil && f.perChannel(w, l) {
		l.bias, l.sign = w, -1
	}
	return true
}

// branch reports whether a value can be added to the layer's when the layer is
// fitted: it is computed before and has the same shape.
func (f *finder) branch(l *layer, other, v *graph.Value) bool {
	if other == nil || other.Producer != nil && other.Producer.Index > l.node.Index {
		return false
	}
	a, b := &f.Witness.Values[other.ID], &f.Witness.Values[v.ID]
	if a.Static || !a.Known || !b.Known || len(a.Shape) != len(b.Shape) || a.DType != tensor.Float32 {
		return false
	}
	for axis := range a.Shape {
		if a.Shape[axis] != b.Shape[axis] {
			return false
		}
	}
	return true
}

// rectified reports whether all that reads a value is max(0, x).
func (f *finder) rectified(v *graph.Value) bool {
	if v == nil || v.Output || v.Captured || len(v.Uses) == 0 {
		return false
	}
	for _, u := range v.Uses {
		n := u.Node
		if n.Spec == nil || !n.Spec.Elementwise || n.Spec.Forward == nil || len(n.In) != 1 {
			return false
		}
		in := tensor.FromFloat32s([]int64{5}, []float32{-3, -0.5, 0, 0.5, 3})
		out, err := n.Spec.Forward(f.Witness.Nodes[n.Index], []*tensor.Tensor{in})
		if err != nil || len(out) == 0 || out[0] == nil || out[0].DType != tensor.Float32 {
			return false
		}
		for i, x := range in.Float32s() {
			if out[0].Float32s()[i] != max(x, 0) {
				return false
			}
		}
	}
	return true
}

// matrix is the weight as out rows of in/groups·area columns.
func (l *layer) matrix(t *tensor.Tensor) []float64 {
	v := t.AsFloat64s()
	if l.product.Out == 0 {
		return v
	}
	return transposed(v, l.columns(), l.out)
}

// tensor is the inverse of matrix.
func (l *layer) tensor(m []float64, shape []int64) *tensor.Tensor {
	if l.product.Out != 0 {
		m = transposed(m, l.out, l.columns())
	}
	return float32s(m, shape)
}

func float32s(v []float64, shape []int64) *tensor.Tensor {
	list := make([]float32, len(v))
	for i, x := range v {
		list[i] = float32(x)
	}
	return tensor.FromFloat32s(shape, list)
}

func transposed(v []float64, rows, columns int) []float64 {
	t := make([]float64, len(v))
	for i := range rows {
		for j := range columns {
			t[j*rows+i] = v[i*columns+j]
		}
	}
	return t
}

// columns is the width of the matrix.
func (l *layer) columns() int { return l.in / l.product.Groups * l.area }
