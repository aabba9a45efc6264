package op_test

import (
	"testing"

	"onnxcompress/graph/op/optest"
	"onnxcompress/graph/tensor"
)

// flags is a tensor of booleans, some true and some false.
func flags(shape ...int64) *tensor.Tensor {
	t := tensor.New(tensor.Bool, shape...)
	for i, v := range optest.Random(11, shape...).Float32s() {
		if v > 0 {
			t.Data[i] = 1
		}
	}
	return t
}

func TestWhereRoutine(t *testing.T) {
	x := optest.Random
	for _, c := range []struct {
		name    string
		c, a, b []int64
	}{
		{"alike", []int64{2, 3, 4, 5}, []int64{2, 3, 4, 5}, []int64{2, 3, 4, 5}},
		{"mask of all heads", []int64{2, 1, 4, 5}, []int64{2, 3, 4, 5}, nil},
		{"condition of channels", []int64{3, 1, 1}, []int64{2, 3, 4, 5}, []int64{1}},
		{"condition of rows", []int64{4, 1}, []int64{4, 7}, []int64{7}},
		{"all spread", []int64{4, 1}, []int64{1, 7}, []int64{3, 1, 1}},
		{"one each", nil, nil, nil},
		{"one condition", nil, []int64{3, 4}, []int64{4}},
		{"empty", []int64{0, 3}, []int64{0, 3}, []int64{3}},
		{"large", []int64{1, 9000}, []int64{2, 9000}, []int64{2, 1}},
	} {
		optest.Run(t, optest.Case{Name: c.name, Op: "Where", In: list(flags(c.c...), x(1, c.a...), x(2, c.b...))})
	}
}
