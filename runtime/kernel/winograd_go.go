package kernel

import (
	"math"
	"unsafe"
)

// The points at which polynomials are taken are 0, ±√½, ±√2 and infinity: whole
// numbers would lose more digits.
var (
	outputMap = [][]float64{
		{1, 1, 1, 1, 1, 0},
		{0, math.Sqrt2 / 2, -math.Sqrt2 / 2, math.Sqrt2, -math.Sqrt2, 0},
		{0, 0.5, 0.5, 2, 2, 0},
		{0, math.Sqrt2 / 4, -math.Sqrt2 / 4, 2 * math.Sqrt2, -2 * math.Sqrt2, 1},
	}
	inputMap = [][]float64{
		{1, 0, -2.5, 0, 1, 0},
		{0, -math.Sqrt2, -2, math.Sqrt2 / 2, 1, 0},
		{0, math.Sqrt2, -2, -math.Sqrt2 / 2, 1, 0},
		{0, -math.Sqrt2 / 2, -0.5, math.Sqrt2, 1, 0},
		{0, math.Sqrt2 / 2, -0.5, -math.Sqrt2, 1, 0},
		{0, 1, 0, -2.5, 0, 1},
	}
	filterMap = [][]float64{
		{1, 0, 0},
		{-2. / 3, -math.Sqrt2 / 3, -1. / 3},
		{-2. / 3, math.Sqrt2 / 3, -1. / 3},
		{1. / 6, math.Sqrt2 / 6, 1. / 3},
		{1. / 6, -math.Sqrt2 / 6, 1. / 3},
		{0, 0, 1},
	}
)

// transformsGo define what the functions of other levels compute.
var transformsGo = &transforms{
	lanes:       4,
	input:       mapGo(inputMap),
	output:      mapGo(outputMap),
	slope:       mapGo(transposed(outputMap)),
	filter:      mapGo(filterMap),
	filterSlope: mapGo(transposed(filterMap)),
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
