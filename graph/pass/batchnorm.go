package pass

import (
	"math"

	"onnxcompress/graph"
	"onnxcompress/graph/tensor"
)

func foldBatchNorms(r *rewriter) {
	for _, n := range r.Nodes {
		if !standard(n, "BatchNormalization") || len(n.In) != 5 || n.In[0] == nil || n.Out[0] == nil || !r.sound(n) {
			continue
		}
		if a := r.affine(n); a != nil {
			r.foldBatchNorm(n, a)
		}
	}
}

// affine is what a BatchNormalization does to each channel.
type affine struct{ scale, shift []float64 }

// affine reads the constants of a BatchNormalization; nil where it is being
// trained, or where they are computed or not finite.
func (r *rewriter) affine(n *graph.Node) *affine {
	attrs := r.view(n).Attrs
	if attrs.Int("training_mode", 0) != 0 || attrs.Int("spatial", 1) == 0 {
		return nil
	}
	for _, v := range n.Out[1:] {
		if v != nil {
			return nil
		}
	}
	var p [4][]float64
	for i := range p {
		t := r.content(n.In[i+1])
		if t == nil || t.DType != tensor.Float32 || i > 0 && t.Len() != len(p[0]) {
			return nil
		}
		p[i] = t.AsFloat64s()
	}
	gamma, beta, mean, variance := p[0], p[1], p[2], p[3]
	epsilon := float64(attrs.Float("epsilon", 1e-5))
	a := &affine{make([]float64, len(gamma)), make([]float64, len(gamma))}
	for c := range gamma {
		a.scale[c] = gamma[c] / math.Sqrt(variance[c]+epsilon)
		a.shift[c] = beta[c] - mean[c]*a.scale[c]
		if sum := a.scale[c] + a.shift[c]; math.IsNaN(sum) || math.IsInf(sum, 0) {
			return nil
		}
	}
	return a
}

// linear is a node whose weight can take a factor per output channel.
type linear struct {
	node *graph.Node
	// weight is an input slot, channel the output channel of each element.
	weight  int
	channel func(i int) int
	// bias is an input slot and beta the factor that it comes with; -1 for a
	// node that has none.
	bias int
	beta float64
}

// foldBatchNorm puts a into the node before n, if that is linear and nothing
// but n reads it.
func (r *rewriter) foldBatchNorm(n *graph.Node, a *affine) {
	x := n.In[0]
	if x.Producer == nil || !only(x, n) || r.view(n).In[0].DType != tensor.Float32 {
		return
	}
	add, from := r.sum(x.Producer)
	l := r.linear(from)
	if l == nil || l.node != x.Producer && l.bias >= 0 {
		return
	}
	w := l.node.In[l.weight]
	weight := r.content(w)
	if weight == nil || weight.DType != tensor.Float32 || !only(w, l.node) {
		return
	}
	scaled := r.scale(weight, l.channel, a)
	if scaled == nil {
		return
	}
	slot, reader := l.bias, l.node
	if add >= 0 {
		slot, reader = add, x.Producer
	}
	var bias *tensor.Tensor
	if slot >= 0 {
		if bias = r.shifted(reader, slot, l.beta, a); bias == nil {
			return
		}
		if !r.pass(n.Out[0], x) {
			return
		}
	} else {
		// MatMul has no bias: what stays of the normalisation is a sum.
		shift := r.fresh(n.In[2].Name, vector(a.shift, nil), n)
		r.replace(n, node("Add", n.Proto.GetName(), []string{x.Name, shift}, n.Out[0].Name))
	}
	r.rewire(l.node, l.weight, r.fresh(w.Name, scaled, l.node))
	if bias != nil {
		for len(reader.Proto.Input) <= slot {
			reader.Proto.Input = append(reader.Proto.Input, "")
		}
		r.rewire(reader, slot, r.fresh(n.In[2].Name, bias, reader))
	}
}

// sum looks through the sum of a matrix product and a constant: slot is the
// constant's, -1 where n is no such sum.
func (r *rewriter) sum(n *graph.Node) (slot int, from *graph.Node) {
	if !standard(n, "Add") || len(n.In) != 2 {
		return -1, n
	}
	for i, v := range n.In {
		other := n.In[1-i]
		if v != nil && v.Producer != nil && standard(v.Producer, "MatMul") && only(v, n) && r.content(other) != nil {
			return 1 - i, v.Producer
		}
	}
	return -1, n
}

// linear describes the node that a BatchNormalization follows, nil where it is
// of another kind.
func (r *rewriter) linear(n *graph.Node) *linear {
	if len(n.In) < 2 || n.In[1] == nil || n.Out[0] == nil || !ofONNX(n) {
		return nil
	}
	shape, ok := r.view(n).Shape(1)
	if !ok || len(shape) < 2 {
		return nil
	}
	attrs := r.view(n).Attrs
	per, last := int(product(shape[1:])), int(product(shape[2:]))
	if per < 1 || last < 1 {
		return nil
	}
	rows := func(i int) int { return i / per }
	columns := func(i int) int { return i % per }
	switch n.Proto.GetOpType() {
	case "Conv":
		return &linear{n, 1, rows, 2, 1}
	case "ConvTranspose":
		groups := int(attrs.Int("group", 1))
		if groups < 1 || int(shape[0])%groups != 0 {
			return nil
		}
		inputs, outputs := int(shape[0])/groups, int(shape[1])
		return &linear{n, 1, func(i int) int { return i/per/inputs*outputs + i%per/last }, 2, 1}
	case "Gemm":
		l := &linear{n, 1, columns, 2, float64(attrs.Float("beta", 1))}
		if attrs.Int("transB", 0) != 0 {
			l.channel = rows
		}
		return l
	case "MatMul":
		if out := r.view(n).Out[0]; len(shape) != 2 || !out.Known || len(out.Shape) != 2 {
			return nil
		}
		return &linear{n, 1, columns, -1, 1}
	}
	return nil
}

// scale multiplies a weight by the factors of its channels; nil where it does
// not have those.
func (r *rewriter) scale(w *tensor.Tensor, channel func(int) int, a *affine) *tensor.Tensor {
	v := w.AsFloat64s()
	for i := range v {
		c := channel(i)
		if c >= len(a.scale) {
			return nil
		}
		v[i] *= a.scale[c]
	}
	return vector(v, w.Shape)
}

// shifted is the bias that n needs at slot, one number for each channel; nil
// where what it has is no such bias.
func (r *rewriter) shifted(n *graph.Node, slot int, beta float64, a *affine) *tensor.Tensor {
	if beta == 0 {
		return nil
	}
	old := []float64{0}
	if slot < len(n.In) && n.In[slot] != nil {
		t := r.content(n.In[slot])
		if t == nil || t.DType != tensor.Float32 || t.Rank() > 2 || t.Len() != 1 && (t.Len() != len(a.scale) || t.Shape[t.Rank()-1] != int64(len(a.scale))) {
			return nil
		}
		old = t.AsFloat64s()
	}
	v := make([]float64, len(a.scale))
	for c := range v {
		v[c] = old[c%len(old)]*a.scale[c] + a.shift[c]/beta
	}
	return vector(v, nil)
}

// vector rounds numbers; a nil shape is that of a list.
func vector(v []float64, shape []int64) *tensor.Tensor {
	if shape == nil {
		shape = []int64{int64(len(v))}
	}
	rounded := make([]float32, len(v))
	for i, x := range v {
		rounded[i] = float32(x)
	}
	return tensor.FromFloat32s(shape, rounded)
}

func product(shape []int64) int64 {
	n := int64(1)
	for _, d := range shape {
		n *= d
	}
	return n
}
