package op_test

import (
	"testing"

	"onnxcompress/graph/op"
	"onnxcompress/graph/op/optest"
	"onnxcompress/graph/tensor"
)

func shaped(shape []int64, v ...int64) *tensor.Tensor { return tensor.FromInt64s(shape, v) }

func TestGatherRoutines(t *testing.T) {
	x := optest.Random
	narrow := tensor.New(tensor.Int32, 2, 2)
	for i, v := range []int64{1, 0, -1, 0} {
		narrow.SetInt(i, v)
	}
	for _, c := range []struct {
		name  string
		shape []int64
		axis  int64
		index *tensor.Tensor
	}{
		{"rows", []int64{3, 3}, 0, shaped([]int64{2, 3}, 1, 2, 0, -1, 0, 0)},
		{"columns", []int64{3, 4}, -1, shaped([]int64{2, 3}, 1, 3, 0, -1, 1, 1)},
		{"volume", []int64{2, 3, 2}, 1, shaped([]int64{2, 1, 2}, 1, 2, 0, -3)},
		{"narrow", []int64{2, 2}, 1, narrow},
		{"none", []int64{2, 3}, 1, shaped([]int64{2, 0})},
	} {
		for _, untold := range [][]int{nil, {1}} {
			optest.Run(t, optest.Case{Name: c.name, Op: "GatherElements", Attrs: op.Attrs{"axis": num(c.axis)}, In: list(x(1, c.shape...), c.index), Untold: untold})
		}
	}
	for _, c := range []struct {
		name  string
		shape []int64
		batch int64
		index *tensor.Tensor
	}{
		{"elements", []int64{3, 4}, 0, shaped([]int64{3, 2}, 0, 0, -1, 3, 0, 0)},
		{"rows", []int64{3, 4}, 0, shaped([]int64{3, 1}, 2, 2, 0)},
		{"batch", []int64{2, 3, 2}, 1, shaped([]int64{2, 1}, 1, 2)},
		{"batch and more", []int64{2, 3, 2}, 1, shaped([]int64{2, 2, 1}, 1, 2, 0, -1)},
		{"narrow", []int64{2, 2, 3}, 0, narrow},
		{"none", []int64{2, 3}, 0, shaped([]int64{0, 1})},
	} {
		for _, untold := range [][]int{nil, {1}} {
			optest.Run(t, optest.Case{Name: c.name, Op: "GatherND", Attrs: op.Attrs{"batch_dims": num(c.batch)}, In: list(x(1, c.shape...), c.index), Untold: untold})
		}
	}
}

func TestScatterRoutines(t *testing.T) {
	x := optest.Random
	for _, reduction := range []string{"none", "add"} {
		attrs := func(axis int64) op.Attrs { return op.Attrs{"axis": num(axis), "reduction": {Str: reduction}} }
		for _, c := range []struct {
			name  string
			shape []int64
			axis  int64
			index *tensor.Tensor
		}{
			{"rows", []int64{3, 3}, 0, shaped([]int64{2, 3}, 1, 2, 0, -1, 0, 0)},
			{"columns twice", []int64{3, 4}, -1, shaped([]int64{2, 3}, 1, 3, 0, -1, 1, 1)},
			{"volume", []int64{2, 3, 2}, 1, shaped([]int64{2, 1, 2}, 1, 2, 0, -3)},
			{"none", []int64{2, 3}, 1, shaped([]int64{2, 0})},
		} {
			in := list(x(1, c.shape...), c.index, x(2, c.index.Shape...))
			optest.Run(t, optest.Case{Name: reduction + "/" + c.name, Op: "ScatterElements", Attrs: attrs(c.axis), In: in})
			if reduction == "none" {
				optest.Run(t, optest.Case{Name: c.name, Op: "Scatter", Version: 9, Attrs: op.Attrs{"axis": num(c.axis)}, In: in})
			}
		}
		for _, c := range []struct {
			name           string
			shape, updates []int64
			index          *tensor.Tensor
		}{
			{"elements", []int64{3, 4}, []int64{3}, shaped([]int64{3, 2}, 0, 0, -1, 3, 0, 0)},
			{"rows", []int64{3, 4}, []int64{3, 4}, shaped([]int64{3, 1}, 2, 2, 0)},
			{"none", []int64{3, 4}, []int64{0, 4}, shaped([]int64{0, 1})},
		} {
			optest.Run(t, optest.Case{Name: reduction + "/" + c.name, Op: "ScatterND", Attrs: attrs(0), In: list(x(1, c.shape...), c.index, x(2, c.updates...)), Untold: []int{1}})
		}
	}
}
