package dataset

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"onnxcompress/graph/tensor"
)

// bestPSNR is that of pictures that are equal, in dB.
const bestPSNR = 100

// PSNR is how near the pictures are that a model gives to the targets of a set of
// pairs, in dB, one for each, as super-resolution is measured: what the model gives
// is rounded to bytes, of colours the luma of BT.601 is compared, and a border as
// wide as the scale is left out. Pictures that are equal have 100 dB.
func (s *Set) PSNR(got, want *tensor.Tensor) ([]float64, error) {
	p, ok := s.source.(*pairs)
	switch {
	case !ok:
		return nil, errors.New("the samples are no pictures to enlarge")
	case got == nil || !got.DType.IsFloat() || !slices.Equal(got.Shape, want.Shape):
		return nil, fmt.Errorf("want pictures of shape %v", want.Shape)
	}
	f := p.frame
	f.height, f.width = want.Shape[2], want.Shape[3]
	if f.layout == interleaved {
		f.height, f.width = want.Shape[1], want.Shape[2]
	}
	border := p.scale
	if int(min(f.height, f.width)) <= 2*border {
		border = 0
	}
	x, y := got.AsFloat64s(), want.AsFloat64s()
	n := len(y) / int(want.Shape[0])
	var all []float64
	for k := range int(want.Shape[0]) {
		all = append(all, p.ratio(f, x[k*n:(k+1)*n], y[k*n:(k+1)*n], border))
	}
	return all, nil
}

// ratio is the peak signal-to-noise ratio of one picture.
func (p *pairs) ratio(f frame, got, want []float64, border int) float64 {
	squares, count := 0.0, 0
	for y := border; y < int(f.height)-border; y++ {
		for x := border; x < int(f.width)-border; x++ {
			d := p.luma(f, got, y*int(f.width)+x) - p.luma(f, want, y*int(f.width)+x)
			squares, count = squares+d*d, count+1
		}
	}
	return min(10*math.Log10(255*255*float64(count)/squares), bestPSNR)
}

// luma is that of a pixel in bytes, as BT.601 has it for studio levels; of grey,
// the pixel itself.
func (p *pairs) luma(f frame, pix []float64, at int) float64 {
	var v [3]float64
	for c := range f.channels {
		v[c] = math.Round(min(max(pix[f.at(at, int(c))]*p.large.scale, 0), 255))
	}
	if f.channels == 1 {
		return v[0]
	}
	if p.swap {
		v[0], v[2] = v[2], v[0]
	}
	return 16 + (65.481*v[0]+128.553*v[1]+24.966*v[2])/255
}
