package pass

import (
	"math"
	"slices"

	"google.golang.org/protobuf/proto"

	"onnxcompress/graph"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

// Moments gives the mean and the variance of each channel of a value, measured
// on data; nil where they are not known.
type Moments func(value string) (mean, variance []float64)

// BatchNormPlaces names the values behind which InsertBatchNorms normalises.
func BatchNormPlaces(m *onnx.Model) ([]string, error) {
	g, err := graph.Import(m)
	if err != nil {
		return nil, err
	}
	var names []string
	r := newRewriter(g)
	for _, n := range g.Nodes {
		if r.normalisable(n) != nil {
			names = append(names, n.Out[0].Name)
		}
	}
	return names, nil
}

// InsertBatchNorms puts a BatchNormalization behind each Conv, ConvTranspose and
// Gemm whose weights are constants of its own and whose output is none of the
// model's, unless there is one. Each takes the bias over, where that may be absent, and
// changes nothing as long as nothing is trained: it divides by the deviation and
// multiplies by the same. With the moments of a batch that holds for a training on that batch,
// too. Where moments are not known, inputs are taken to be independent, of mean
// zero and variance one. BatchNorms folds them again.
func InsertBatchNorms(m *onnx.Model, known Moments) error {
	return Run(m, Pass{"BatchNormalization insertion", func(r *rewriter) {
		for _, n := range r.Nodes {
			if l := r.normalisable(n); l != nil {
				r.normalise(l, known)
			}
		}
	}})
}

// normalisable describes a node that a BatchNormalization can follow, and be
// folded into again; nil for others.
func (r *rewriter) normalisable(n *graph.Node) *linear {
	if r.Opset("") < 7 || len(n.Out) != 1 || n.Out[0] == nil || n.Out[0].Output || n.Out[0].Captured || !r.sound(n) {
		return nil
	}
	l := r.linear(n)
	if l == nil || l.bias < 0 || l.beta == 0 || len(n.Out[0].Uses) == 0 {
		return nil
	}
	for _, u := range n.Out[0].Uses {
		if standard(u.Node, "BatchNormalization") {
			return nil
		}
	}
	w := n.In[l.weight]
	weight := r.content(w)
	if weight == nil || w.Init == nil || weight.DType != tensor.Float32 || !only(w, n) {
		return nil
	}
	channels := l.channels(weight)
	if r.shifted(n, l.bias, l.beta, &affine{make([]float64, channels), make([]float64, channels)}) == nil {
		return nil
	}
	return l
}

// channels is the number of outputs that a weight has.
func (l *linear) channels(w *tensor.Tensor) int {
	most := -1
	for i := range w.Len() {
		most = max(most, l.channel(i))
	}
	return most + 1
}

// normalise puts a BatchNormalization behind a node. Its output takes the name
// that the node's had, for whoever reads it.
func (r *rewriter) normalise(l *linear, known Moments) {
	n := l.node
	name := n.Out[0].Name
	bias := r.bias(l)
	mean, variance := bias, r.fanIn(l)
	if known != nil {
		if m, v := known(name); len(m) == len(bias) && len(v) == len(bias) {
			mean, variance = m, v
		}
	}
	const epsilon = 1e-5
	scale, centre := make([]float64, len(bias)), slices.Clone(mean)
	for c := range bias {
		scale[c] = math.Sqrt(float64(float32(variance[c])) + epsilon)
	}
	if !standard(n, "Gemm") || r.Opset("") >= 11 {
		n.Proto.Input = n.Proto.Input[:min(l.bias, len(n.Proto.Input))]
		for c := range bias {
			centre[c] -= bias[c]
		}
	}
	inner := r.names.Fresh(name)
	operands := []string{
		inner, r.parameter(name+"_scale", scale), r.parameter(name+"_shift", mean),
		r.parameter(name+"_mean", centre), r.parameter(name+"_variance", variance),
	}
	n.Proto.Output[0] = inner
	r.replace(n, n.Proto, node("BatchNormalization", r.names.Fresh(n.Proto.GetName()+"_norm"), operands, name,
		&onnx.AttributeProto{Name: proto.String("epsilon"), Type: onnx.AttributeProto_FLOAT.Enum(), F: proto.Float32(epsilon)}))
}

// bias is what a node adds to each channel.
func (r *rewriter) bias(l *linear) []float64 {
	channels := l.channels(r.content(l.node.In[l.weight]))
	bias := make([]float64, channels)
	if l.bias >= len(l.node.In) || l.node.In[l.bias] == nil {
		return bias
	}
	stored := r.content(l.node.In[l.bias]).AsFloat64s()
	for c := range bias {
		bias[c] = l.beta * stored[c%len(stored)]
	}
	return bias
}

// fanIn is the sum of the squares of each channel's weights.
func (r *rewriter) fanIn(l *linear) []float64 {
	w := r.content(l.node.In[l.weight])
	sums := make([]float64, l.channels(w))
	for i, v := range w.AsFloat64s() {
		sums[l.channel(i)] += v * v
	}
	return sums
}

// parameter makes an initializer, listed where the model lists them, and returns
// its name.
func (r *rewriter) parameter(base string, v []float64) string {
	p := tensorProto(r.names.Fresh(base), vector(v, nil))
	r.initializer(p)
	return p.GetName()
}

// initializer adds p to the model.
func (r *rewriter) initializer(p *onnx.TensorProto) {
	r.added = append(r.added, p)
	if r.listed() {
		r.proto.Input = append(r.proto.Input, listing(p))
	}
	r.changed = true
}
