package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// benchLevels runs a benchmark of n elements with every set of loops; bytes
// is what it reads and writes per element.
func benchLevels(b *testing.B, name string, n, bytes int, f func()) {
	defer func(v *vectors) { vec = v }(vec)
	for _, v := range vectorLevels() {
		vec = v
		b.Run(fmt.Sprintf("%s/%d/%s", name, n, v.name), func(b *testing.B) {
			b.SetBytes(int64(n * bytes))
			for b.Loop() {
				f()
			}
		})
	}
}

func BenchmarkElementwise(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{4096, 1 << 22} {
		x, y, z := normals(r, n), normals(r, n), normals(r, n)
		v := make([]float32, n)
		for _, row := range []struct {
			name  string
			bytes int
			f     func()
		}{
			{"Add", 12, func() { Add(z, x, y) }},
			{"Relu", 8, func() { Relu(z, x) }},
			{"ReluGrad", 12, func() { ReluGrad(z, x, y) }},
			{"Exp", 8, func() { Exp(z, x) }},
			{"Log", 8, func() { Log(z, x) }},
			{"Tanh", 8, func() { Tanh(z, x) }},
			{"Sigmoid", 8, func() { Sigmoid(z, x) }},
			{"Erf", 8, func() { Erf(z, x) }},
			{"Gelu", 8, func() { Gelu(z, x) }},
			{"GeluGrad", 12, func() { GeluGrad(z, y, x) }},
			{"GeluTanh", 8, func() { GeluTanh(z, x) }},
			{"Silu", 8, func() { Silu(z, x) }},
			{"HardSwish", 8, func() { HardSwish(z, x) }},
			{"Sum", 4, func() { Sum(x) }},
			{"Largest", 4, func() { Largest(x) }},
			{"Momentum", 20, func() { Momentum(z, v, y, Step{Rate: 1e-9}, 0.9) }},
			{"Adam", 28, func() { Adam(z, v, v, y, Step{Rate: 1e-9}, Betas{0.9, 0.999, 1e-8}, 1) }},
		} {
			benchLevels(b, row.name, n, row.bytes, row.f)
		}
	}
}

func BenchmarkRows(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, size := range [][2]int{{4000, 50}, {2000, 96}, {50_000, 64}} {
		rows, cols := size[0], size[1]
		n := rows * cols
		x, y, z := normals(r, n), normals(r, n), normals(r, n)
		s, t, u := normals(r, cols), normals(r, cols), normals(r, cols)
		mean, inv := normals(r, rows), normals(r, rows)
		for _, row := range []struct {
			name  string
			bytes int
			f     func()
		}{
			{"Softmax", 8, func() { Softmax(z, x, cols) }},
			{"SoftmaxGrad", 12, func() { SoftmaxGrad(z, x, y, cols) }},
			{"LayerNorm", 8, func() { LayerNorm(z, x, s, t, mean, inv, 1e-5) }},
			{"LayerNormGrad", 12, func() { LayerNormGrad(z, y, x, s, mean, inv, t, u) }},
			{"ScaleShiftReluRows", 8, func() { ScaleShiftReluRows(z, x, s, t) }},
			{"MomentsRows", 4, func() { MomentsRows(t, u, x, s) }},
			{"GradSumsReluRows", 12, func() { GradSumsReluRows(t, u, x, y, z, s) }},
			{"NormGradReluRows", 16, func() { NormGradReluRows(z, x, y, y, s, t, u) }},
			{"Transpose", 8, func() { Transpose(z, x, rows, cols, rows, cols) }},
		} {
			benchLevels(b, fmt.Sprintf("%s/%dx%d", row.name, rows, cols), n, row.bytes, row.f)
		}
	}
}
