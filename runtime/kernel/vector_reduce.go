package kernel

import "math"

// chunk is how many elements a float32 running sum takes before it is added
// to one in float64: few enough for the lanes of a vector to stay exact.
const chunk = 2048

// Sum is the sum of x, as if in float64 but for rounding within runs of some
// thousand elements.
func Sum(x []float32) float64 {
	var s float64
	for ; len(x) > chunk; x = x[chunk:] {
		s += float64(vec.sum(x[:chunk]))
	}
	return s + float64(vec.sum(x))
}

// SumSquares is the sum of the squares of x.
func SumSquares(x []float32) float64 {
	var s float64
	for ; len(x) > chunk; x = x[chunk:] {
		s += float64(vec.sumSquares(x[:chunk]))
	}
	return s + float64(vec.sumSquares(x))
}

// Dot is the sum of a·b.
func Dot(a, b []float32) float64 {
	same(a, b)
	var s float64
	for ; len(a) > chunk; a, b = a[chunk:], b[chunk:] {
		s += float64(vec.dot(a[:chunk], b[:chunk]))
	}
	return s + float64(vec.dot(a, b))
}

// sumSquaresAbout is the sum of (x-m)².
func sumSquaresAbout(x []float32, m float32) float64 {
	var s float64
	for ; len(x) > chunk; x = x[chunk:] {
		s += float64(vec.sumSquaresAbout(x[:chunk], m))
	}
	return s + float64(vec.sumSquaresAbout(x, m))
}

// Largest is the largest element of x, NaN if one is NaN, and -Inf if there
// is none.
func Largest(x []float32) float32 { return vec.largest(x) }

// Smallest is the smallest element of x, NaN if one is NaN, and +Inf if there
// is none.
func Smallest(x []float32) float32 { return vec.smallest(x) }

// ArgMax is the index of the first largest element of x, or of the first NaN;
// -1 if x is empty.
func ArgMax(x []float32) int { return first(x, vec.largest(x)) }

// ArgMin is the index of the first smallest element of x, or of the first
// NaN; -1 if x is empty.
func ArgMin(x []float32) int { return first(x, vec.smallest(x)) }

func first(x []float32, v float32) int {
	if math.IsNaN(float64(v)) {
		for i, e := range x {
			if e != e {
				return i
			}
		}
	}
	for i, e := range x {
		if e == v {
			return i
		}
	}
	return -1
}
