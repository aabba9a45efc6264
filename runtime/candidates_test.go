package runtime_test

import (
	"errors"
	"strings"
	"testing"

	"onnxcompress/graph/tensor"
	"onnxcompress/runtime"
)

// TestVariables: what is trained where nothing is said, and where something is.
func TestVariables(t *testing.T) {
	const text = `
input x 1,4,8,8
a = Mul x s:w[4,1,1]
z = Resize a - scales:p[4]
e = Mul z after:w[4,1,1]
b = Add e one:f[1]
y = Relu b
d = Add a dead:w[4,1,1]
output y
output d`
	tests := []struct {
		name, output string
		ask          func(string, *tensor.Tensor) bool
		want         string
	}{
		{"all", "", nil, "s after"},
		{"of another output", "d", nil, "s dead"},
		{"chosen", "", func(name string, _ *tensor.Tensor) bool { return name == "one" }, "one"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := textModel(t, text, map[string][]float32{"scales": {1, 1, 2, 2}})
			tr := newTrainer(t, m, runtime.TrainOptions{Output: test.output, Variables: test.ask})
			var names []string
			for _, v := range tr.Variables() {
				names = append(names, v.Name)
			}
			if got := strings.Join(names, " "); got != test.want {
				t.Errorf("variables %q, want %q", got, test.want)
			}
		})
	}
}

// TestUntrainable: what cannot be trained is said, all of it at once.
func TestUntrainable(t *testing.T) {
	x := numbers(2, 3)
	tests := []struct {
		name, text string
		want       []string
		derivative bool
	}{
		{"no derivative", "input x 2,3\na = Mul x w:w[3]\nb = Bernoulli a\nc = Bernoulli b\ny = Relu c\noutput y", []string{"Bernoulli b", "Bernoulli c"}, true},
		{"no variable", "input x 2,3\ny = Relu x\noutput y", []string{"no variable"}, false},
		{"no such operator", "input x 2,3\na = Mul x w:w[3]\ny = Frobnicate a\noutput y", []string{"Frobnicate"}, false},
		{"statistics behind a node", "input x 2,3\nm = Identity mean:w[3]\ny = BatchNormalization x s:p[3] b:w[3] m v:p[3]\noutput y", []string{"running statistics m"}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tr, err := runtime.NewTrainer(textModel(t, test.text, nil), runtime.TrainOptions{})
			if err == nil {
				err = tr.Forward(x)
			}
			if err == nil || errors.Is(err, runtime.ErrNoDerivative) != test.derivative {
				t.Fatalf("error %v", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not name %q", err, want)
				}
			}
		})
	}
}
