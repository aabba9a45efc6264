package op_test

import (
	"testing"

	"onnxcompress/graph/op"
	"onnxcompress/graph/op/optest"
)

func TestLossRoutines(t *testing.T) {
	x := optest.Random
	for _, reduction := range []string{"none", "sum", "mean"} {
		plain := op.Attrs{"reduction": {Str: reduction}}
		ignoring := op.Attrs{"reduction": {Str: reduction}, "ignore_index": num(1)}
		for _, name := range []string{"NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"} {
			outputs, weighed := 1, []int(nil)
			if name == "SoftmaxCrossEntropyLoss" {
				outputs, weighed = 2, []int{1}
			}
			for _, c := range []optest.Case{
				{Name: "plain", Attrs: plain, In: list(x(1, 4, 3), ints(0, 2, 1, 1))},
				{Name: "weights", Attrs: plain, In: list(x(1, 4, 3), ints(0, 2, 1, 1), between(0.2, 2, 3))},
				{Name: "ignored", Attrs: ignoring, In: list(x(1, 4, 3), ints(0, 2, 1, 1), between(0.2, 2, 3))},
				{Name: "places", Attrs: ignoring, In: list(x(1, 2, 3, 2, 2), shaped([]int64{2, 2, 2}, 0, 1, 2, 0, 1, 1, 2, 0), between(0.2, 2, 3))},
				{Name: "untold", Attrs: plain, In: list(x(1, 2, 3, 2), shaped([]int64{2, 2}, 0, 1, 2, 0)), Untold: []int{1}},
			} {
				c.Op, c.Name, c.Outputs, c.Weighed = name, reduction+"/"+c.Name, outputs, weighed
				optest.Run(t, c)
			}
		}
	}
	scores := optest.Case{Name: "scores alone", Op: "SoftmaxCrossEntropyLoss", Outputs: 2, Weighed: []int{1}, Unweighed: true}
	scores.In = list(x(1, 4, 3), ints(0, 2, 1, 1))
	optest.Run(t, scores)
}

func TestRotaryRoutine(t *testing.T) {
	x := optest.Random
	positions := shaped([]int64{2, 3}, 0, 1, 2, 6, 2, 3)
	for _, c := range []optest.Case{
		{Name: "heads", In: list(x(1, 2, 2, 3, 8), x(2, 7, 4), x(3, 7, 4), positions)},
		{Name: "packed", Attrs: op.Attrs{"num_heads": num(2)}, In: list(x(1, 2, 3, 16), x(2, 7, 4), x(3, 7, 4), positions)},
		{Name: "interleaved", Attrs: op.Attrs{"interleaved": num(1)}, In: list(x(1, 2, 2, 3, 8), x(2, 7, 4), x(3, 7, 4), positions)},
		{Name: "in part", Attrs: op.Attrs{"rotary_embedding_dim": num(4)}, In: list(x(1, 2, 2, 3, 8), x(2, 7, 2), x(3, 7, 2), positions)},
		{Name: "tables of steps", In: list(x(1, 2, 2, 3, 8), x(2, 2, 3, 4), x(3, 2, 3, 4))},
		{Name: "untold", In: list(x(1, 2, 2, 3, 8), x(2, 7, 4), x(3, 7, 4), positions), Untold: []int{3}},
	} {
		c.Op, c.Version = "RotaryEmbedding", 23
		optest.Run(t, c)
	}
}

func TestSwiGLURoutine(t *testing.T) {
	x := optest.Random
	for _, a := range []float32{1, 1.7} {
		attrs := op.Attrs{"alpha": {Float: a}}
		optest.Run(t, optest.Case{Op: "SwiGLU", Version: 26, Attrs: attrs, In: list(x(1, 2, 3, 5), x(2, 2, 3, 5))})
		optest.Run(t, optest.Case{Name: "column", Op: "SwiGLU", Version: 26, Attrs: attrs, In: list(x(1, 2, 3, 1), x(2, 2, 3, 5))})
		optest.Run(t, optest.Case{Name: "row", Op: "SwiGLU", Version: 26, Attrs: attrs, In: list(x(1, 2, 3, 5), x(2, 3, 1))})
	}
}
