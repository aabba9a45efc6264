package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestTranspose(t *testing.T) {
	atLevels(t, func(t *testing.T) {
		for _, rows := range []int{0, 1, 3, 8, 9, 16, 17, 24, 33, 50} {
			for _, cols := range []int{1, 3, 7, 8, 15, 16, 20, 31, 64} {
				for _, extra := range []int{0, 5} {
					src := make([]float32, rows*(cols+extra))
					for i := range src {
						src[i] = float32(i + 1)
					}
					dst := make([]float32, cols*(rows+extra))
					Fill(dst, untouched)
					Transpose(dst, src, rows, cols, rows+extra, cols+extra)
					for k, got := range dst {
						j, i := k/(rows+extra), k%(rows+extra)
						want := untouched
						if i < rows {
							want = src[i*(cols+extra)+j]
						}
						if got != want {
							t.Fatalf("%d×%d+%d: %v at row %d, column %d, want %v", rows, cols, extra, got, j, i, want)
						}
					}
				}
			}
		}
	})
}

func TestRows(t *testing.T) {
	atLevels(t, func(t *testing.T) {
		src := []float32{1, 2, 3, 4, 5, 6}
		got := make([]float32, 8)
		GatherRows(got, src, []int{2, 0, 2, 1}, 2)
		equal(t, "GatherRows", got, []float32{5, 6, 1, 2, 5, 6, 3, 4})
		got = make([]float32, 6)
		ScatterAddRows(got, []float32{1, 2, 10, 20, 100, 200}, []int{2, 0, 2}, 2)
		equal(t, "ScatterAddRows", got, []float32{10, 20, 0, 0, 101, 202})
		got = make([]float32, 6)
		CopyRows(got, src, 2, 2, 3, 3)
		AddRows(got, src, 2, 2, 3, 2)
		equal(t, "CopyRows and AddRows", got, []float32{2, 4, 0, 7, 9, 0})
		got = make([]float32, 7)
		Fill(got, 3)
		equal(t, "Fill", got, []float32{3, 3, 3, 3, 3, 3, 3})
	})
}

func equal(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s gives %v, want %v", what, got, want)
			return
		}
	}
}

// TestSteps follows one weight through three steps of each optimiser, against
// the published formulas in float64.
func TestSteps(t *testing.T) {
	s := Step{Rate: 0.1, L2: 0.01, Decay: 0.02}
	for _, row := range []struct {
		name string
		step func(w, v, m, g []float32, t int)
		of   func(w, v, m *float64, g float64, t int)
	}{
		{
			"SGD", func(w, _, _, g []float32, _ int) { SGD(w, g, s) },
			func(w, _, _ *float64, g float64, _ int) { *w = *w*(1-0.1*0.02) - 0.1*(g+0.01**w) },
		},
		{
			"Momentum", func(w, v, _, g []float32, _ int) { Momentum(w, v, g, s, 0.9) },
			func(w, v, _ *float64, g float64, _ int) {
				*v = 0.9**v + g + 0.01**w
				*w = *w*(1-0.1*0.02) - 0.1**v
			},
		},
		{
			"Nesterov", func(w, v, _, g []float32, _ int) { Nesterov(w, v, g, s, 0.9) },
			func(w, v, _ *float64, g float64, _ int) {
				g += 0.01 * *w
				*v = 0.9**v + g
				*w = *w*(1-0.1*0.02) - 0.1*(g+0.9**v)
			},
		},
		{
			"Adam", func(w, v, m, g []float32, t int) { Adam(w, m, v, g, s, Betas{0.9, 0.99, 1e-3}, t) },
			func(w, v, m *float64, g float64, t int) {
				g += 0.01 * *w
				*m = 0.9**m + 0.1*g
				*v = 0.99**v + 0.01*g*g
				unbiased := *m / (1 - math.Pow(0.9, float64(t)))
				root := math.Sqrt(*v / (1 - math.Pow(0.99, float64(t))))
				*w = *w*(1-0.1*0.02) - 0.1*unbiased/(root+1e-3)
			},
		},
	} {
		atLevels(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(9, 10))
			const n = 37
			w, v, m := normals(r, n), make([]float32, n), make([]float32, n)
			w64, v64, m64 := widen(w), widen(v), widen(m)
			for step := 1; step <= 3; step++ {
				g := normals(r, n)
				row.step(w, v, m, g, step)
				for i := range g {
					row.of(&w64[i], &v64[i], &m64[i], float64(g[i]), step)
					if !near(w[i], float32(w64[i]), 3e-6) {
						t.Fatalf("%s, step %d: weight %v, want %v", row.name, step, w[i], w64[i])
					}
				}
			}
		})
	}
}

func TestNothingIsAllocated(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	const rows, cols = 300, 96
	x, y, z := normals(r, rows*cols), normals(r, rows*cols), normals(r, rows*cols)
	scale, bias, sums := normals(r, cols), normals(r, cols), normals(r, cols)
	mean, inv := normals(r, rows), normals(r, rows)
	if n := testing.AllocsPerRun(5, func() {
		Add(y, x, x)
		Gelu(y, x)
		GeluGrad(y, x, x)
		Softmax(y, x, cols)
		SoftmaxGrad(y, x, y, cols)
		LayerNorm(y, x, scale, bias, mean, inv, 1e-5)
		LayerNormGrad(y, z, x, scale, mean, inv, sums, sums)
		SumRows(sums, x)
		MomentsRows(sums, sums, x, scale)
		ScaleShiftReluRows(y, x, scale, bias)
		Momentum(x, y, z, Step{}, 0.9)
		Transpose(y, x, rows, cols, rows, cols)
		Sum(x)
		ArgMax(x)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
