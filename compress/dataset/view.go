package dataset

import "fmt"

// view is how pictures of any size become samples of an input.
type view struct {
	frame // sizes that depend on the picture are -1
	geometry
	swap, grey bool
	// open says that the input leaves the number of channels free.
	open bool
}

// view is how an input sees pictures; ok tells whether it takes any.
func (o *Options) view(p Port) (v view, ok bool, err error) {
	v = view{geometry: o.geometry, swap: o.Color == "bgr", grey: o.Color == "gray"}
	if v.frame, ok = o.frameOf(p); !ok {
		return v, false, nil
	}
	if v.channels == 1 && o.Color != "" && o.Color != "gray" {
		return v, true, fmt.Errorf("input %v has one channel: color %s", p, o.Color)
	}
	v.open = o.Color == "" && (v.layout == planar && p.Shape[1] < 0 || v.layout == interleaved && p.Shape[3] < 0)
	if o.geometry.preset != nil {
		v.follow(o.geometry.preset)
	}
	height, width := v.fixed()
	for _, c := range []struct {
		own  *int64
		want int
	}{{&v.height, height}, {&v.width, width}} {
		if c.want > 0 && *c.own >= 0 && *c.own != int64(c.want) {
			return v, true, fmt.Errorf("input %v takes no pictures of %dx%d, which resize and crop make", p, height, width)
		}
		if c.want > 0 {
			*c.own = int64(c.want)
		}
	}
	if v.short > 0 && v.cropRows == 0 && v.height >= 0 && v.width >= 0 {
		v.cropRows, v.cropCols = int(v.height), int(v.width)
		if v.short < min(v.cropRows, v.cropCols) {
			return v, true, fmt.Errorf("input %v is larger than resize %d", p, v.short)
		}
	}
	return v, true, v.sized(1, 1).bounded()
}

// follow takes the sizes of a preset, in the proportion of its own to those of
// an input that has them.
func (v *view) follow(p *preset) {
	height, width := p.size, p.size
	if v.height > 0 && v.width > 0 {
		height, width = int(v.height), int(v.width)
	}
	if p.letterbox {
		v.letterbox, v.toRows, v.toCols = true, height, width
		return
	}
	v.cropRows, v.cropCols = height, width
	v.short = (max(height, width)*p.short + p.size/2) / p.size
}

// fixed is the size that resizing and cropping make whatever the picture, 0
// where it depends on it.
func (v *view) fixed() (height, width int) {
	switch {
	case v.cropRows > 0:
		return v.cropRows, v.cropCols
	case v.toRows > 0:
		return v.toRows, v.toCols
	case v.letterbox && v.height < 0:
		return 640, 640
	}
	return 0, 0
}

// keeps reports whether a picture in the layout of the input is a sample as it
// stands.
func (v *view) keeps(f frame) bool {
	want := v.sized(f.height, f.width)
	if v.open {
		want.channels = f.channels
	}
	if f != want || v.swap || v.grey && f.channels > 1 {
		return false
	}
	w, err := v.window(int(f.height), int(f.width))
	return err == nil && w == window{w.rows, w.cols, 0, 0, int(f.height), int(f.width)} && w.rows == w.height && w.cols == w.width
}

// window is what is to be seen of a picture: all of it or its centre, resized.
func (v *view) window(height, width int) (window, error) {
	f := v.sized(int64(height), int64(width))
	own := f.height == int64(height) && f.width == int64(width)
	w := window{rows: int(f.height), cols: int(f.width)}
	switch {
	case v.preset != nil && own:
	case v.letterbox:
		ratio := min(float64(f.height)/float64(height), float64(f.width)/float64(width))
		w.rows = max(int(float64(height)*ratio+0.5), 1)
		w.cols = max(int(float64(width)*ratio+0.5), 1)
	case v.short > 0 && height <= width:
		w.rows, w.cols = v.short, int(int64(v.short)*int64(width)/int64(height))
	case v.short > 0:
		w.rows, w.cols = int(int64(v.short)*int64(height)/int64(width)), v.short
	case v.toRows > 0:
		w.rows, w.cols = v.toRows, v.toCols
	case v.cropRows > 0:
		w.rows, w.cols = height, width
	}
	w.height, w.width = w.rows, w.cols
	if v.cropRows > 0 {
		w.height, w.width = v.cropRows, v.cropCols
	}
	if w.rows < w.height || w.cols < w.width {
		return w, fmt.Errorf("of %dx%d pixels is %dx%d after resizing, less than the crop of %dx%d", height, width, w.rows, w.cols, w.height, w.width)
	}
	w.y, w.x = centred(w.rows-w.height), centred(w.cols-w.width)
	return w, frame{height: int64(w.height), width: int64(w.width)}.bounded()
}

// framed is the frame of what a window shows.
func (v *view) framed(w window) frame {
	f := v.frame
	if !v.letterbox || f.height < 0 || f.width < 0 {
		f.height, f.width = int64(w.height), int64(w.width)
	}
	return f
}

// filled is the frame of samples of a shape as the input has it, where that is
// one of pictures.
func (v *view) filled(shape []int64) (frame, bool) {
	f := v.frame
	switch {
	case len(shape) != len(f.shape()):
		return f, false
	case f.layout == planar:
		f.channels, f.height, f.width = shape[0], shape[1], shape[2]
	case f.layout == interleaved:
		f.channels, f.height, f.width = shape[2], shape[0], shape[1]
	default:
		f.height, f.width = shape[0], shape[1]
	}
	return f, f.channels == 1 || f.channels == 3
}

// centred is half of a margin, rounded to the even of two numbers that are as
// near.
func centred(margin int) int {
	half := margin / 2
	if margin%2 == 1 && half%2 == 1 {
		half++
	}
	return half
}

// surround is the grey around a picture in a letterbox.
const surround = 114

// append adds what is to be seen of a picture, in the input's layout.
func (v *view) append(dst []byte, r raster) ([]byte, frame, error) {
	w, err := v.window(r.height, r.width)
	if err != nil {
		return dst, frame{}, err
	}
	r = r.resampled(w, bilinear)
	if v.letterbox {
		f := v.sized(int64(r.height), int64(r.width))
		if int(f.height) != r.height || int(f.width) != r.width {
			r = r.padded(int(f.height), int(f.width), surround)
		}
	}
	if v.grey {
		r = r.grey()
	}
	f := v.frame
	f.height, f.width = int64(r.height), int64(r.width)
	return r.append(dst, f, v.swap), f, nil
}
