package dataset

import (
	"errors"
	"fmt"
	"iter"
	"strings"

	"onnxcompress/graph/tensor"
)

// PairOptions say how pictures become pairs of a small and a large one, which a
// model that enlarges pictures learns from.
type PairOptions struct {
	// Input is the model's: [N,C,H,W] or [N,H,W,C] of floats with 1 or 3
	// channels. One channel is the grey of pictures.
	Input Port
	// Scale is how many times as high and wide the large pictures are, 2 to 16.
	Scale int
	// Crop is the side of the small pictures of a training; 0 for the input's
	// own sizes, or 48 where it has none.
	Crop int
	// PerImage is how many crops an epoch takes of every picture, 0 for 16.
	PerImage int
	// Turn mirrors and turns crops at random, in all eight ways there are.
	Turn bool
	// Batch, Seed, Workers, Prefetch and Cache are as in LoaderOptions. What is
	// left of an epoch and no full batch is left out.
	Batch             int
	Seed              int64
	Workers, Prefetch int
	Cache             int64
}

// Pairs are the pictures of a set and reductions of them: Batch.Targets is a
// picture, and the input what bicubic resampling makes of it at a Scale-th of
// its size, both in [0,1] and in the layout of the input. A picture is cut at the
// right and below to multiples of the scale and reduced as a whole, so that crops
// have no edges of their own.
//
// Loader goes through random crops, in batches whose Index numbers the pictures;
// they follow from the seed, the epoch and the step alone. All and Whole give whole
// pictures.
type Pairs struct {
	*Loader
	set           *Set
	feeder        feeder
	kept          *pictureCache
	frame         frame // of the input
	small, large  encoder
	o             PairOptions
	height, width int // of crops of the input
}

const (
	usualCrop     = 48
	usualPerImage = 16
	mostEnlarged  = 16
)

// NewPairs opens the pictures at path, which Open reads. The caller closes the
// pairs.
func NewPairs(path string, o PairOptions) (*Pairs, error) {
	p := &Pairs{o: o}
	if err := p.settle(); err != nil {
		return nil, err
	}
	pixels := Port{p.o.Input.Name, tensor.Uint8, []int64{-1, -1, -1, p.frame.channels}}
	set, err := Open(path, Options{Inputs: []Port{pixels}, Preprocessing: Preprocessing{Layout: "nhwc"}})
	if err != nil {
		return nil, err
	}
	p.set = set
	if err := p.begin(); err != nil {
		_ = set.Close() // what is wrong with its content is what counts
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// settle fills in what is left open and refuses what makes no sense.
func (p *Pairs) settle() error {
	o := &p.o
	of := Options{Inputs: []Port{o.Input}}
	var ok bool
	if p.frame, ok = of.frameOf(o.Input); !ok || p.frame.layout == grey || !o.Input.DType.IsFloat() {
		return fmt.Errorf("input %v takes no pictures of floats: want [N,C,H,W] or [N,H,W,C] of 1 or 3 channels", o.Input)
	}
	if o.Scale < 2 || o.Scale > mostEnlarged {
		return fmt.Errorf("scale %d: want 2 to %d", o.Scale, mostEnlarged)
	}
	if o.PerImage < 0 || o.Crop < 0 || o.Crop > maxSide/o.Scale {
		return fmt.Errorf("%d crops of %d pixels: want 0 to %d", o.PerImage, o.Crop, maxSide/o.Scale)
	}
	if o.PerImage == 0 {
		o.PerImage = usualPerImage
	}
	side := int64(usualCrop)
	if o.Crop > 0 {
		side = int64(o.Crop)
	}
	f := p.frame.sized(side, side)
	if o.Crop > 0 && (f.height != side || f.width != side) {
		return fmt.Errorf("crop %d: input %v takes %dx%d", o.Crop, o.Input, f.height, f.width)
	}
	p.height, p.width = int(f.height), int(f.width)
	var err error
	if p.small, err = newEncoder(o.Input, of, p.frame, 255); err != nil {
		return err
	}
	target := o.Input
	target.DType = tensor.Float32
	p.large, err = newEncoder(target, Options{Inputs: []Port{target}}, p.frame, 255)
	return err
}

// begin finds the pictures of the set.
func (p *Pairs) begin() error {
	feeders := p.set.source.feeders()
	if len(feeders) != 1 || feeders[0].rawType() != tensor.Uint8 {
		return errors.New("holds no pictures of bytes")
	}
	p.feeder = feeders[0]
	if _, ok := picturesOf(p.feeder); !ok {
		return errors.New("holds no pictures of bytes")
	}
	if p.o.Cache >= 0 && p.feeder.dear() {
		p.kept = newPictureCache(p.set.Len(), p.set.Len(), p.o.Cache)
	}
	var err error
	p.Loader, err = newLoader(p.set.Len()*p.o.PerImage, LoaderOptions{
		Batch: p.o.Batch, Seed: p.o.Seed, Workers: p.o.Workers, Prefetch: p.o.Prefetch, DropLast: true,
	}, p.fill, p.slot)
	if err != nil {
		return err
	}
	words := []string{"crop"}
	if p.o.Turn {
		words = append(words, "turn")
	}
	p.augment = strings.Join(words, ",")
	return nil
}

// Len is the number of pictures.
func (p *Pairs) Len() int { return p.set.Len() }

// Close ends the loader and closes the set.
func (p *Pairs) Close() error {
	return errors.Join(p.Loader.Close(), p.set.Close())
}

// Whole is picture i and its reduction, a batch of one that the caller owns. An
// input with sizes of its own takes no pictures of others.
func (p *Pairs) Whole(i int) (Batch, error) {
	if i < 0 || i >= p.Len() {
		return Batch{}, fmt.Errorf("picture %d of %d", i, p.Len())
	}
	s := p.slot()
	r, err := p.picture(&worker{parts: make([]scratch, 1)}, i)
	if err != nil {
		return Batch{}, err
	}
	h, w := r.height/p.o.Scale, r.width/p.o.Scale
	if f := p.frame.sized(int64(h), int64(w)); f.height != int64(h) || f.width != int64(w) {
		return Batch{}, fmt.Errorf("%s is %dx%d once reduced by %d: input %v takes %dx%d", p.feeder.name(i), h, w, p.o.Scale, p.o.Input, f.height, f.width)
	}
	s.index = []int{i}
	if err := p.add(&worker{}, s, r, window{h, w, 0, 0, h, w}, 0); err != nil {
		return Batch{}, err
	}
	p.finish(s, h, w)
	return s.batch, nil
}

// All goes through the whole pictures in the order of the set, one by one. It
// ends after the first error.
func (p *Pairs) All() iter.Seq2[Batch, error] {
	return func(yield func(Batch, error) bool) {
		for i := range p.Len() {
			b, err := p.Whole(i)
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}

func (p *Pairs) slot() *slot {
	s := &slot{batch: Batch{Inputs: map[string]*tensor.Tensor{}, Targets: &tensor.Tensor{DType: tensor.Float32}}}
	s.batch.Inputs[p.o.Input.Name] = &tensor.Tensor{DType: p.o.Input.DType}
	return s
}

// picture is one of the set, cut to multiples of the scale.
func (p *Pairs) picture(w *worker, i int) (raster, error) {
	raw, f, err := p.kept.raw(p.feeder, p.set.index[i], &w.parts[0])
	if err != nil {
		return raster{}, fmt.Errorf("%s: %w", p.set.path, err)
	}
	r := raster{raw, int(f.height), int(f.width), int(f.channels)}
	h, v := r.height-r.height%p.o.Scale, r.width-r.width%p.o.Scale
	if h == 0 || v == 0 {
		return r, fmt.Errorf("%s: %s is %dx%d: less than the scale of %d", p.set.path, p.feeder.name(i), f.height, f.width, p.o.Scale)
	}
	return r.cropped(window{r.height, r.width, 0, 0, h, v}), nil
}

// fill makes the batch of crops that a slot asks for.
func (p *Pairs) fill(w *worker, s *slot) error {
	if w.parts == nil {
		w.parts = make([]scratch, 1)
	}
	in := s.batch.Inputs[p.o.Input.Name]
	in.Data, s.batch.Targets.Data = in.Data[:0], s.batch.Targets.Data[:0]
	for k, sample := range s.index {
		i := sample / p.o.PerImage
		r, err := p.picture(w, i)
		if err != nil {
			return err
		}
		rows, cols := r.height/p.o.Scale, r.width/p.o.Scale
		if rows < p.height || cols < p.width {
			return fmt.Errorf("%s: %s is %dx%d once reduced by %d: less than the crop of %dx%d", p.set.path, p.feeder.name(i), rows, cols, p.o.Scale, p.height, p.width)
		}
		bits := mixed(p.seed, uint64(s.epoch), uint64(sample))
		at := window{
			rows: rows, cols: cols, height: p.height, width: p.width,
			y: int(bits >> 8 & (1<<28 - 1) * uint64(rows-p.height+1) >> 28),
			x: int(bits >> 36 * uint64(cols-p.width+1) >> 28),
		}
		if err := p.add(w, s, r, at, int(bits&7)); err != nil {
			return err
		}
		s.index[k] = i
	}
	p.finish(s, p.height, p.width)
	return nil
}

// add appends what a window shows of a reduced picture, and the same of the
// picture itself.
func (p *Pairs) add(w *worker, s *slot, r raster, at window, turn int) error {
	n := p.o.Scale
	small := r.resampled(at, bicubic)
	large := r.cropped(window{r.height, r.width, n * at.y, n * at.x, n * at.height, n * at.width})
	if p.o.Turn {
		small, large = small.turned(turn), large.turned(turn)
	}
	in := s.batch.Inputs[p.o.Input.Name]
	for _, part := range []struct {
		raster
		to *tensor.Tensor
		e  *encoder
	}{{small, in, &p.small}, {large, s.batch.Targets, &p.large}} {
		w.moved = part.append(w.moved[:0], p.frame, false)
		var err error
		if part.to.Data, err = part.e.appendBytes(part.to.Data, w.moved); err != nil {
			return err
		}
	}
	return nil
}

// finish sets what a batch says of itself.
func (p *Pairs) finish(s *slot, height, width int) {
	shape := func(scale int) []int64 {
		f := p.frame
		f.height, f.width = int64(scale*height), int64(scale*width)
		return append([]int64{int64(len(s.index))}, f.shape()...)
	}
	s.batch.Index = s.index
	s.batch.Inputs[p.o.Input.Name].Shape, s.batch.Targets.Shape = shape(1), shape(p.o.Scale)
}
