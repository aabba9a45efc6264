package kernel

import (
	"math"
	"unsafe"
)

// The points at which polynomials are taken are 0, ±√½, ±√2 and infinity: whole
// numbers would lose more digits.
var (
	inputMap = [][]float64{
		{1, 0, -2.5, 0, 1, 0},
		{0, -math.Sqrt2, -2, math.Sqrt2 / 2, 1, 0},
		{0, math.Sqrt2, -2, -math.Sqrt2 / 2, 1, 0},
		{0, -math.Sqrt2 / 2, -0.5, math.Sqrt2, 1, 0},
		{0, math.Sqrt2 / 2, -0.5, -math.Sqrt2, 1, 0},
		{0, 1, 0, -2.5, 0, 1},
	}
	winogradPoints = []float64{0, math.Sqrt2 / 2, -math.Sqrt2 / 2, math.Sqrt2, -math.Sqrt2}
	// pointScales are the polynomials of inputMap at their points.
	pointScales = []float64{1, -1.5, -1.5, 6, 6}
)

// powers has a row for each point: its powers below n, over its scale, and for
// infinity the highest alone.
func powers(n int, scaled bool) [][]float64 {
	m := make([][]float64, winogradIn)
	for i, x := range winogradPoints {
		power := 1.0
		if scaled {
			power /= pointScales[i]
		}
		for range n {
			m[i] = append(m[i], power)
			power *= x
		}
	}
	m[winogradIn-1] = make([]float64, n)
	m[winogradIn-1][n-1] = 1
	return m
}

// transformsGo define what the functions of other levels compute.
var transformsGo = []transforms{newTransforms(4, 3), newTransforms(2, 5)}

func newTransforms(out, taps int) transforms {
	return transforms{
		lanes: 4, out: out, taps: taps,
		input:       mapGo(inputMap),
		output:      mapGo(transposed(powers(out, false))),
		slope:       mapGo(powers(out, false)),
		filter:      mapGo(powers(taps, true)),
		filterSlope: mapGo(transposed(powers(taps, true))),
	}
}

func transposed(m [][]float64) [][]float64 {
	t := make([][]float64, len(m[0]))
	for j := range t {
		for i := range m {
			t[j] = append(t[j], m[i][j])
		}
	}
	return t
}

// mapGo is the transform by a matrix: of columns, and then of rows.
func mapGo(matrix [][]float64) func(s *strip) {
	out, in := len(matrix), len(matrix[0])
	m := make([]float32, 0, out*in)
	for _, row := range matrix {
		for _, x := range row {
			m = append(m, float32(x))
		}
	}
	return func(s *strip) {
		for c := range s.bytes/4 + uintptr(s.lanes) {
			half := unsafe.Slice(s.g, points)
			for i := range out {
				for col := range in {
					var sum float32
					for k, f := range m[i*in : (i+1)*in] {
						sum += f * *at(s.x, uintptr(k)*s.xRow+uintptr(col)*s.xPixel, c)
					}
					half[i*in+col] = sum
				}
			}
			for i := range uintptr(out) {
				for j := range uintptr(out) {
					var sum float32
					for k := range uintptr(in) {
						sum += m[j*uintptr(in)+k] * half[i*uintptr(in)+k]
					}
					if s.bias != nil {
						sum += *at(s.bias, 0, c)
					}
					if s.w != nil {
						sum += *at(s.w, i*s.wNext+j*s.wTap, c)
					}
					*at(s.y, i*s.yRow+j*s.yPixel, c) = sum
				}
			}
		}
	}
}
