package obs

import (
	"math/rand/v2"
	"slices"

	"onnxcompress/compress"
	"onnxcompress/graph/op"
	"onnxcompress/graph/tensor"
)

// patches reads rows out of the data of a layer: the patches under some places
// of its output.
type patches struct {
	*layer
	// view is the node with the shapes of one batch.
	product op.Product
	data    *tensor.Tensor
	// outShape is the shape of the output, its channels one.
	outShape []int64
	places   []int64
}

// newPatches chooses up to most places of the output of a layer for one batch;
// the same seed chooses the same.
func newPatches(l *layer, view *op.Node, in compress.Inputs, most int, seed uint64) *patches {
	data := in[l.node.In[l.product.Data].Name]
	own := *view
	own.In = slices.Clone(view.In)
	fact := op.Of(data.DType, data.Shape...)
	own.In[l.product.Data] = &fact
	p := &patches{layer: l, data: data}
	p.product, _ = l.node.Spec.Product(&own)
	p.outShape = p.shape(&own)
	count, _ := tensor.Count(p.outShape)
	p.places = choose(count, int64(most), seed)
	return p
}

// shape is the output's, its channels one.
func (p *patches) shape(view *op.Node) []int64 {
	shape := slices.Clone(p.data.Shape)
	if len(p.product.Kernel) > 0 {
		facts, err := p.node.Spec.Infer(view)
		if err == nil && facts[0].Known {
			shape = slices.Clone(facts[0].Shape)
		}
	}
	shape[p.product.OutAxis] = 1
	return shape
}

// choose draws k of n numbers without repetition, ascending.
func choose(n, k int64, seed uint64) []int64 {
	list := make([]int64, 0, min(n, k))
	rng := rand.New(rand.NewPCG(seed, 0x6f6273))
	for i := range n {
		if rng.Int64N(n-i) < k-int64(len(list)) {
			list = append(list, i)
		}
	}
	return list
}

// rows gives the patches of some channels of the data, one after the other.
func (p *patches) rows(channels []int) []float32 {
	x, strides := p.data.Float32s(), stridesOf(p.data.Shape)
	width := len(channels) * p.area
	out := make([]float32, len(p.places)*width)
	offsets, inside := make([]int64, p.area), make([]bool, p.area)
	at := make([]int64, len(p.outShape))
	for r, place := range p.places {
		unravel(place, p.outShape, at)
		base := p.taps(at, strides, offsets, inside)
		row := out[r*width : (r+1)*width]
		for i, c := range channels {
			from := base + int64(c)*strides[p.product.DataAxis]
			if p.area == 1 && inside[0] {
				row[i] = x[from+offsets[0]]
				continue
			}
			for k, off := range offsets {
				if inside[k] {
					row[i*p.area+k] = x[from+off]
				}
			}
		}
	}
	return out
}

// taps finds the elements under a place of the output: offsets from the
// returned base, and which lie inside of the data.
func (p *patches) taps(at, strides, offsets []int64, inside []bool) int64 {
	base := int64(0)
	spatial := len(p.product.Kernel)
	for axis := range len(at) - spatial {
		if axis != p.product.OutAxis {
			base += at[axis] * strides[axis]
		}
	}
	for k := range offsets {
		offsets[k], inside[k] = 0, true
		rest := int64(k)
		for i := spatial - 1; i >= 0; i-- {
			axis := len(at) - spatial + i
			tap := rest % p.product.Kernel[i]
			rest /= p.product.Kernel[i]
			pos := at[axis]*p.product.Strides[i] - p.product.Before[i] + tap*p.product.Dilations[i]
			inside[k] = inside[k] && pos >= 0 && pos < p.data.Shape[axis]
			offsets[k] += pos * strides[axis]
		}
	}
	return base
}

// pick gives some channels of a tensor of the output's shape at the places.
func (p *patches) pick(t *tensor.Tensor, channels []int) []float32 {
	y, strides := t.Float32s(), stridesOf(t.Shape)
	out := make([]float32, 0, len(p.places)*len(channels))
	at := make([]int64, len(p.outShape))
	for _, place := range p.places {
		unravel(place, p.outShape, at)
		base := int64(0)
		for axis, i := range at {
			base += i * strides[axis]
		}
		for _, c := range channels {
			out = append(out, y[base+int64(c)*strides[p.product.OutAxis]])
		}
	}
	return out
}

func stridesOf(shape []int64) []int64 {
	s := make([]int64, len(shape))
	step := int64(1)
	for axis := len(shape) - 1; axis >= 0; axis-- {
		s[axis] = step
		step *= shape[axis]
	}
	return s
}

func unravel(i int64, shape, into []int64) {
	for axis := len(shape) - 1; axis >= 0; axis-- {
		into[axis] = i % shape[axis]
		i /= shape[axis]
	}
}
