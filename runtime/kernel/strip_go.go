package kernel

import "math"

// stripsGo define what the functions of other levels compute.
var stripsGo = &strips{
	lanes: 4, filter: filterGo, maximum: maximumGo, scaledSum: scaledSumGo, maxSpread: maxSpreadGo, sumSpread: sumSpreadGo,
	grads: []filterGrad{{1, 1, filterGradGo}},
}

// at is channel c of a vector that begins bytes after p.
func at(p *float32, bytes, c uintptr) *float32 { return offset(p, bytes+4*c) }

// each calls f for every pixel and channel of the strip.
func (s *strip) each(f func(pixel, channel uintptr)) {
	for p := range uintptr(s.pixels) {
		for c := range s.bytes/4 + uintptr(s.lanes) {
			f(p, c)
		}
	}
}

// window calls f with the distances of each tap in x and w.
func (s *strip) window(f func(x, w uintptr)) {
	var x, w uintptr
	for range s.segs {
		for range s.k {
			f(x, w)
			x += s.xTap
			w += s.wTap
		}
		x += s.xNext
		w += s.wNext
	}
}

func filterGo(s *strip) {
	s.each(func(p, c uintptr) {
		var sum float32
		s.window(func(x, w uintptr) { sum += *at(s.x, p*s.xPixel+x, c) * *at(s.w, w, c) })
		y := at(s.y, p*s.yPixel, c)
		if s.bias != nil {
			sum += *at(s.bias, 0, c)
		}
		if s.add != 0 {
			sum += *y
		}
		*y = sum
	})
}

func maximumGo(s *strip) {
	s.each(func(p, c uintptr) {
		largest := float32(math.Inf(-1))
		s.window(func(x, _ uintptr) { largest = max(largest, *at(s.x, p*s.xPixel+x, c)) })
		y := at(s.y, p*s.yPixel, c)
		if s.add != 0 {
			largest = max(largest, *y)
		}
		*y = largest
	})
}

func scaledSumGo(s *strip) {
	s.each(func(p, c uintptr) {
		var sum float32
		s.window(func(x, _ uintptr) { sum += *at(s.x, p*s.xPixel+x, c) })
		y := at(s.y, p*s.yPixel, c)
		sum *= s.scale
		if s.add != 0 {
			sum += *y
		}
		*y = sum
	})
}

func maxSpreadGo(s *strip) {
	s.each(func(p, c uintptr) {
		y, w := *at(s.y, p*s.yPixel, c), *at(s.w, p*s.yPixel, c)
		s.window(func(x, _ uintptr) {
			seen := *at(s.x, p*s.xPixel+x, c)
			if !(seen < y || seen > y) {
				*at(s.g, p*s.xPixel+x, c) += w
				w = 0
			}
		})
	})
}

func sumSpreadGo(s *strip) {
	s.each(func(p, c uintptr) {
		w := *at(s.w, p*s.yPixel, c) * s.scale
		s.window(func(x, _ uintptr) { *at(s.g, p*s.xPixel+x, c) += w })
	})
}

// filterGradGo is for a single tap.
func filterGradGo(s *strip) {
	for c := range s.bytes/4 + uintptr(s.lanes) {
		y := at(s.y, 0, c)
		var x, w uintptr
		for range s.segs {
			for range s.k {
				*y += *at(s.x, x, c) * *at(s.w, w, c)
				x += s.xPixel
				w += s.wTap
			}
			x += s.xNext
			w += s.wNext
		}
	}
}
