package dataset

import (
	"fmt"
	"slices"

	"onnxcompress/graph/tensor"
)

// column feeds one input from an array.
type column struct {
	port Port
	data *block
	fit
	encoder
	frame frame // of the input's samples, zero where they are no pictures
}

// fit is how a sample of an array becomes one of a port: reshaped alone, its
// elements taken in another order, or as a picture of another size or colour.
type fit struct {
	shaped  []int64
	order   []int
	picture *frame // of the array's samples
	view    view
}

func newColumn(p Port, t *block, o Options) (column, error) {
	c := column{port: p, data: t}
	if len(p.Shape) == 0 {
		return c, fmt.Errorf("input %v has no dimension to count samples", p)
	}
	var ok bool
	var err error
	if c.fit, ok, err = o.fitSample(t.Tensor, p); err != nil {
		return c, err
	}
	if !ok {
		return c, fmt.Errorf("samples of shape %v and type %v do not fit input %v", t.Shape[1:], t.DType, p)
	}
	f, ok := o.frameOf(p)
	switch f.layout {
	case planar:
		f.channels, f.height, f.width = c.shaped[0], c.shaped[1], c.shaped[2]
	case interleaved:
		f.channels, f.height, f.width = c.shaped[2], c.shaped[0], c.shaped[1]
	}
	if ok && f.layout != grey {
		c.frame = f
	}
	scale, err := pixelScale(t, p, o)
	if err != nil {
		return c, err
	}
	c.encoder, err = newEncoder(p, o, f, scale)
	return c, err
}

// fitSample finds the one way in which samples of t fit a port, if any: as they
// are, with axes of size 1 added or dropped, flattened, with the channels moved
// first or last, or, for 8-bit pixels, as pictures.
func (o *Options) fitSample(t *tensor.Tensor, p Port) (fit, bool, error) {
	from := t.Shape[1:]
	f, fits := fitAsIs(from, p.Shape[1:])
	v, ok, err := o.view(p)
	switch {
	case err != nil || !ok:
		return f, fits, err
	case t.DType != tensor.Uint8:
		if o.geometry.isSet() || o.Color != "" {
			err = fmt.Errorf("input %v: resize, crop and color are for pictures of bytes, and the samples are %v%v", p, t.DType, from)
		}
		return f, fits, err
	}
	picture, known := pictureOf(from)
	if fits {
		own, ok := v.filled(f.shaped)
		switch {
		case ok && v.keeps(own), !ok && !known:
			return f, true, nil
		case !known:
			// Flattened, or with channels that do not tell themselves apart.
			picture, known = own, f.order == nil
		}
	}
	if !known || picture.bounded() != nil {
		return f, false, nil
	}
	w, err := v.window(int(picture.height), int(picture.width))
	if err != nil {
		return f, true, fmt.Errorf("input %v: a picture %w", p, err)
	}
	target := v.framed(w)
	return fit{shaped: target.shape(), picture: &picture, view: v}, target.bounded() == nil, nil
}

// fitAsIs finds how elements alone fill a shape.
func fitAsIs(from, to []int64) (fit, bool) {
	if matches(from, to) {
		return fit{shaped: from}, true
	}
	if shape, ok := reshape(from, to); ok {
		return fit{shaped: shape}, true
	}
	if len(from) == 3 && len(to) == 3 {
		h, w, c := from[0], from[1], from[2]
		if s := []int64{c, h, w}; matches(s, to) {
			return fit{shaped: s, order: transposed(int(h*w), int(c))}, true
		}
		c, h, w = from[0], from[1], from[2]
		if s := []int64{h, w, c}; matches(s, to) {
			return fit{shaped: s, order: transposed(int(c), int(h*w))}, true
		}
	}
	return fit{}, false
}

// reshape is the port's shape with the free dimensions known, where the same
// elements in the same order fill it.
func reshape(from, to []int64) ([]int64, bool) {
	isOne := func(d int64) bool { return d == 1 }
	rest := slices.DeleteFunc(slices.Clone(from), isOne)
	wide := slices.DeleteFunc(slices.Clone(to), isOne)
	if matches(rest, wide) {
		shape := slices.Clone(to)
		for a, d := range to {
			if d != 1 {
				shape[a], rest = rest[0], rest[1:]
			}
		}
		return shape, true
	}
	n, err := tensor.Count(to)
	have, _ := tensor.Count(from)
	return to, err == nil && n == have && (len(rest) == 1 || len(wide) == 1)
}

// transposed is where the elements of a transposed matrix of rows by cols lie.
func transposed(rows, cols int) []int {
	order := make([]int, 0, rows*cols)
	for c := range cols {
		for r := range rows {
			order = append(order, r*cols+c)
		}
	}
	return order
}

// pixelScale is the number that stands for 1 in an array. Bytes that a float
// input receives are pixels, and so are wider integers where the input has the
// shape of an image, they exceed 1 and a pixel's range holds them all; the rest
// are plain numbers.
func pixelScale(b *block, p Port, o Options) (float64, error) {
	switch {
	case !o.normalises(p) || !b.DType.IsInt():
		return 1, nil
	case b.DType == tensor.Uint8:
		return 255, nil
	case !o.isImageInput(p):
		return 1, nil
	}
	low, top, err := b.limits()
	switch {
	case err != nil || low < 0 || top <= 1:
		return 1, err
	case top <= 255:
		return 255, nil
	case b.DType == tensor.Uint16:
		return 65535, nil
	}
	return 1, nil
}

func (c *column) input() Port           { return c.port }
func (c *column) rawType() tensor.DType { return c.data.DType }
func (c *column) dear() bool            { return c.picture != nil }
func (c *column) shape(frame) []int64   { return c.shaped }
func (c *column) name(i int) string     { return fmt.Sprintf("sample %d", i) }

func (c *column) raw(i int, s *scratch) ([]byte, frame, error) {
	s.read = slices.Grow(s.read[:0], c.data.stride())
	data, err := c.data.sample(i, s.read[:c.data.stride()])
	switch {
	case err != nil:
		return nil, c.frame, fmt.Errorf("input %s: %w", c.port.Name, err)
	case c.picture != nil:
		s.moved, _, err = c.view.append(s.moved[:0], rasterOfSample(*c.picture, data))
		return s.moved, c.frame, err
	case c.order == nil:
		return data, c.frame, nil
	}
	size := c.data.DType.Size()
	s.moved = s.moved[:0]
	for _, at := range c.order {
		s.moved = append(s.moved, data[at*size:(at+1)*size]...)
	}
	return s.moved, c.frame, nil
}

func (c *column) encode(dst, raw []byte) ([]byte, error) {
	dt := c.data.DType
	switch {
	case dt == c.port.DType && c.plain():
		return append(dst, raw...), nil
	case dt == tensor.Uint8:
		return c.appendBytes(dst, raw)
	}
	row := tensor.Tensor{DType: dt, Shape: []int64{int64(len(raw) / dt.Size())}, Data: raw}
	return c.append(dst, row.AsFloat64s())
}
