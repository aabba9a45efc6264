package dataset

import "math"

// filter is a kernel of resampling, zero from its support on. A reduction
// widens it by the ratio of the sizes, so that no pixel is left out.
type filter struct {
	support float64
	at      func(x float64) float64
}

// bilinear is a triangle.
var bilinear = filter{1, func(x float64) float64 { return max(0, 1-math.Abs(x)) }}

// bicubic is Keys' cubic with a = -1/2, which reproduces parabolas.
var bicubic = filter{2, func(x float64) float64 {
	switch x = math.Abs(x); {
	case x < 1:
		return (1.5*x-2.5)*x*x + 1
	case x < 2:
		return ((2.5-0.5*x)*x-4)*x + 2
	}
	return 0
}}

// precision is the number of binary places of weights: with it, a product by a
// byte and the sums of such fit 32 bits, as in other image libraries, whose
// results these are bit for bit.
const precision = 22

// span is the weights of one pixel of a line, from the first source pixel on.
type span struct {
	first  int
	weight []int32
}

// spans are the weights by which pixels at to at+n of a line of out pixels are
// made of one of in pixels.
func (f filter) spans(in, out, at, n int) []span {
	scale := float64(in) / float64(out)
	wide := max(scale, 1)
	support, narrow := f.support*wide, 1/wide
	all := make([]span, n)
	var w []float64
	for k := range all {
		center := (float64(at+k) + 0.5) * scale
		first := max(int(center-support+0.5), 0)
		last := min(int(center+support+0.5), in)
		w = w[:0]
		sum := 0.0
		for x := first; x < last; x++ {
			v := f.at((float64(x) - center + 0.5) * narrow)
			w, sum = append(w, v), sum+v
		}
		s := span{first, make([]int32, len(w))}
		for i, v := range w {
			s.weight[i] = int32(math.Round(v / sum * (1 << precision)))
		}
		all[k] = s
	}
	return all
}

// window is a part of a resized picture: height by width pixels from y, x on of
// one of size rows by cols.
type window struct {
	rows, cols          int
	y, x, height, width int
}

// resampled is the part of a picture that a window shows once it is resized:
// along rows first, then along columns, with bytes in between.
func (r raster) resampled(w window, f filter) raster {
	if w.rows == r.height && w.cols == r.width {
		return r.cropped(w)
	}
	var top, below int
	var down []span
	if w.rows == r.height {
		top, below = w.y, w.y+w.height
	} else {
		down = f.spans(r.height, w.rows, w.y, w.height)
		top = down[0].first
		end := down[len(down)-1]
		below = end.first + len(end.weight)
	}
	lines := raster{r.pix[top*r.stride() : below*r.stride()], below - top, r.width, r.channels}
	if w.cols != r.width {
		lines = lines.across(f.spans(r.width, w.cols, w.x, w.width))
	} else if w.width != r.width {
		lines = lines.cropped(window{lines.height, lines.width, 0, w.x, lines.height, w.width})
	}
	if down == nil {
		return lines
	}
	return lines.along(down, top)
}

// across resamples every row.
func (r raster) across(spans []span) raster {
	out := newRaster(r.height, len(spans), r.channels)
	at := 0
	for y := range r.height {
		row := r.pix[y*r.stride() : (y+1)*r.stride()]
		for _, s := range spans {
			if r.channels == 1 {
				out.pix[at] = sum1(row[s.first:], s.weight)
				at++
				continue
			}
			sum3(out.pix[at:at+3], row[3*s.first:], s.weight)
			at += 3
		}
	}
	return out
}

// half is added to what the places after the point are cut off from.
const half = 1 << (precision - 1)

func sum1(row []uint8, weight []int32) uint8 {
	a := int32(half)
	for i, w := range weight {
		a += int32(row[i]) * w
	}
	return clipped(a)
}

func sum3(dst, row []uint8, weight []int32) {
	a, b, c := int32(half), int32(half), int32(half)
	for i, w := range weight {
		p := row[3*i : 3*i+3 : 3*i+3]
		a += int32(p[0]) * w
		b += int32(p[1]) * w
		c += int32(p[2]) * w
	}
	dst[0], dst[1], dst[2] = clipped(a), clipped(b), clipped(c)
}

func clipped(a int32) uint8 { return uint8(min(max(a>>precision, 0), 255)) }

// along resamples every column; the first row is number top of those that the
// weights count.
func (r raster) along(spans []span, top int) raster {
	out := newRaster(len(spans), r.width, r.channels)
	n := r.stride()
	sum := make([]int32, n)
	for y, s := range spans {
		for i := range sum {
			sum[i] = half
		}
		for k, w := range s.weight {
			row := r.pix[(s.first+k-top)*n:][:n]
			for i, p := range row {
				sum[i] += int32(p) * w
			}
		}
		to := out.pix[y*n:][:n]
		for i, a := range sum {
			to[i] = clipped(a)
		}
	}
	return out
}
