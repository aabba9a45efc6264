package op

import (
	"image"
	"image/color"
	"math"
)

// smooth is an image whose colours are stored at fewer places than its
// brightness: they are interpolated between these, as the reference decoders of
// JPEG and WebP do, where the standard library repeats them.
type smooth struct {
	*image.YCbCr
	// video says that brightness goes from 16 to 235, as in WebP.
	video bool
}

// At is the colour at a place.
func (s smooth) At(x, y int) color.Color {
	luma := s.Y[s.YOffset(x, y)]
	u, v := s.between(s.Cb, x, y), s.between(s.Cr, x, y)
	if !s.video {
		r, g, b := color.YCbCrToRGB(luma, uint8(u+0.5), uint8(v+0.5))
		return color.NRGBA{R: r, G: g, B: b, A: 0xff}
	}
	l := 1.164 * (float64(luma) - 16)
	u, v = u-128, v-128
	return color.NRGBA{R: level(l + 1.596*v), G: level(l - 0.813*v - 0.391*u), B: level(l + 2.018*u), A: 0xff}
}

func level(x float64) uint8 { return uint8(math.Round(max(0, min(x, math.MaxUint8)))) }

// between interpolates a plane of colour.
func (s smooth) between(plane []uint8, x, y int) float64 {
	across, down := 1, 1
	switch s.SubsampleRatio {
	case image.YCbCrSubsampleRatio420:
		across, down = 2, 2
	case image.YCbCrSubsampleRatio422:
		across = 2
	case image.YCbCrSubsampleRatio440:
		down = 2
	}
	sum := 0.0
	for _, h := range taps(x, across, s.Rect.Min.X, s.Rect.Max.X) {
		for _, v := range taps(y, down, s.Rect.Min.Y, s.Rect.Max.Y) {
			sum += h.weight * v.weight * float64(plane[s.COffset(h.at, v.at)])
		}
	}
	return sum
}

// tap is a place that takes part in an interpolation.
type tap struct {
	at     int
	weight float64
}

// taps are the place itself and, where two share a sample, the nearer one of
// those beside.
func taps(at, shared, low, high int) []tap {
	if shared == 1 {
		return []tap{{at, 1}}
	}
	beside := at - 1
	if at%2 == 1 {
		beside = at + 1
	}
	return []tap{{at, 0.75}, {max(min(beside, high-1), low), 0.25}}
}
