package pass_test

import (
	"math"
	"strings"
	"testing"

	"onnxcompress/graph/pass"
)

var insertCases = []rewriteCase{
	{"a convolution with a bias", small{
		inputs: []string{"x:N,3,6,6"}, outputs: []string{"y"}, constants: constants{"w": floats(4, 3, 3, 3), "b": floats(4)},
		nodes: nodes{node("Conv", "x w b", "h"), node("Relu", "h", "y")},
	}, "Conv BatchNormalization Relu"},
	{"groups without a bias", small{
		inputs: []string{"x:N,4,6,6"}, outputs: []string{"y"}, constants: constants{"w": floats(4, 1, 3, 3), "v": floats(4, 3, 2, 2)},
		nodes: nodes{
			node("Conv", "x w", "h", "group", 4), node("Relu", "h", "r"),
			node("ConvTranspose", "r v", "t"), node("Relu", "t", "y"),
		},
	}, "Conv BatchNormalization Relu ConvTranspose BatchNormalization Relu"},
	{"linear layers", small{
		inputs: []string{"x:N,3"}, outputs: []string{"y"},
		constants: constants{"w": floats(3, 4), "b": floats(1, 4), "v": floats(5, 4), "c": floats(1)},
		nodes: nodes{
			node("Gemm", "x w b", "h", "beta", 0.5, "alpha", 0.25), node("Tanh", "h", "t"),
			node("Gemm", "t v c", "u", "transB", 1), node("Neg", "u", "y"),
		},
	}, "Gemm BatchNormalization Tanh Gemm BatchNormalization Neg"},
	{"several readers", small{
		inputs: []string{"x:N,3"}, outputs: []string{"y"}, constants: constants{"w": floats(3, 4)},
		nodes: nodes{node("Gemm", "x w", "h"), node("Tanh", "h", "t"), node("Add", "h t", "y")},
	}, "Gemm BatchNormalization Tanh Add"},
	{"listed initializers", small{
		ir: 3, opset: 8, inputs: []string{"x:N,3"}, outputs: []string{"y"}, constants: constants{"w": floats(3, 4), "b": floats(4)},
		nodes: nodes{node("Gemm", "x w b", "h"), node("Tanh", "h", "y")},
	}, "Gemm BatchNormalization Tanh"},
	{"outputs, shared and computed weights", small{
		inputs: []string{"x:N,3"}, outputs: []string{"y", "z"}, constants: constants{"w": floats(3, 3), "v": floats(3, 3)},
		nodes: nodes{
			node("Gemm", "x w", "y"), node("Gemm", "y w", "h"), node("Tanh", "h", "t"),
			node("MatMul", "t v", "m"), node("Gemm", "t m", "k"), node("Neg", "k", "z"),
		},
	}, "Gemm Gemm Tanh MatMul Gemm Neg"},
}

// TestInsertBatchNorms: what is inserted changes nothing, and folds again into
// what was there.
func TestInsertBatchNorms(t *testing.T) {
	for _, c := range insertCases {
		if strings.HasPrefix(c.name, "outputs") {
			// The matrix that a product multiplies by has no other batch.
			c.graph.inputs = []string{"x:3,3"}
		}
		t.Run(c.name, func(t *testing.T) {
			before := c.graph.model(t)
			for name, known := range map[string]pass.Moments{"unknown": nil, "measured": measured} {
				after := before.Clone()
				defer after.Close()
				places, err := pass.BatchNormPlaces(before)
				if err != nil {
					t.Fatal(err)
				}
				if got, want := len(places), strings.Count(c.want, "BatchNormalization"); got != want {
					t.Errorf("%d places, want %d", got, want)
				}
				if err := pass.InsertBatchNorms(after, known); err != nil {
					t.Fatal(err)
				}
				if err := after.Check(); err != nil {
					t.Fatal(err)
				}
				unchanged(t, before.Proto, after.Proto)
				if got := operators(after); got != c.want {
					t.Errorf("%s: left: %s\nwant: %s", name, got, c.want)
				}
				agree(t, before.Proto, after.Proto, 1e-5, 3)
				if err := pass.Run(after, pass.BatchNorms, pass.DeadCode); err != nil {
					t.Fatal(err)
				}
				// Where initializers are listed, new constants are nodes.
				if got, want := strings.ReplaceAll(operators(after), "Constant ", ""), operators(before); got != want {
					t.Errorf("%s: folded to %s, want %s", name, got, want)
				}
				agree(t, before.Proto, after.Proto, 1e-5, 3)
			}
		})
	}
}

// measured are moments of four channels, whatever is asked of.
func measured(string) (mean, variance []float64) {
	return []float64{1, -2, math.Pi, 0}, []float64{0.5, 4, 1e-3, 30}
}
