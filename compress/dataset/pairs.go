package dataset

import (
	"errors"
	"fmt"

	"onnxcompress/graph/tensor"
)

// pairs are pictures and reductions of them, which a model that enlarges pictures
// learns from: the target is a picture, and the input what bicubic resampling makes
// of it at a scale-th of its size. A picture is cut at the right and below to
// multiples of the scale and reduced as a whole, so that crops have no edges of
// their own.
type pairs struct {
	pictures feeder // of bytes, of any size
	count    int
	kept     *pictureCache
	port     Port
	frame    frame // of the input
	scale    int
	// height and width are those of crops of the input, 0 for whole pictures.
	height, width int
	seed          uint64
	swap          bool
	small, large  encoder
	judge         truth
}

const (
	usualCrop    = 48
	mostEnlarged = 16
)

// enlarged opens the pictures at a path as pairs, after which what the opener holds
// of them otherwise is given up.
func (o *opener) enlarged(path string, wanted *format) (*Set, error) {
	f, _ := o.frameOf(o.Inputs[0])
	inner := &opener{bad: &bad{skip: o.SkipBad, at: map[int]bool{}}, Options: Options{
		Inputs:        []Port{{o.Inputs[0].Name, tensor.Uint8, []int64{-1, -1, -1, f.channels}}},
		Preprocessing: Preprocessing{Layout: "nhwc"}, Split: o.Split, Seed: o.Seed, SkipBad: o.SkipBad,
	}}
	set, err := inner.set(path, wanted)
	if err == nil {
		set.source, err = o.paired(set)
	}
	if err == nil {
		err = o.close()
	}
	if err != nil {
		_ = inner.close() // why nothing was opened is what counts
		return nil, err
	}
	return set, nil
}

// paired makes pairs of the pictures of a set.
func (o *opener) paired(pictures *Set) (*pairs, error) {
	p := &pairs{
		pictures: pictures.source.feeders()[0], count: pictures.source.size(), port: o.Inputs[0], scale: o.Enlarge,
		seed: uint64(o.Seed), swap: o.Color == "bgr", judge: truth{from: "its pictures"},
	}
	if o.geometry.short+o.geometry.toRows > 0 || o.geometry.letterbox && o.geometry.preset == nil {
		return nil, errors.New("resize: pictures that a model is to give are not resized")
	}
	p.frame, _ = o.frameOf(p.port)
	if o.Split == Train || p.frame.height > 0 || p.frame.width > 0 {
		if err := p.crop(o.geometry); err != nil {
			return nil, err
		}
	}
	var err error
	if p.small, err = newEncoder(p.port, o.Options, p.frame, 255); err != nil {
		return nil, err
	}
	target := Options{Inputs: []Port{{p.port.Name, tensor.Float32, p.port.Shape}}}
	target.Scale = o.Scale
	if p.large, err = newEncoder(target.Inputs[0], target, p.frame, 255); err != nil {
		return nil, err
	}
	if p.pictures.dear() {
		p.kept = newPictureCache(p.count, p.count, 0)
	}
	return p, nil
}

// crop settles the size of crops: the input's own, else what is asked for.
func (p *pairs) crop(g geometry) error {
	height, width := int64(usualCrop), int64(usualCrop)
	if g.preset == nil && g.cropRows > 0 {
		height, width = int64(g.cropRows), int64(g.cropCols)
	}
	f := p.frame.sized(height, width)
	p.height, p.width = int(f.height), int(f.width)
	return frame{height: f.height * int64(p.scale), width: f.width * int64(p.scale)}.bounded()
}

// pairable reports whether a model whose only input this is may learn from pictures
// alone to enlarge them.
func (o *Options) pairable() bool {
	f, ok := o.frameOf(o.Inputs[0])
	return ok && o.Enlarge > 1 && o.Enlarge <= mostEnlarged && len(o.Inputs) == 1 && f.layout != grey && o.Inputs[0].DType.IsFloat()
}

// ofBytes reports whether a set is pictures of bytes without targets of their own.
func ofBytes(s *Set) bool {
	feeders := s.source.feeders()
	if len(feeders) != 1 || s.Targeted() || feeders[0].rawType() != tensor.Uint8 {
		return false
	}
	_, ok := picturesOf(feeders[0])
	return ok
}

func (p *pairs) size() int         { return p.count }
func (p *pairs) truth() *truth     { return &p.judge }
func (p *pairs) feeders() []feeder { return nil }

// check is an undecodable where a picture is no good or too small.
func (p *pairs) check(i int) error {
	_, _, _, err := p.shown(&scratch{}, i, still)
	return err
}

// batch are crops of pictures, mirrored and turned in one of the eight ways there
// are where the moment says so, or whole pictures of one size.
func (p *pairs) batch(idx []int, m moment) (Batch, error) {
	in, target := &tensor.Tensor{DType: p.port.DType}, &tensor.Tensor{DType: tensor.Float32}
	var s scratch
	for k, i := range idx {
		r, at, how, err := p.shown(&s, i, m)
		if err != nil {
			return Batch{}, err
		}
		small := r.resampled(at, bicubic)
		n := p.scale
		large := r.cropped(window{r.height, r.width, n * at.y, n * at.x, n * at.height, n * at.width})
		if m.turn {
			small, large = small.turned(how), large.turned(how)
		}
		if err := errors.Join(p.add(in, small, &p.small, k, len(idx)), p.add(target, large, &p.large, k, len(idx))); err != nil {
			return Batch{}, fmt.Errorf("%s: %w", p.pictures.name(i), err)
		}
	}
	return Batch{Inputs: map[string]*tensor.Tensor{p.port.Name: in}, Targets: target}, nil
}

// shown is a picture, cut to multiples of the scale, what a moment shows of its
// reduction, and how that is turned.
func (p *pairs) shown(s *scratch, i int, m moment) (r raster, at window, turn int, err error) {
	raw, f, err := p.kept.raw(p.pictures, i, s)
	if err != nil {
		return r, at, 0, err
	}
	r = raster{raw, int(f.height), int(f.width), int(f.channels)}
	h, w := r.height-r.height%p.scale, r.width-r.width%p.scale
	r = r.cropped(window{r.height, r.width, 0, 0, h, w})
	at, turn = p.window(r, i, m)
	if least := max(p.height, 1); at.rows < least || at.cols < max(p.width, 1) {
		err = &undecodable{i, p.pictures.name(i), fmt.Errorf("is %dx%d once reduced by %d: less than the crop of %dx%d", at.rows, at.cols, p.scale, least, max(p.width, 1))}
	}
	return r, at, turn, err
}

// window is what a moment shows of a reduced picture, its middle where all is
// still, and how it is turned.
func (p *pairs) window(r raster, i int, m moment) (at window, turn int) {
	at = window{rows: r.height / p.scale, cols: r.width / p.scale, height: p.height, width: p.width}
	if p.height == 0 {
		at.height, at.width = at.rows, at.cols
	}
	down, right := at.rows-at.height, at.cols-at.width
	if m == still || down < 0 || right < 0 {
		at.y, at.x = down/2, right/2
		return at, 0
	}
	bits := mixed(p.seed, uint64(m.epoch), uint64(i))
	at.y = int(bits >> 8 & (1<<28 - 1) * uint64(down+1) >> 28)
	at.x = int(bits >> 36 * uint64(right+1) >> 28)
	return at, int(bits & 7)
}

// add appends the k-th picture of n to a tensor.
func (p *pairs) add(to *tensor.Tensor, r raster, e *encoder, k, n int) error {
	f := p.frame
	f.height, f.width = int64(r.height), int64(r.width)
	shape := append([]int64{int64(n)}, f.shape()...)
	if k == 0 {
		to.Shape = shape
	}
	for axis, d := range shape {
		if d != to.Shape[axis] {
			return fmt.Errorf("%dx%d, and others of the batch are of another size: whole pictures go one by one", r.height, r.width)
		}
	}
	var err error
	to.Data, err = e.appendBytes(to.Data, r.append(nil, f, p.swap))
	return err
}
