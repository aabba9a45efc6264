package op_test

import (
	"testing"

	"onnxcompress/graph/op"
	"onnxcompress/graph/op/optest"
	"onnxcompress/graph/tensor"
)

func ints(v ...int64) *tensor.Tensor { return tensor.FromInt64s([]int64{int64(len(v))}, v) }

func num(v int64) op.Attr { return op.Attr{Int: v} }

func scalar(v float32) *tensor.Tensor { return tensor.FromFloat32s(nil, []float32{v}) }

func TestPadRoutine(t *testing.T) {
	x := optest.Random
	for _, mode := range []string{"constant", "edge", "reflect", "wrap"} {
		for _, c := range []struct {
			name  string
			shape []int64
			pads  []int64
		}{
			{"space", []int64{2, 3, 4, 5}, []int64{0, 0, 1, 2, 0, 0, 2, 1}},
			{"channels", []int64{2, 3, 4, 5}, []int64{0, 1, 0, 0, 0, 2, 0, 0}},
			{"all", []int64{2, 3, 4}, []int64{1, 1, 2, 1, 2, 1}},
			{"cut", []int64{2, 3, 4, 5}, []int64{0, 0, -1, 1, 0, 0, 1, -2}},
			{"nothing", []int64{2, 3}, []int64{0, 0, 0, 0}},
			{"line", []int64{5}, []int64{2, 2}},
			{"one element", []int64{1}, []int64{0, 1}},
			{"far", []int64{3}, []int64{7, 8}},
			{"images", []int64{2, 3, 40, 50}, []int64{0, 0, 1, 1, 0, 0, 1, 1}},
		} {
			optest.Run(t, optest.Case{Name: mode + "/" + c.name, Op: "Pad", Attrs: op.Attrs{"mode": {Str: mode}}, In: list(x(1, c.shape...), ints(c.pads...))})
		}
	}
	optest.Run(t, optest.Case{Name: "value", Op: "Pad", In: list(x(1, 2, 3, 4), ints(0, 0, 1, 1, 0, 1), scalar(2))})
	optest.Run(t, optest.Case{Name: "axes", Op: "Pad", In: list(x(1, 2, 3, 4), ints(1, 2), scalar(2), ints(-1)), Constant: []int{2}})
	optest.Run(t, optest.Case{Name: "attributes", Op: "Pad", Version: 2, Attrs: op.Attrs{"pads": {Ints: []int64{1, 0, 0, 1}}, "value": {Float: 3}}, In: list(x(1, 3, 4))})
	optest.Run(t, optest.Case{Name: "empty", Op: "Pad", In: list(x(1, 0, 3), ints(0, 1, 0, 1))})
	optest.Run(t, optest.Case{Name: "from empty", Op: "Pad", In: list(x(1, 0, 3), ints(1, 1, 0, 1))})
}

func TestTileRoutine(t *testing.T) {
	for _, c := range []struct {
		name           string
		shape, repeats []int64
	}{
		{"space", []int64{2, 3, 4, 5}, []int64{1, 1, 2, 3}},
		{"all", []int64{2, 3, 4}, []int64{2, 3, 2}},
		{"once", []int64{2, 3, 4}, []int64{1, 1, 1}},
		{"ones", []int64{1, 1, 1}, []int64{2, 3, 4}},
		{"never", []int64{2, 3}, []int64{2, 0}},
		{"rows", []int64{1, 3000}, []int64{7, 1}},
	} {
		optest.Run(t, optest.Case{Name: c.name, Op: "Tile", In: list(optest.Random(1, c.shape...), ints(c.repeats...))})
	}
}

func TestSpaceRoutines(t *testing.T) {
	for _, mode := range []string{"DCR", "CRD"} {
		for _, b := range []int64{1, 2, 3} {
			attrs := op.Attrs{"blocksize": num(b), "mode": {Str: mode}}
			optest.Run(t, optest.Case{Name: mode, Op: "DepthToSpace", Attrs: attrs, In: list(optest.Random(1, 2, 2*b*b, 3, 5))})
			optest.Run(t, optest.Case{Name: mode, Op: "SpaceToDepth", Attrs: attrs, In: list(optest.Random(1, 2, 5, 2*b, 3*b))})
		}
	}
}

func TestReverseSequenceRoutine(t *testing.T) {
	x := optest.Random
	for _, c := range []optest.Case{
		{Name: "time first", In: list(x(1, 4, 3, 2), ints(4, 1, 2))},
		{Name: "batch first", Attrs: op.Attrs{"time_axis": num(1), "batch_axis": num(0)}, In: list(x(1, 3, 4, 2), ints(0, 3, 4))},
		{Name: "apart", Attrs: op.Attrs{"time_axis": num(0), "batch_axis": num(2)}, In: list(x(1, 4, 2, 3), ints(1, 3, 4))},
		{Name: "matrix", In: list(x(1, 4, 3), ints(4, 1, 2))},
	} {
		c.Op = "ReverseSequence"
		optest.Run(t, c)
	}
}

func TestTriluRoutine(t *testing.T) {
	for _, shape := range [][]int64{{4, 5}, {2, 5, 3}, {1, 1}, {0, 3}} {
		for _, k := range []int64{-9, -2, 0, 1, 9} {
			for _, upper := range []int64{0, 1} {
				optest.Run(t, optest.Case{Op: "Trilu", Attrs: op.Attrs{"upper": num(upper)}, In: list(optest.Random(1, shape...), tensor.FromInt64s(nil, []int64{k}))})
			}
		}
	}
}
