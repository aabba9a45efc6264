package kernel

import "math"

func sumGo(x []float32) float32 {
	var s float64
	for _, v := range x {
		s += float64(v)
	}
	return float32(s)
}

func dotGo(a, b []float32) float32 {
	var s float64
	for i, v := range a {
		s += float64(v) * float64(b[i])
	}
	return float32(s)
}

// fold combines all elements; f is NaN where an argument is.
func fold(x []float32, s float64, f func(a, b float64) float64) float32 {
	for _, v := range x {
		s = f(s, float64(v))
		if math.IsNaN(float64(v)) {
			return v
		}
	}
	return float32(s)
}

func sumSquaresAboutGo(x []float32, m float32) float32 {
	var s float64
	for _, v := range x {
		d := float64(v - m)
		s += d * d
	}
	return float32(s)
}

func expSumGo(dst, x []float32, m float32) float32 {
	var s float64
	for i, v := range x {
		e := math.Exp(float64(v - m))
		dst[i] = float32(e)
		s += e
	}
	return float32(s)
}

func sumExpGo(x []float32, m float32) float32 {
	var s float64
	for _, v := range x {
		s += math.Exp(float64(v - m))
	}
	return float32(s)
}
