package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// normals are n numbers of the standard normal distribution.
func normals(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// A layer is a function of a row in float64, with what this package makes of
// it. Its parameters are a scale and a bias of the row's length.
type layer struct {
	name    string
	of      func(x, scale, bias []float64) []float64
	forward func(y, x, scale, bias []float32)
	// backward leaves gradients in dx, dscale and dbias, the last two zero
	// before; y is what forward gave.
	backward func(dx, dscale, dbias, dy, x, y, scale, bias []float32)
	params   bool
}

const eps = 1e-3

var layerRows = []layer{
	{
		name: "Softmax", of: func(x, _, _ []float64) []float64 { return softmax(x, false) },
		forward: func(y, x, _, _ []float32) { Softmax(y, x, len(x)/2) },
		backward: func(dx, _, _, dy, _, y, _, _ []float32) {
			SoftmaxGrad(dx, dy, y, len(y)/2)
		},
	},
	{
		name: "LogSoftmax", of: func(x, _, _ []float64) []float64 { return softmax(x, true) },
		forward: func(y, x, _, _ []float32) { LogSoftmax(y, x, len(x)/2) },
		backward: func(dx, _, _, dy, _, y, _, _ []float32) {
			LogSoftmaxGrad(dx, dy, y, len(y)/2)
		},
	},
	{
		name: "LayerNorm", of: layerNorm, params: true,
		forward: func(y, x, scale, bias []float32) {
			LayerNorm(y, x, scale, bias, make([]float32, 2), make([]float32, 2), eps)
		},
		backward: func(dx, dscale, dbias, dy, x, y, scale, bias []float32) {
			mean, inv := make([]float32, 2), make([]float32, 2)
			LayerNorm(y, x, scale, bias, mean, inv, eps)
			copy(dx, dy)
			LayerNormGrad(dx, dx, x, scale, mean, inv, dscale, dbias)
		},
	},
	{
		name: "RMSNorm", of: rmsNorm, params: true,
		forward: func(y, x, scale, _ []float32) { RMSNorm(y, x, scale, make([]float32, 2), eps) },
		backward: func(dx, dscale, _, dy, x, y, scale, _ []float32) {
			inv := make([]float32, 2)
			RMSNorm(y, x, scale, inv, eps)
			RMSNormGrad(dx, dy, x, scale, inv, dscale)
		},
	},
}

func softmax(x []float64, log bool) []float64 {
	var s float64
	for _, v := range x {
		s += math.Exp(v)
	}
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = v - math.Log(s)
		if !log {
			y[i] = math.Exp(y[i])
		}
	}
	return y
}

func layerNorm(x, scale, bias []float64) []float64 {
	var mean float64
	for _, v := range x {
		mean += v / float64(len(x))
	}
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = v - mean
	}
	y = rmsNorm(y, scale, nil)
	for i := range y {
		y[i] += bias[i]
	}
	return y
}

func rmsNorm(x, scale, _ []float64) []float64 {
	var q float64
	for _, v := range x {
		q += v * v / float64(len(x))
	}
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = v / math.Sqrt(q+eps) * scale[i]
	}
	return y
}

func widen(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// TestLayers runs two rows through each layer: values against float64,
// gradients against differences of Σ dy·y.
func TestLayers(t *testing.T) {
	atLevels(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(5, 6))
		for _, l := range layerRows {
			for _, n := range []int{1, 2, 5, 16, 33, 50, 96} {
				x, dy, scale, bias := normals(r, 2*n), normals(r, 2*n), normals(r, n), normals(r, n)
				y, dx := make([]float32, 2*n), make([]float32, 2*n)
				l.forward(y, x, scale, bias)
				dscale, dbias := make([]float32, n), make([]float32, n)
				l.backward(dx, dscale, dbias, dy, x, y, scale, bias)
				x64, s64, b64, dy64 := widen(x), widen(scale), widen(bias), widen(dy)
				value := func() (v float64) {
					for row := range 2 {
						for i, y := range l.of(x64[row*n:row*n+n], s64, b64) {
							v += y * dy64[row*n+i]
						}
					}
					return v
				}
				check := func(what string, got []float32, of []float64) {
					t.Helper()
					for i, g := range got {
						at := of[i]
						want := slope(func(v float64) float64 {
							of[i] = v
							return value()
						}, at)
						of[i] = at
						if !near(g, float32(want), 2e-5) {
							t.Fatalf("%s of %d: %s is %v at %d, want %v", l.name, n, what, g, i, want)
						}
					}
				}
				for row := range 2 {
					for i, want := range l.of(x64[row*n:row*n+n], s64, b64) {
						if got := y[row*n+i]; !near(got, float32(want), 2e-6) {
							t.Fatalf("%s of %d: %v at %d, want %v", l.name, n, got, i, want)
						}
					}
				}
				if n == 1 && l.params {
					continue // the variance of one number is zero, and its slope steep
				}
				check("dx", dx, x64)
				if l.params {
					check("dscale", dscale, s64)
				}
				if l.name == "LayerNorm" {
					check("dbias", dbias, b64)
				}
			}
		}
	})
}

func TestSoftmaxIsSafe(t *testing.T) {
	inf := float32(math.Inf(1))
	atLevels(t, func(t *testing.T) {
		for _, row := range []struct{ x, want []float32 }{
			{[]float32{1000, 1000, -1000}, []float32{0.5, 0.5, 0}},
			{[]float32{-inf, 3, -inf}, []float32{0, 1, 0}},
			{[]float32{-3e38, -3e38}, []float32{0.5, 0.5}},
		} {
			y := make([]float32, len(row.x))
			Softmax(y, row.x, len(y))
			for i := range y {
				if y[i] != row.want[i] {
					t.Errorf("Softmax(%v) = %v, want %v", row.x, y, row.want)
					break
				}
			}
		}
		long := make([]float32, 30_000)
		Softmax(long, long, len(long))
		if s := Sum(long); math.Abs(s-1) > 1e-6 {
			t.Errorf("Softmax of a long row sums to %v", s)
		}
		if got := LogSumExp(make([]float32, 8)); math.Abs(got-math.Log(8)) > 1e-6 {
			t.Errorf("LogSumExp of eight zeros is %v", got)
		}
	})
}

// TestBatchNorm holds the parts of a batch normalisation with ReLU together:
// statistics, value and gradient against differences in float64.
func TestBatchNorm(t *testing.T) {
	atLevels(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(7, 8))
		for _, cols := range []int{1, 3, 16, 24, 40, 96} {
			const rows = 300
			x, dy := normals(r, rows*cols), normals(r, rows*cols)
			AddScalar(x, x, 50)
			gamma := make([]float32, cols)
			Fill(gamma, 1.5)
			sum, square := make([]float32, cols), make([]float32, cols)
			MomentsRows(sum, square, x, x[:cols])
			mean, inv := make([]float32, cols), make([]float32, cols)
			scale, shift := make([]float32, cols), make([]float32, cols)
			for c := range cols {
				m := float64(sum[c]) / rows
				mean[c] = float32(float64(x[c]) + m)
				inv[c] = float32(1 / math.Sqrt(float64(square[c])/rows-m*m+eps))
				scale[c] = gamma[c] * inv[c]
				shift[c] = -mean[c] * scale[c]
			}
			y, dx := make([]float32, len(x)), make([]float32, len(x))
			ScaleShiftReluRows(y, x, scale, shift)
			total, product := make([]float32, cols), make([]float32, cols)
			GradSumsReluRows(total, product, dy, x, y, mean)
			a, b, k := scale, make([]float32, cols), make([]float32, cols)
			for c := range cols {
				b[c] = -scale[c] * inv[c] * inv[c] * product[c] / rows
				k[c] = -scale[c]*total[c]/rows - b[c]*mean[c]
			}
			NormGradReluRows(dx, dy, x, y, a, b, k)
			for c := range min(cols, 3) {
				checkColumn(t, x, dy, y, dx, c, rows, cols)
			}
		}
	})
}

// checkColumn compares one column of a batch normalisation, with a scale of
// 1.5 and a ReLU behind it, with float64.
func checkColumn(t *testing.T, x, dy, y, dx []float32, c, rows, cols int) {
	t.Helper()
	column, ones, zeros, d := make([]float64, rows), make([]float64, rows), make([]float64, rows), make([]float64, rows)
	for i := range rows {
		column[i], ones[i] = float64(x[i*cols+c]), 1.5
		if y[i*cols+c] > 0 {
			d[i] = float64(dy[i*cols+c])
		}
	}
	for i, want := range layerNorm(column, ones, zeros) {
		if got := y[i*cols+c]; !near(got, float32(max(want, 0)), 1e-4) {
			t.Fatalf("%d columns: %v in row %d, want %v", cols, got, i, want)
		}
	}
	for i := range 5 {
		at := column[i]
		want := slope(func(v float64) (s float64) {
			column[i] = v
			for j, y := range layerNorm(column, ones, zeros) {
				s += y * d[j]
			}
			return s
		}, at)
		column[i] = at
		if got := dx[i*cols+c]; !near(got, float32(want), 1e-4) {
			t.Fatalf("%d columns: gradient %v in row %d, want %v", cols, got, i, want)
		}
	}
}
