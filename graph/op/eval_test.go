package op

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"onnxcompress/graph/tensor"
)

// of is a tensor of numbers.
func of(dt tensor.DType, shape []int64, v ...float64) *tensor.Tensor {
	t := tensor.New(dt, shape...)
	for i, x := range v {
		t.Set(i, x)
	}
	return t
}

// f32 is a vector of floats, f32s one of a shape.
func f32(v ...float64) *tensor.Tensor { return of(tensor.Float32, []int64{int64(len(v))}, v...) }

func f32s(shape []int64, v ...float64) *tensor.Tensor { return of(tensor.Float32, shape, v...) }

func dim(d ...int64) []int64 { return d }

// TestForward: values that can be worked out by hand, where ONNX's own cases
// and onnxruntime have none.
func TestForward(t *testing.T) {
	str := func(s string) Attr { return Attr{Str: s} }
	one := Attr{Int: 1}
	never := math.Inf(-1)
	scalar := func(v int64) *tensor.Tensor { return tensor.FromInt64s(nil, []int64{v}) }
	cases := []struct {
		op      string
		version int
		attrs   Attrs
		outputs int
		in      []*tensor.Tensor
		want    [][]float64
	}{
		{"Conv", 11, Attrs{"pads": ints(2, 0), "strides": ints(2)}, 1, []*tensor.Tensor{f32s(dim(1, 1, 4), 1, 2, 3, 4), f32s(dim(1, 1, 2), 1, 10)}, [][]float64{{0, 21, 43}}},
		{"Conv", 11, nil, 1, []*tensor.Tensor{f32s(dim(0, 1, 4)), f32s(dim(1, 1, 2), 1, 10)}, [][]float64{{}}},
		{"Conv", 11, nil, 1, []*tensor.Tensor{of(tensor.Float16, dim(1, 1, 2), 1, 2), of(tensor.Float16, dim(1, 1, 2), 0.5, 0.25)}, [][]float64{{1}}},
		{"ConvTranspose", 11, Attrs{"group": {Int: 2}, "strides": ints(2)}, 1, []*tensor.Tensor{f32s(dim(1, 2, 2), 1, 2, 3, 4), f32s(dim(2, 1, 2), 1, 10, 1, 100)}, [][]float64{{1, 10, 2, 20, 3, 300, 4, 400}}},
		{"ConvTranspose", 11, Attrs{"output_shape": ints(3)}, 1, []*tensor.Tensor{f32s(dim(1, 1, 3), 1, 2, 3), f32s(dim(1, 1, 2), 1, 10)}, [][]float64{{12, 23, 30}}},
		{"MaxPool", 12, Attrs{"kernel_shape": ints(2), "dilations": ints(3), "strides": ints(2), "ceil_mode": one}, 2, []*tensor.Tensor{f32s(dim(1, 1, 7), 7, 1, 5, 2, 9, 4, 6)}, [][]float64{{7, 5, 9}, {0, 2, 4}}},
		{"MaxPool", 12, Attrs{"kernel_shape": ints(1 << 30), "pads": ints(1<<30, 1<<30-4), "strides": ints(1 << 29)}, 1, []*tensor.Tensor{f32s(dim(1, 1, 4), 7, 1, 5, 2)}, [][]float64{{never, 7, 7}}},
		{"AveragePool", 19, Attrs{"kernel_shape": ints(3), "pads": ints(2, 0), "strides": ints(3), "count_include_pad": one, "ceil_mode": one}, 1, []*tensor.Tensor{f32s(dim(1, 1, 5), 3, 6, 9, 12, 15)}, [][]float64{{1, 9, 15}}},
		{"BatchNormalization", 7, Attrs{"spatial": {Int: 0}, "epsilon": {Float: 0}}, 1, []*tensor.Tensor{f32s(dim(1, 2, 1), 3, 8), f32s(dim(2, 1), 1, 2), f32s(dim(2, 1), 10, 20), f32s(dim(2, 1), 1, 2), f32s(dim(2, 1), 4, 9)}, [][]float64{{11, 24}}},
		{"BatchNormalization", 9, Attrs{"epsilon": {Float: 0}, "momentum": {Float: 0.5}}, 5, []*tensor.Tensor{f32s(dim(2, 1), 1, 3), f32(1), f32(0), f32(0), f32(3)}, [][]float64{{-1, 1}, {1}, {2}, {2}, {1}}},
		{"GroupNormalization", 18, Attrs{"num_groups": {Int: 2}, "epsilon": {Float: 0}}, 1, []*tensor.Tensor{f32s(dim(1, 4, 1), 1, 3, 5, 9), f32(2, 3), f32(0, 1)}, [][]float64{{-2, 2, -2, 4}}},
		{"Softmax", 11, nil, 1, []*tensor.Tensor{f32s(dim(1, 2, 2))}, [][]float64{{.25, .25, .25, .25}}},
		{"Gemm", 13, nil, 1, []*tensor.Tensor{of(tensor.Int32, dim(1, 2), 1<<30, 1), of(tensor.Int32, dim(2, 1), 4, 5)}, [][]float64{{5}}},
		{"MatMul", 13, nil, 1, []*tensor.Tensor{tensor.Vector(1<<53 + 1), tensor.FromInt64s(dim(1, 1), []int64{1})}, [][]float64{{1<<53 + 1}}},
		{"Einsum", 12, Attrs{"equation": str("i->ii")}, 1, []*tensor.Tensor{of(tensor.Int64, dim(2), 3, 4)}, [][]float64{{3, 0, 0, 4}}},
		{"Einsum", 12, Attrs{"equation": str("a,b,c->")}, 1, []*tensor.Tensor{f32(1, 2), f32(3, 4), f32(5)}, [][]float64{{105}}},
		{"Attention", 24, Attrs{"scale": {Float: 1}, "is_causal": one}, 1, []*tensor.Tensor{f32s(dim(1, 1, 2, 1), 1, 1), f32s(dim(1, 1, 2, 1), 0, 0), f32s(dim(1, 1, 2, 1), 4, 8), nil, nil, nil, tensor.Vector(1)}, [][]float64{{0, 4}}},
		{"Attention", 25, Attrs{"scale": {Float: 1}, "left_window_size": {Int: 1}}, 1, []*tensor.Tensor{f32s(dim(1, 1, 3, 1), 1, 1, 1), f32s(dim(1, 1, 3, 1)), f32s(dim(1, 1, 3, 1), 3, 6, 9)}, [][]float64{{6, 6, 7.5}}},
		{"RNN", 14, Attrs{"hidden_size": one, "layout": one, "direction": str("reverse"), "activations": {Strs: []string{"Affine"}}}, 2, []*tensor.Tensor{f32s(dim(1, 3, 1), 1, 2, 5), f32s(dim(1, 1, 1), 1), f32s(dim(1, 1, 1), 10), nil, of(tensor.Int32, dim(1), 2)}, [][]float64{{21, 2, 0}, {21}}},
		{"Resize", 13, Attrs{"coordinate_transformation_mode": str("asymmetric"), "nearest_mode": str("floor")}, 1, []*tensor.Tensor{tensor.Vector(1<<53 + 1), nil, f32(2)}, [][]float64{{1<<53 + 1, 1<<53 + 1}}},
		{"Resize", 13, Attrs{"mode": str("linear"), "coordinate_transformation_mode": str("align_corners")}, 1, []*tensor.Tensor{f32(1, 2, 3, 4), nil, f32(0.6)}, [][]float64{{1, 4}}},
		{"DFT", 20, Attrs{"inverse": one, "onesided": one}, 1, []*tensor.Tensor{f32s(dim(3, 2), 10, 0, -2, 2, -2, 0), nil, scalar(0)}, [][]float64{{1, 2, 3, 4}}},
		{"STFT", 17, nil, 1, []*tensor.Tensor{f32s(dim(1, 2, 1), 1, 3), scalar(1)}, [][]float64{{4, 0, -2, 0}}},
		{"CenterCropPad", 18, nil, 1, []*tensor.Tensor{f32s(dim(0, 4)), tensor.Vector(1, 1)}, [][]float64{{0}}},
		{"CausalConvWithState", 27, nil, 2, []*tensor.Tensor{f32s(dim(1, 1, 1), 3), f32s(dim(1, 1, 3), 1, 10, 100), f32(5), f32s(dim(1, 1, 2), 1, 2)}, [][]float64{{326}, {2, 3}}},
		{"TensorScatter", 24, Attrs{"mode": str("circular")}, 1, []*tensor.Tensor{f32s(dim(1, 3, 1), 1, 2, 3), f32s(dim(1, 2, 1), 8, 9), tensor.Vector(math.MaxInt64)}, [][]float64{{1, 8, 9}}},
		{"SoftmaxCrossEntropyLoss", 13, Attrs{"ignore_index": {Int: 7}}, 2, []*tensor.Tensor{f32s(dim(2, 2), 0, 0, 0, 0), of(tensor.Int64, dim(2), 7, 1)}, [][]float64{{math.Ln2}, {-math.Ln2, -math.Ln2, -math.Ln2, -math.Ln2}}},
	}
	for i, c := range cases {
		t.Run(fmt.Sprintf("%s/%d", c.op, i), func(t *testing.T) {
			n := &Node{Type: c.op, Version: c.version, Attrs: c.attrs, Outputs: c.outputs, Fresh: func() int64 { return 9001 }}
			got, err := Lookup("", c.op).Forward(given(n, c.in), c.in)
			if err != nil {
				t.Fatal(err)
			}
			for o, want := range c.want {
				v := got[o].AsFloat64s()
				same := slices.EqualFunc(v, want, func(a, b float64) bool { return a == b || math.Abs(a-b) <= 1e-6*max(1, math.Abs(b)) })
				if !same || got[o].DType != c.in[0].DType && o == 0 {
					t.Errorf("output %d is %v %v, want %v", o, got[o].DType, v, want)
				}
			}
		})
	}
}

// TestForwardRefuses: what a few bytes of a file ask for is not paid for in time
// or memory, and what does not fit is an error.
func TestForwardRefuses(t *testing.T) {
	long := &tensor.Tensor{DType: tensor.Float32, Shape: dim(0, 1<<38)}
	cases := []struct {
		op    string
		attrs Attrs
		in    []*tensor.Tensor
		text  string
	}{
		{"Softmax", nil, []*tensor.Tensor{long}, "too long"},
		{"HannWindow", nil, []*tensor.Tensor{tensor.FromInt64s(nil, []int64{1 << 39})}, "too large"},
		{"Einsum", Attrs{"equation": {Str: "a,b->ab"}}, []*tensor.Tensor{decimals(1 << 16), decimals(1 << 16)}, "too large"},
		{"Einsum", Attrs{"equation": {Str: "ac,bc,abd->"}}, []*tensor.Tensor{decimals(1<<14, 1), decimals(1<<14, 1), {DType: tensor.Float32, Shape: dim(1<<14, 1<<14, 0)}}, "too large"},
		{"Conv", nil, []*tensor.Tensor{decimals(1, 1, 1<<13, 2), decimals(1, 1, 1<<12, 2)}, "too large"},
		{"RoiAlign", Attrs{"sampling_ratio": {Int: 1 << 40}}, []*tensor.Tensor{decimals(1, 1, 2, 2), decimals(1, 4), tensor.Vector(0)}, "samples"},
		{"RoiAlign", nil, []*tensor.Tensor{decimals(1, 1, 2, 2), decimals(1, 4), tensor.Vector(1)}, "no image"},
		{"Conv", nil, []*tensor.Tensor{decimals(1, 1, 4), decimals(2, 1, 2), decimals(3)}, "bias"},
		{"LSTM", Attrs{"activations": {Strs: []string{"Tanh"}}}, []*tensor.Tensor{decimals(1, 1, 1), decimals(1, 4, 1), decimals(1, 4, 1)}, "activations"},
		{"MaxUnpool", Attrs{"kernel_shape": ints(1)}, []*tensor.Tensor{decimals(1, 1, 2), of(tensor.Int64, dim(1, 1, 2), 0, 2)}, "position"},
		{"NegativeLogLikelihoodLoss", nil, []*tensor.Tensor{decimals(1, 2), tensor.Vector(2)}, "no class"},
		{"RotaryEmbedding", nil, []*tensor.Tensor{decimals(1, 1, 1, 2), decimals(3, 1), decimals(3, 1), of(tensor.Int64, dim(1, 1), 3)}, "position"},
		{"DFT", nil, []*tensor.Tensor{decimals(2, 3)}, "neither real nor complex"},
		{"STFT", nil, []*tensor.Tensor{decimals(1, 8), tensor.Vector(1), decimals(2, 4)}, "not known"},
		{"CenterCropPad", nil, []*tensor.Tensor{decimals(2), decimals(1)}, "not known"},
		{"GridSample", Attrs{"mode": {Str: "sinc"}}, []*tensor.Tensor{decimals(1, 1, 2, 2), decimals(1, 1, 1, 2)}, "sinc"},
	}
	for i, c := range cases {
		t.Run(fmt.Sprintf("%s/%d", c.op, i), func(t *testing.T) {
			n := &Node{Type: c.op, Version: 20, Attrs: c.attrs, Outputs: 1, Fresh: func() int64 { return 9001 }}
			if _, err := Lookup("", c.op).Forward(given(n, c.in), c.in); err == nil || !strings.Contains(err.Error(), c.text) {
				t.Errorf("the error is %v and does not speak of %q", err, c.text)
			}
		})
	}
}
