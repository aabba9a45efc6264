package op_test

import (
	"testing"

	"onnxcompress/graph/op"
	"onnxcompress/graph/op/optest"
	"onnxcompress/graph/tensor"
)

func list(t ...*tensor.Tensor) []*tensor.Tensor { return t }

func TestMatMulRoutine(t *testing.T) {
	x := optest.Random
	for _, c := range []optest.Case{
		{Name: "matrices", In: list(x(1, 3, 5), x(2, 5, 4))},
		{Name: "vector left", In: list(x(1, 5), x(2, 5, 4))},
		{Name: "vector right", In: list(x(1, 2, 3, 5), x(2, 5))},
		{Name: "stack times matrix", In: list(x(1, 2, 3, 5), x(2, 5, 4))},
		{Name: "stacks", In: list(x(1, 2, 3, 2, 5), x(2, 2, 3, 5, 4))},
		{Name: "left repeats", In: list(x(1, 2, 5), x(2, 3, 5, 4))},
		{Name: "both repeat", In: list(x(1, 2, 1, 2, 5), x(2, 1, 3, 5, 4))},
		{Name: "nothing to sum", In: list(x(1, 2, 0), x(2, 0, 4))},
		{Name: "no rows", In: list(x(1, 0, 3), x(2, 3, 4))},
	} {
		c.Op = "MatMul"
		optest.Run(t, c)
	}
}

func TestGemmRoutine(t *testing.T) {
	x := optest.Random
	num := func(v float32) op.Attr { return op.Attr{Float: v} }
	one := op.Attr{Int: 1}
	for _, c := range []optest.Case{
		{Name: "plain", In: list(x(1, 3, 5), x(2, 5, 4))},
		{Name: "bias of a row", In: list(x(1, 3, 5), x(2, 5, 4), x(3, 4))},
		{Name: "bias of a column", In: list(x(1, 3, 5), x(2, 5, 4), x(3, 3, 1))},
		{Name: "bias of one number", In: list(x(1, 3, 5), x(2, 5, 4), x(3))},
		{Name: "full bias", In: list(x(1, 3, 5), x(2, 5, 4), x(3, 3, 4))},
		{Name: "transposed", Attrs: op.Attrs{"transA": one, "transB": one, "alpha": num(0.5), "beta": num(-2)}, In: list(x(1, 5, 3), x(2, 4, 5), x(3, 4))},
		{Name: "without beta", Attrs: op.Attrs{"beta": num(0)}, In: list(x(1, 3, 5), x(2, 5, 4), x(3, 4)), Skip: []int{2}},
	} {
		c.Op = "Gemm"
		optest.Run(t, c)
	}
}
