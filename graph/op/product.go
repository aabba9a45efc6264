package op

import (
	"math"

	"onnxcompress/graph/tensor"
)

// Product is a node as a linear map: at each place of its output, the channels
// along OutAxis are a matrix times the patch of data under the place, plus a
// bias. The matrix has the weight's axis Out for rows; its columns run over In,
// then over the kernel in row-major order.
type Product struct {
	// Data, Weight and Bias are inputs; Bias is -1 where there is none.
	Data, Weight, Bias int
	// In is the axis of the weight that is summed over, Out the one that the
	// output keeps.
	In, Out int
	// DataAxis and OutAxis are the channel axes of data and output.
	DataAxis, OutAxis int
	// Groups divide both channel axes into as many maps of their own.
	Groups int
	// Kernel, Strides, Dilations and Before (the padding) describe the patch
	// along the axes after the channels; nil where a patch is one place.
	Kernel, Strides, Dilations, Before []int64
}

func productConv(n *Node) (Product, bool) {
	x, w, groups, ok, err := convShapes(n)
	if !ok || err != nil {
		return Product{}, false
	}
	win, err := windowsOf(n, x[2:], w[2:])
	if err != nil {
		return Product{}, false
	}
	p := Product{
		Weight: 1, Bias: -1, In: 1, DataAxis: 1, OutAxis: 1, Groups: int(groups),
		Kernel: win.kernel, Strides: win.strides, Dilations: win.dilations, Before: win.before,
	}
	if n.Has(2) {
		p.Bias = 2
	}
	return p, true
}

// productGemm leaves out what is scaled or transposed on the data's side.
func productGemm(n *Node) (Product, bool) {
	if n.Attrs.Float("alpha", 1) != 1 || n.Attrs.Int("transA", 0) != 0 {
		return Product{}, false
	}
	_, _, inner, column := gemmAxes(n)
	p := Product{Weight: 1, Bias: -1, In: inner, Out: column, DataAxis: 1, OutAxis: 1, Groups: 1}
	if n.Has(2) {
		if n.Attrs.Float("beta", 1) != 1 {
			return Product{}, false
		}
		p.Bias = 2
	}
	return p, true
}

// productMatMul: a stack of rows times one matrix.
func productMatMul(n *Node) (Product, bool) {
	a, okA := n.Shape(0)
	b, okB := n.Shape(1)
	if !okA || !okB || len(a) < 2 || len(b) != 2 {
		return Product{}, false
	}
	return Product{Weight: 1, Bias: -1, Out: 1, DataAxis: len(a) - 1, OutAxis: len(a) - 1, Groups: 1}, true
}

// Affine is a node that scales and shifts each channel of input 0 by numbers
// of its own.
type Affine struct {
	// Axis is the channel axis. Offset is an input that is subtracted from the
	// data before it is scaled.
	Axis, Offset int
	// Scale and Shift give the output: Scale·x + Shift.
	Scale, Shift []float64
}

// affineBatchNorm reads the node with the contents of its inputs.
func affineBatchNorm(n *Node, in []*tensor.Tensor) (Affine, bool) {
	if n.Attrs.Int("training_mode", 0) != 0 || n.Version < 9 && n.Attrs.Int("spatial", 1) == 0 || len(in) < 5 {
		return Affine{}, false
	}
	var v [5][]float64
	for slot := 1; slot < 5; slot++ {
		if in[slot] == nil {
			return Affine{}, false
		}
		if v[slot] = in[slot].AsFloat64s(); v[slot] == nil || len(v[slot]) != len(v[1]) {
			return Affine{}, false
		}
	}
	a := Affine{Axis: 1, Offset: 3}
	for c, gamma := range v[1] {
		scale := gamma / math.Sqrt(v[4][c]+float64(n.Attrs.Float("epsilon", 1e-5)))
		a.Scale, a.Shift = append(a.Scale, scale), append(a.Shift, v[2][c]-v[3][c]*scale)
	}
	return a, true
}

// sums says that the output is the sum of the inputs.
func sums(s *Spec) { s.Sum = true }
