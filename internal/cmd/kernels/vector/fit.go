package vector

import "math"

// fit is the polynomial of the given degree, lowest power first, that equals
// f at the Chebyshev points of [lo, hi]: within a small factor of the best.
func fit(f func(float64) float64, lo, hi float64, degree int) []float64 {
	n := degree + 1
	x := make([]float64, n)
	d := make([]float64, n)
	for i := range n {
		x[i] = (lo+hi)/2 + (hi-lo)/2*math.Cos(math.Pi*(float64(i)+0.5)/float64(n))
		d[i] = f(x[i])
	}
	for j := 1; j < n; j++ {
		for i := n - 1; i >= j; i-- {
			d[i] = (d[i] - d[i-1]) / (x[i] - x[i-j])
		}
	}
	coef := make([]float64, n)
	for i := n - 1; i >= 0; i-- {
		for j := n - 1; j > 0; j-- {
			coef[j] = coef[j-1] - x[i]*coef[j]
		}
		coef[0] = d[i] - x[i]*coef[0]
	}
	return coef
}
