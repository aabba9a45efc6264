package op_test

import (
	"maps"
	"testing"

	"onnxcompress/graph/op"
	"onnxcompress/graph/op/optest"
	"onnxcompress/graph/tensor"
)

// lengthsOf are the lengths of sequences.
func lengthsOf(v ...int64) *tensor.Tensor {
	t := tensor.New(tensor.Int32, int64(len(v)))
	for i, x := range v {
		t.SetInt(i, x)
	}
	return t
}

func TestRecurrentRoutines(t *testing.T) {
	const steps, batch, width, hidden = 4, 3, 2, 3
	x := optest.Random
	one := op.Attr{Int: 1}
	for _, k := range []struct {
		op            string
		gates, states int64
		attrs         []op.Attrs
	}{
		{"RNN", 1, 1, []op.Attrs{{}, {"activations": {Strs: []string{"Relu", "Sigmoid"}}}}},
		{"GRU", 3, 1, []op.Attrs{{}, {"linear_before_reset": one}}},
		{"LSTM", 4, 2, []op.Attrs{{}, {"input_forget": one}}},
	} {
		for _, own := range k.attrs {
			for _, direction := range []string{"forward", "reverse", "bidirectional"} {
				sides := int64(1)
				if direction == "bidirectional" {
					sides = 2
				}
				if len(own["activations"].Strs) > 0 {
					own = op.Attrs{"activations": {Strs: own["activations"].Strs[:sides]}}
				}
				for layout := range int64(2) {
					input, state := []int64{steps, batch, width}, []int64{sides, batch, hidden}
					if layout == 1 {
						input, state = []int64{batch, steps, width}, []int64{batch, sides, hidden}
					}
					w, r, b := x(2, sides, k.gates*hidden, width), x(3, sides, k.gates*hidden, hidden), x(4, sides, 2*k.gates*hidden)
					all := list(x(1, input...), w, r, b, lengthsOf(4, 2, 3), x(5, state...))
					if k.states == 2 {
						all = append(all, x(6, state...), x(7, sides, 3*hidden))
					}
					for name, in := range map[string][]*tensor.Tensor{
						"bare":    list(x(1, input...), w, r),
						"bias":    list(x(1, input...), w, r, b),
						"initial": list(x(1, input...), w, r, b, nil, x(5, state...)),
						"all":     all,
						"clipped": all,
					} {
						if layout == 1 && name != "all" {
							continue
						}
						attrs := op.Attrs{"direction": {Str: direction}, "layout": num(layout), "hidden_size": num(hidden)}
						if maps.Copy(attrs, own); name == "clipped" {
							attrs["clip"] = op.Attr{Float: 0.6}
						}
						var weighed []int
						for o := range int(k.states) {
							weighed = append(weighed, 1+o)
						}
						optest.Run(t, optest.Case{
							Name: direction + "/" + name, Op: k.op, Attrs: attrs, In: in, Outputs: int(1 + k.states),
							Weighed: weighed, Tolerance: 5e-5,
						})
					}
				}
			}
		}
	}
}

func TestRecurrentWithoutStates(t *testing.T) {
	x := optest.Random
	optest.Run(t, optest.Case{Name: "one step", Op: "LSTM", Outputs: 3, In: list(x(1, 1, 1, 1), x(2, 1, 4, 1), x(3, 1, 4, 1))})
	optest.Run(t, optest.Case{Name: "wide", Op: "GRU", Outputs: 2, In: list(x(1, 5, 4, 70), x(2, 1, 150, 70), x(3, 1, 150, 50)), Tolerance: 1e-4})
	optest.Run(t, optest.Case{Name: "last state", Op: "LSTM", Outputs: 3, Weighed: []int{1}, Unweighed: true, In: list(x(1, 3, 2, 2), x(2, 1, 12, 2), x(3, 1, 12, 3))})
	optest.Run(t, optest.Case{Name: "last state", Op: "GRU", Outputs: 2, Weighed: []int{1}, Unweighed: true, In: list(x(1, 3, 2, 2), x(2, 1, 9, 2), x(3, 1, 9, 3))})
	hard := op.Attrs{"activations": {Strs: []string{"HardSigmoid", "Tanh", "Relu"}}}
	optest.Run(t, optest.Case{Name: "hard", Op: "LSTM", Attrs: hard, Outputs: 3, In: list(x(1, 3, 2, 2), x(2, 1, 12, 2), x(3, 1, 12, 3))})
	optest.Run(t, optest.Case{Name: "many", Op: "LSTM", Outputs: 3, In: list(x(1, 3, 60, 8), x(2, 1, 96, 8), x(3, 1, 96, 24)), Tolerance: 1e-4})
}
