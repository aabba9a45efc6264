package op_test

import (
	"testing"

	"onnxcompress/graph/op"
	"onnxcompress/graph/op/optest"
)

func TestGridSampleRoutine(t *testing.T) {
	for _, padding := range []string{"zeros", "border", "reflection"} {
		for _, corners := range []int64{0, 1} {
			for _, mode := range []string{"linear", "nearest"} {
				attrs := op.Attrs{"mode": {Str: mode}, "padding_mode": {Str: padding}, "align_corners": num(corners)}
				for _, c := range []struct {
					name    string
					x, grid []int64
				}{
					{"images", []int64{2, 3, 4, 5}, []int64{2, 3, 2, 2}},
					{"line", []int64{2, 3, 5}, []int64{2, 4, 1}},
					{"volume", []int64{1, 2, 3, 2, 4}, []int64{1, 2, 2, 3, 3}},
					{"one element", []int64{1, 2, 1, 1}, []int64{1, 2, 2, 2}},
					{"many channels", []int64{1, 70, 4, 3}, []int64{1, 2, 2, 2}},
				} {
					optest.Run(t, optest.Case{Name: mode + "/" + padding + "/" + c.name, Op: "GridSample", Version: 20, Attrs: attrs, In: list(optest.Random(1, c.x...), optest.Random(2, c.grid...)), Tolerance: 1e-4})
				}
			}
		}
	}
}
