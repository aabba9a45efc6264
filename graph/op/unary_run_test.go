package op_test

import (
	"testing"

	"onnxcompress/graph/op"
	"onnxcompress/graph/op/optest"
	"onnxcompress/graph/tensor"
)

// between moves numbers from N(0, 1) into an interval, away from its ends.
func between(lo, hi float32, shape ...int64) *tensor.Tensor {
	x := optest.Random(5, shape...)
	for i, v := range x.Float32s() {
		x.Float32s()[i] = lo + (hi-lo)*(0.5+0.45*v/(1+max(v, -v)))
	}
	return x
}

func TestUnaryRoutines(t *testing.T) {
	num := func(v float32) op.Attr { return op.Attr{Float: v} }
	wide, positive := [2]float32{-4, 4}, [2]float32{0.1, 5}
	for _, c := range []struct {
		op     string
		domain [2]float32
		attrs  op.Attrs
	}{
		{"Abs", wide, nil},
		{"Neg", wide, nil},
		{"Sign", wide, nil},
		{"Relu", wide, nil},
		{"Ceil", wide, nil},
		{"Floor", wide, nil},
		{"Round", wide, nil},
		{"Sin", wide, nil},
		{"Cos", wide, nil},
		{"Tan", [2]float32{-1, 1}, nil},
		{"Sinh", wide, nil},
		{"Cosh", wide, nil},
		{"Tanh", wide, nil},
		{"Asin", [2]float32{-0.9, 0.9}, nil},
		{"Acos", [2]float32{-0.9, 0.9}, nil},
		{"Atan", wide, nil},
		{"Asinh", wide, nil},
		{"Acosh", [2]float32{1.2, 5}, nil},
		{"Atanh", [2]float32{-0.9, 0.9}, nil},
		{"Exp", wide, nil},
		{"Log", positive, nil},
		{"Sqrt", positive, nil},
		{"Reciprocal", positive, nil},
		{"Erf", wide, nil},
		{"Sigmoid", wide, nil},
		{"Softplus", wide, nil},
		{"Softsign", wide, nil},
		{"HardSwish", wide, nil},
		{"Mish", wide, nil},
		{"Gelu", wide, nil},
		{"Gelu", wide, op.Attrs{"approximate": {Str: "tanh"}}},
		{"Swish", wide, op.Attrs{"alpha": num(1.5)}},
		{"Elu", wide, op.Attrs{"alpha": num(0.7)}},
		{"Celu", wide, op.Attrs{"alpha": num(0.7)}},
		{"Selu", wide, nil},
		{"LeakyRelu", wide, op.Attrs{"alpha": num(0.2)}},
		{"ThresholdedRelu", wide, op.Attrs{"alpha": num(0.5)}},
		{"HardSigmoid", wide, op.Attrs{"alpha": num(0.3)}},
		{"Shrink", wide, op.Attrs{"bias": num(0.3)}},
	} {
		optest.Run(t, optest.Case{Op: c.op, Version: 24, Attrs: c.attrs, In: list(between(c.domain[0], c.domain[1], 2, 3, 5, 7))})
		optest.Run(t, optest.Case{Name: "empty", Op: c.op, Version: 24, Attrs: c.attrs, In: list(optest.Random(1, 0, 3))})
	}
}
