package modelgen

import (
	"encoding/binary"
	"slices"

	"onnxcompress/graph/tensor"
)

// uncommonSteps are operators of regions, signals, losses and whole numbers.
var uncommonSteps = []step{
	{"regions", regions},
	{"columns to image", columnsToImage},
	{"deformed convolution", deformedConv},
	{"affine grid", affineGrid},
	{"quantised convolution", quantisedConv},
	{"quantised product", quantisedProduct},
	{"frequencies", frequencies},
	{"signal window", signalWindow},
	{"determinant", func(g *generator, _ *pool, x val) (val, bool) {
		if g.opset < 11 || x.rank() < 3 || len(x.sized(1)) < x.rank()-1 {
			return val{}, false
		}
		y := g.times("Mul", g.matmul(x, g.flipped(x)), 0.1)
		return val{g.node("Det", []string{y.name}), x.shape[:x.rank()-2]}, true
	}},
	{"loss", loss},
	{"boxes", boxes},
	{"draws", func(g *generator, _ *pool, x val) (val, bool) {
		if x.rank() != 2 || x.last() < 1 || x.shape[0] < 1 {
			return val{}, false
		}
		y := g.node("Cast", []string{g.node("Multinomial", []string{x.name}, attr("sample_size", 1))}, attr("to", int(tensor.Float32)))
		return g.binary("Add", x, g.times("Mul", val{y, []int64{x.shape[0], 1}}, 0)), g.opset < 22
	}},
	{"bits", bitwise},
	{"newest", newest},
}

// regions pools two regions of the first image; onnxruntime does so up to
// opset 21.
func regions(g *generator, _ *pool, x val) (val, bool) {
	if !x.isImage() || x.rank() != 4 || g.opset >= 22 {
		return val{}, false
	}
	shape := []int64{2, x.shape[1], 2, 2}
	if g.opset < 16 || g.chance(50) {
		rois := g.floats([]int64{2, 5}, []float32{0, 0, 0, 1, 1, 0, 0, 1, 2, 2})
		return val{g.node("MaxRoiPool", []string{x.name, rois}, attr("pooled_shape", []int64{2, 2})), shape}, true
	}
	rois := g.floats([]int64{2, 4}, []float32{0, 0, 1, 1, 0, 0.5, 2, 2})
	in := []string{x.name, rois, g.ints(0, 0)}
	return val{g.node("RoiAlign", in, attr("output_height", 2), attr("output_width", 2), attr("sampling_ratio", 2)), shape}, true
}

func columnsToImage(g *generator, _ *pool, x val) (val, bool) {
	if g.opset < 18 || x.rank() != 3 || x.shape[1] < 2 || x.shape[1]%2 != 0 || x.shape[2] < 1 {
		return val{}, false
	}
	wide := x.shape[2] + 1
	return val{g.node("Col2Im", []string{x.name, g.ints(1, wide), g.ints(1, 2)}), []int64{x.shape[0], x.shape[1] / 2, 1, wide}}, true
}

func deformedConv(g *generator, _ *pool, x val) (val, bool) {
	if g.opset < 19 || !x.isImage() || x.rank() != 4 || x.shape[0] < 1 {
		return val{}, false
	}
	c, n := x.shape[1], g.width()
	offset := g.floats([]int64{x.shape[0], 2, x.shape[2], x.shape[3]}, g.normals(x.shape[0]*2*x.shape[2]*x.shape[3], 0, 0.5))
	in := []string{x.name, g.weight(c, n, c, 1, 1), offset, g.bias([]int64{n})}
	return val{g.node("DeformConv", in, attr("kernel_shape", []int64{1, 1})), x.with(1, n)}, true
}

func affineGrid(g *generator, _ *pool, x val) (val, bool) {
	if g.opset < 20 || !x.isImage() || x.rank() != 4 || x.shape[0] < 1 {
		return val{}, false
	}
	theta := g.floats([]int64{x.shape[0], 2, 3}, g.normals(x.shape[0]*6, 0, 0.5))
	grid := g.node("AffineGrid", []string{theta, g.ints(x.shape...)})
	return val{g.node("GridSample", []string{x.name, grid}), x.shape}, true
}

// int8s draws whole numbers of seven bits: without VNNI, onnxruntime adds pairs
// of products in sixteen bits, where larger ones do not always fit, so that
// sums depend on which products stand side by side.
func (g *generator) int8s(shape ...int64) string {
	b := make([]byte, count(shape))
	for i := range b {
		b[i] = byte(int8(g.IntN(127) - 63))
	}
	return g.constant(tensorProto(tensor.Int8, shape, b))
}

func (g *generator) byteZero(z byte) string {
	return g.constant(tensorProto(tensor.Uint8, nil, []byte{z}))
}

// scales are those of a quantised weight: one for each channel, or one in all.
func (g *generator) scales(n int64) (scale, zero string) {
	if g.chance(70) {
		return g.floats([]int64{n}, g.positive(n)), g.constant(tensorProto(tensor.Int8, []int64{n}, make([]byte, n)))
	}
	return g.zeroDim(0.7), g.constant(tensorProto(tensor.Int8, nil, []byte{0}))
}

func quantisedConv(g *generator, _ *pool, x val) (val, bool) {
	if g.opset < 10 || !x.isImage() || x.rank() != 4 {
		return val{}, false
	}
	c, n, zero := x.shape[1], g.width(), byte(128)
	groups := int64(1)
	if g.chance(30) {
		groups, n = c, c
	}
	if g.chance(40) {
		x, zero = g.unary("Relu", x), 0
	}
	w, step := g.int8s(n, c/groups, 1, 1), g.zeroDim(0.05)
	q := g.node("QuantizeLinear", []string{x.name, step, g.byteZero(zero)})
	if g.chance(40) {
		y := g.node("ConvInteger", []string{q, w, g.byteZero(zero)}, attr("group", groups))
		y = g.node("Cast", []string{y}, attr("to", int(tensor.Float32)))
		return val{g.node("Mul", []string{y, g.floats([]int64{n, 1, 1}, g.normals(n, 0, 0.001))}), x.with(1, n)}, true
	}
	scale, none := g.scales(n)
	in := []string{q, step, g.byteZero(zero), w, scale, none, g.zeroDim(4), g.byteZero(100)}
	if g.chance(30) {
		in = append(in, g.constant(tensorProto(tensor.Int32, []int64{n}, make([]byte, 4*n))))
	}
	y := g.node("QLinearConv", in, attr("group", groups))
	return val{g.node("DequantizeLinear", []string{y, g.zeroDim(0.02), g.byteZero(100)}), x.with(1, n)}, true
}

func quantisedProduct(g *generator, _ *pool, x val) (val, bool) {
	if g.opset < 10 || x.rank() < 2 || x.last() < 1 {
		return val{}, false
	}
	n, step := g.width(), g.zeroDim(0.05)
	q := g.node("QuantizeLinear", []string{x.name, step, g.byteZero(128)})
	scale, none := g.scales(n)
	in := []string{q, step, g.byteZero(128), g.int8s(x.last(), n), scale, none, g.zeroDim(4), g.byteZero(100)}
	y := g.node("QLinearMatMul", in)
	return val{g.node("DequantizeLinear", []string{y, g.zeroDim(0.02), g.byteZero(100)}), x.with(x.rank()-1, n)}, true
}

func frequencies(g *generator, _ *pool, x val) (val, bool) {
	if g.opset < 17 || x.rank() != 2 || x.last() < 1 {
		return val{}, false
	}
	if n := x.last(); n >= 4 && g.chance(50) {
		y := g.node("STFT", []string{x.name, g.int(2), "", g.int(4)})
		return val{y, []int64{x.shape[0], (n-4)/2 + 1, 3, 2}}, true
	}
	y := g.unsqueeze(x, 2)
	return val{g.node("DFT", []string{y.name}), y.with(2, 2)}, true
}

func signalWindow(g *generator, _ *pool, x val) (val, bool) {
	if g.opset < 17 || x.rank() == 0 || x.last() < 2 {
		return val{}, false
	}
	if g.chance(20) {
		mel := g.node("MelWeightMatrix", []string{g.int(4), g.int(8), g.int(8000), g.zeroDim(0), g.zeroDim(4000)})
		return g.binary("Add", x, g.reduce("ReduceMax", val{mel, []int64{5, 4}}, []int{0, 1}, false)), true
	}
	y := val{g.node(pick(g, []string{"HannWindow", "HammingWindow", "BlackmanWindow"}), []string{g.int(x.last())}), []int64{x.last()}}
	return g.binary("Mul", x, y), true
}

func loss(g *generator, _ *pool, x val) (val, bool) {
	if g.opset < 13 || x.rank() != 2 || x.last() < 1 || x.shape[0] < 1 {
		return val{}, false
	}
	labels := make([]int64, x.shape[0])
	for i := range labels {
		labels[i] = g.Int64N(x.last())
	}
	reduction := attr("reduction", "none")
	if g.chance(50) {
		return val{g.node("SoftmaxCrossEntropyLoss", []string{x.name, g.ints(labels...)}, reduction), x.shape[:1]}, true
	}
	return val{g.node("NegativeLogLikelihoodLoss", []string{x.name, g.ints(labels...)}, reduction), x.shape[:1]}, g.opset < 22
}

// boxes adds to x what box is best.
func boxes(g *generator, _ *pool, x val) (val, bool) {
	if g.opset < 11 || x.rank() == 0 || g.chance(50) {
		return val{}, false
	}
	places := g.floats([]int64{1, 3, 4}, []float32{0, 0, 1, 1, 0, 0, 1, 1.1, 2, 2, 3, 3})
	in := []string{places, g.floats([]int64{1, 1, 3}, g.positive(3)), g.int(1)}
	y := g.node("Cast", []string{g.node("NonMaxSuppression", in)}, attr("to", int(tensor.Float32)))
	return g.binary("Add", x, g.reduce("ReduceMax", val{y, []int64{1, 3}}, []int{0, 1}, false)), true
}

// bitwise works on the bits of what x is rounded to.
func bitwise(g *generator, _ *pool, x val) (val, bool) {
	if g.opset < 11 || x.rank() == 0 {
		return val{}, false
	}
	y := g.unary("Abs", g.times("Mul", x, 4))
	if g.opset < 18 || g.chance(40) {
		z := g.node("Cast", []string{y.name}, attr("to", int(tensor.Uint32)))
		by := g.constant(tensorProto(tensor.Uint32, nil, []byte{1, 0, 0, 0}))
		z = g.node("BitShift", []string{z, by}, attr("direction", pick(g, []string{"LEFT", "RIGHT"})))
		return val{g.node("Cast", []string{z}, attr("to", int(tensor.Float32))), slices.Clone(x.shape)}, true
	}
	z := g.node("Cast", []string{y.name}, attr("to", int(tensor.Int32)))
	bits := g.constant(tensorProto(tensor.Int32, nil, binary.LittleEndian.AppendUint32(nil, 5)))
	z = g.node(pick(g, []string{"BitwiseAnd", "BitwiseOr", "BitwiseXor"}), []string{z, bits})
	if g.chance(30) {
		z = g.node("BitwiseNot", []string{z})
	}
	return val{g.node("Cast", []string{z}, attr("to", int(tensor.Float32))), slices.Clone(x.shape)}, true
}

// newest applies what only the newest opsets have.
func newest(g *generator, _ *pool, x val) (val, bool) {
	switch {
	case g.opset < 24:
		return val{}, false
	case g.opset >= 26 && x.rank() > 0 && g.chance(50):
		axis := g.IntN(x.rank())
		return val{g.node("CumProd", []string{x.name, g.int(int64(axis))}), x.shape}, true
	case x.rank() < 3 || len(x.sized(1)) != x.rank():
		return val{}, false
	}
	row := x.with(x.rank()-2, 1)
	in := []string{x.name, g.floats(row, g.normals(count(row), 0, 1)), g.ints(slices.Repeat([]int64{0}, int(x.shape[0]))...)}
	return val{g.node("TensorScatter", in), x.shape}, true
}
