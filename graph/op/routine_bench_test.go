package op_test

import (
	"fmt"
	"testing"

	"onnxcompress/graph/op"
	"onnxcompress/graph/op/optest"
)

func BenchmarkRoutines(b *testing.B) {
	x := optest.Random
	images := x(1, 4, 64, 56, 56)
	for _, c := range []struct {
		optest.Case
		last bool
	}{
		{Case: optest.Case{Op: "Where", In: list(flags(4, 1, 56, 56), images, x(2, 4, 64, 56, 56))}},
		{Case: optest.Case{Op: "Pad", In: list(images, ints(0, 0, 1, 1, 0, 0, 1, 1))}},
		{Case: optest.Case{Op: "Pad", In: list(images, ints(0, 0, 1, 1, 0, 0, 1, 1))}, last: true},
		{Case: optest.Case{Name: "nearest", Op: "Resize", Attrs: op.Attrs{"mode": {Str: "nearest"}}, In: list(images, nil, numbers(1, 1, 2, 2)), Constant: []int{2}}, last: true},
		{Case: optest.Case{Name: "linear", Op: "Resize", Attrs: op.Attrs{"mode": {Str: "linear"}}, In: list(images, nil, numbers(1, 1, 2, 2)), Constant: []int{2}}, last: true},
		{Case: optest.Case{Name: "space", Op: "ReduceMean", In: list(images, ints(2, 3))}},
		{Case: optest.Case{Name: "space", Op: "ReduceMean", In: list(images, ints(2, 3))}, last: true},
		{Case: optest.Case{Name: "rows", Op: "ReduceMax", In: list(images, ints(3))}},
		{Case: optest.Case{Name: "channels", Op: "ReduceLogSumExp", In: list(images, ints(1))}},
		{Case: optest.Case{Op: "GroupNormalization", Attrs: op.Attrs{"num_groups": num(8)}, In: list(images, x(2, 64), x(3, 64))}},
		{Case: optest.Case{Op: "GroupNormalization", Attrs: op.Attrs{"num_groups": num(8)}, In: list(images, x(2, 64), x(3, 64))}, last: true},
		{Case: optest.Case{Op: "RMSNormalization", Version: 23, In: list(x(1, 1024, 768), x(2, 768))}},
		{Case: optest.Case{Op: "LRN", Attrs: op.Attrs{"size": num(5)}, In: list(images)}},
		{Case: optest.Case{Op: "DepthToSpace", Attrs: op.Attrs{"blocksize": num(2)}, In: list(images)}, last: true},
		{Case: optest.Case{Op: "LSTM", Outputs: 3, In: list(x(1, 64, 16, 128), x(2, 1, 1024, 128), x(3, 1, 1024, 256), x(4, 1, 2048))}},
		{Case: optest.Case{Op: "GRU", Outputs: 2, Attrs: op.Attrs{"linear_before_reset": num(1)}, In: list(x(1, 64, 16, 128), x(2, 1, 768, 128), x(3, 1, 768, 256), x(4, 1, 1536))}},
		{Case: optest.Case{Op: "Attention", Version: 24, Attrs: op.Attrs{"q_num_heads": num(12), "kv_num_heads": num(12)}, In: list(x(1, 4, 128, 768), x(2, 4, 128, 768), x(3, 4, 128, 768))}},
		{Case: optest.Case{Op: "Einsum", Attrs: op.Attrs{"equation": {Str: "bqhd,bkhd->bhqk"}}, In: list(x(1, 4, 128, 12, 64), x(2, 4, 128, 12, 64))}},
		{Case: optest.Case{Op: "GridSample", Version: 20, In: list(images, x(2, 4, 56, 56, 2))}, last: true},
		{Case: optest.Case{Op: "DeformConv", Version: 19, In: list(x(1, 1, 32, 28, 28), x(2, 32, 32, 3, 3), x(3, 1, 18, 26, 26))}},
	} {
		b.Run(fmt.Sprintf("%s/%s/last=%v", c.Op, c.Name, c.last), func(b *testing.B) { optest.Bench(b, c.Case, 2, c.last) })
	}
}
