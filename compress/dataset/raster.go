package dataset

import (
	"image"
	"image/color"
	"image/draw"
)

// raster is a picture of bytes, row by row, the channels of a pixel (1 or 3)
// side by side.
type raster struct {
	pix                     []uint8
	height, width, channels int
}

func newRaster(height, width, channels int) raster {
	return raster{make([]uint8, height*width*channels), height, width, channels}
}

// stride is the number of bytes of a row.
func (r raster) stride() int { return r.width * r.channels }

// rasterOf is an image without its transparency, its colours as they are
// stored, which is how models are trained on images that have any.
func rasterOf(img image.Image) raster {
	b := img.Bounds()
	if g, ok := img.(*image.Gray); ok {
		out := newRaster(b.Dy(), b.Dx(), 1)
		for y := range out.height {
			copy(out.pix[y*out.width:(y+1)*out.width], g.Pix[g.PixOffset(b.Min.X, b.Min.Y+y):])
		}
		return out
	}
	rgba := opaque(img)
	out := newRaster(b.Dy(), b.Dx(), 3)
	for y := range out.height {
		row := rgba.Pix[y*rgba.Stride:][:4*out.width]
		to := out.pix[y*out.stride():][:out.stride()]
		for len(row) >= 4 && len(to) >= 3 {
			to[0], to[1], to[2] = row[0], row[1], row[2]
			row, to = row[4:], to[3:]
		}
	}
	return out
}

// opaque is an image with its alpha channel set to full.
func opaque(img image.Image) *image.RGBA {
	b := img.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	if o, ok := img.(interface{ Opaque() bool }); ok && o.Opaque() {
		draw.Draw(out, out.Rect, img, b.Min, draw.Src)
		return out
	}
	for y := range b.Dy() {
		for x := range b.Dx() {
			c := color.NRGBAModel.Convert(img.At(b.Min.X+x, b.Min.Y+y)).(color.NRGBA)
			out.SetRGBA(x, y, color.RGBA{c.R, c.G, c.B, 255})
		}
	}
	return out
}

// rasterOfSample is a sample of bytes in a frame's layout.
func rasterOfSample(f frame, pix []byte) raster {
	out := newRaster(int(f.height), int(f.width), int(f.channels))
	if f.layout != planar {
		copy(out.pix, pix)
		return out
	}
	for i := range out.height * out.width {
		for c := range out.channels {
			out.pix[i*out.channels+c] = pix[f.at(i, c)]
		}
	}
	return out
}

// cropped is the part that a window of the picture's own size shows.
func (r raster) cropped(w window) raster {
	if w.height == r.height && w.width == r.width {
		return r
	}
	out := newRaster(w.height, w.width, r.channels)
	for y := range w.height {
		copy(out.pix[y*out.stride():(y+1)*out.stride()], r.pix[(w.y+y)*r.stride()+w.x*r.channels:])
	}
	return out
}

// grey is a picture of one channel, by the weights of JPEG.
func (r raster) grey() raster {
	if r.channels == 1 {
		return r
	}
	out := newRaster(r.height, r.width, 1)
	for i := range out.pix {
		out.pix[i] = luma(r.pix[3*i:])
	}
	return out
}

// luma is the grey of a pixel, rounded to a byte.
func luma(p []uint8) uint8 {
	return uint8((19595*uint32(p[0]) + 38470*uint32(p[1]) + 7471*uint32(p[2]) + 1<<15) >> 16)
}

// padded is the picture on a larger one of a single value, centred as far as
// pixels allow, what is odd going below and right.
func (r raster) padded(height, width int, value uint8) raster {
	out := newRaster(height, width, r.channels)
	for i := range out.pix {
		out.pix[i] = value
	}
	top, left := (height-r.height)/2, (width-r.width)/2
	for y := range r.height {
		copy(out.pix[(top+y)*out.stride()+left*r.channels:], r.pix[y*r.stride():(y+1)*r.stride()])
	}
	return out
}

// append adds the bytes of the picture in the layout of a frame of its size.
// Channels are those of the frame: of one, all are the same, of three, one is
// their grey. swap puts them in the opposite order.
func (r raster) append(dst []byte, f frame, swap bool) []byte {
	channels := int(f.channels)
	if channels == 1 {
		r = r.grey()
	}
	if channels == r.channels && !swap && (f.layout != planar || channels == 1) {
		return append(dst, r.pix...)
	}
	at, n := len(dst), r.height*r.width
	dst = append(dst, make([]byte, n*channels)...)
	to := dst[at:]
	for c := range channels {
		from := min(c, r.channels-1)
		if swap {
			from = r.channels - 1 - from
		}
		first, step := c, channels
		if f.layout == planar {
			first, step = c*n, 1
		}
		for i := range n {
			to[first+i*step] = r.pix[i*r.channels+from]
		}
	}
	return dst
}

// turned is the picture mirrored left to right, upside down, and along its
// diagonal, as the lowest bits of how say; the last only if it is a square.
func (r raster) turned(how int) raster {
	flipX, flipY, swap := how&1 > 0, how&2 > 0, how&4 > 0 && r.height == r.width
	if !flipX && !flipY && !swap {
		return r
	}
	out := newRaster(r.height, r.width, r.channels)
	at := 0
	for y := range r.height {
		for x := range r.width {
			i, j := y, x
			if swap {
				i, j = x, y
			}
			if flipY {
				i = r.height - 1 - i
			}
			if flipX {
				j = r.width - 1 - j
			}
			at += copy(out.pix[at:], r.pix[(i*r.width+j)*r.channels:][:r.channels])
		}
	}
	return out
}
