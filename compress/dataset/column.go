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
}

// fit is how a sample of an array becomes one of a port: reshaped alone, its
// elements taken in another order, or as a picture of another size or colour.
type fit struct {
	shape   []int64
	order   []int
	picture *frame // of the array's samples
	target  frame
}

func newColumn(p Port, t *block, o Options) (column, error) {
	c := column{port: p, data: t}
	if len(p.Shape) == 0 {
		return c, fmt.Errorf("input %v has no dimension to count samples", p)
	}
	var ok bool
	if c.fit, ok = fitSample(t.Tensor, p); !ok {
		return c, fmt.Errorf("samples of shape %v and type %v do not fit input %v", t.Shape[1:], t.DType, p)
	}
	f, _ := frameOf(p)
	switch f.layout {
	case planar:
		f.channels = c.shape[0]
	case interleaved:
		f.channels = c.shape[2]
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
// first or last, or, for 8-bit pixels, resized and recoloured.
func fitSample(t *tensor.Tensor, p Port) (fit, bool) {
	from, to := t.Shape[1:], p.Shape[1:]
	if matches(from, to) {
		return fit{shape: from}, true
	}
	if shape, ok := reshape(from, to); ok {
		return fit{shape: shape}, true
	}
	if len(from) == 3 && len(to) == 3 {
		h, w, c := from[0], from[1], from[2]
		if s := []int64{c, h, w}; matches(s, to) {
			return fit{shape: s, order: transposed(int(h*w), int(c))}, true
		}
		c, h, w = from[0], from[1], from[2]
		if s := []int64{h, w, c}; matches(s, to) {
			return fit{shape: s, order: transposed(int(c), int(h*w))}, true
		}
	}
	picture, ok := pictureOf(from)
	target, isPicture := frameOf(p)
	if t.DType != tensor.Uint8 || !ok || !isPicture {
		return fit{}, false
	}
	target = target.sized(picture.height, picture.width)
	if picture.bounded() != nil || target.bounded() != nil {
		return fit{}, false
	}
	return fit{shape: target.shape(), picture: &picture, target: target}, true
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
	case !isImageInput(p):
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

// rows gathers samples into one tensor.
func (c *column) rows(idx []int) (*tensor.Tensor, error) {
	out := &tensor.Tensor{DType: c.port.DType, Shape: append([]int64{int64(len(idx))}, c.shape...)}
	n, err := tensor.Count(out.Shape)
	if err != nil {
		return nil, err
	}
	out.Data = make([]byte, 0, int(n)*out.DType.Size())
	buf := make([]byte, c.data.stride())
	asIs := c.data.DType == c.port.DType && c.order == nil && c.picture == nil && c.plain()
	for _, i := range idx {
		data, err := c.data.sample(i, buf)
		if err != nil {
			return nil, err
		}
		if asIs {
			out.Data = append(out.Data, data...)
			continue
		}
		row := &tensor.Tensor{DType: c.data.DType, Shape: c.data.Shape[1:], Data: data}
		if out.Data, err = c.append(out.Data, c.values(row)); err != nil {
			return nil, fmt.Errorf("sample %d: %w", i, err)
		}
	}
	return out, nil
}

// values are the elements of a sample in the port's order.
func (c *column) values(row *tensor.Tensor) []float64 {
	if c.picture != nil {
		return c.target.values(c.picture.image(row.Data))
	}
	v := row.AsFloat64s()
	if c.order == nil {
		return v
	}
	moved := make([]float64, len(v))
	for i, at := range c.order {
		moved[i] = v[at]
	}
	return moved
}
