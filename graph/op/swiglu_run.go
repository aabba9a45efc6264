package op

import (
	"onnxcompress/runtime/kernel"
)

// mixSwiGLU is x·sigmoid(alpha·x), times a second operand. For an alpha of one
// there is a kernel.
func mixSwiGLU(n *Node) mixture {
	a := alpha(n, 1)
	gate := func(y, x []float32) {
		if a == 1 {
			kernel.Silu(y, x)
			return
		}
		for i, v := range x {
			y[i] = float32(float64(v) * sigmoid(a*float64(v)))
		}
	}
	slope := func(t, dy, x []float32) {
		if a == 1 {
			kernel.SiluGrad(t, dy, x)
			return
		}
		for i, v := range x {
			s := sigmoid(a * float64(v))
			t[i] = dy[i] * float32(s+a*float64(v)*s*(1-s))
		}
	}
	return mixture{
		forward: func(y []float32, x [][]float32) {
			gate(y[:len(x[0])], x[0])
			if len(x[0]) < len(y) {
				kernel.Fill(y, y[0])
			}
			times32(y, y, x[1])
		},
		slope: func(k int, t, dy, _ []float32, x [][]float32) {
			switch {
			case k == 1:
				gate(t[:len(x[0])], x[0])
				if len(x[0]) < len(t) {
					kernel.Fill(t, t[0])
				}
				kernel.Mul(t, t, dy)
			case len(x[0]) == len(t):
				times32(t, dy, x[1])
				slope(t, t, x[0])
			default:
				v := float64(x[0][0])
				s := sigmoid(a * v)
				times32(t, dy, x[1])
				kernel.MulScalar(t, t, float32(s+a*v*s*(1-s)))
			}
		},
		in: true, first: true, cost: 6,
	}
}
