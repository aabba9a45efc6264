package optim

import (
	"math"
	"slices"
	"testing"

	"onnxcompress/graph/tensor"
	"onnxcompress/runtime/loss"
)

const inputs, hidden, outputs = 6, 8, 4

// net is two linear layers with a tanh between them, written out; its
// parameters are weight, bias, weight, bias.
type net struct{ params []Param }

func newNet(start [][]float32) *net {
	n := &net{}
	for _, v := range start {
		n.params = append(n.params, Param{Value: slices.Clone(v), Grad: make([]float32, len(v))})
	}
	return n
}

// linear is w·x + b.
func linear(w, b, x []float32) []float32 {
	y := make([]float32, len(b))
	for o := range y {
		sum := float64(b[o])
		for i, v := range x {
			sum += float64(w[o*len(x)+i]) * float64(v)
		}
		y[o] = float32(sum)
	}
	return y
}

// learn computes the loss of a batch and leaves its gradient in the
// parameters.
func (n *net) learn(t *testing.T, l loss.Loss, x []float32, y *tensor.Tensor) float64 {
	t.Helper()
	w1, b1, w2, b2 := n.params[0], n.params[1], n.params[2], n.params[3]
	var hs, zs []float32
	for s := range len(x) / inputs {
		h := linear(w1.Value, b1.Value, x[s*inputs:][:inputs])
		for i, v := range h {
			h[i] = float32(math.Tanh(float64(v)))
		}
		hs, zs = append(hs, h...), append(zs, linear(w2.Value, b2.Value, h)...)
	}
	dz := make([]float32, len(zs))
	pred := tensor.FromFloat32s([]int64{int64(len(x) / inputs), outputs}, zs)
	value, err := l.Value(pred, y, dz)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range n.params {
		clear(p.Grad)
	}
	for s := range len(x) / inputs {
		h, d := hs[s*hidden:][:hidden], dz[s*outputs:][:outputs]
		dh := backward(w2, b2, h, d)
		for i, v := range h {
			dh[i] *= 1 - v*v
		}
		backward(w1, b1, x[s*inputs:][:inputs], dh)
	}
	return value
}

// backward adds what d, the gradient of w·x + b, gives w and b, and returns the
// gradient of x.
func backward(w, b Param, x, d []float32) []float32 {
	dx := make([]float32, len(x))
	for o, g := range d {
		b.Grad[o] += g
		for i, v := range x {
			w.Grad[o*len(x)+i] += g * v
			dx[i] += g * w.Value[o*len(x)+i]
		}
	}
	return dx
}
