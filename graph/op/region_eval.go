package op

import (
	"errors"
	"slices"

	"onnxcompress/graph/tensor"
)

// forwardCenterCropPad copies what lies in the middle; an odd element more is
// cut or padded behind.
func forwardCenterCropPad(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	_, facts, err := settled(n, in, inferCenterCropPad)
	if err != nil {
		return nil, err
	}
	shape, out := in[0].Shape, facts[0].Shape
	tables, steps := make([][]int64, len(shape)), strides(shape)
	for axis, size := range shape {
		from := (size - out[axis]) / 2 // cut before; negative where it is padded
		table := line(out[axis], from, 1)
		for i, at := range table {
			if at < 0 || at >= size {
				table[i] = -1
			} else {
				table[i] = at * steps[axis]
			}
		}
		tables[axis] = table
	}
	t, err := pick(in[0], out, tables, nil)
	return []*tensor.Tensor{t}, err
}

// forwardCol2Im adds up the blocks that a kernel would see, each at its place.
func forwardCol2Im(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	seen, facts, err := settled(n, in, inferCol2Im)
	if err != nil {
		return nil, err
	}
	out := facts[0].Shape
	block, _ := seen.In[2].Ints()
	if len(block) != len(out)-2 || len(block) == 0 {
		return nil, errors.New("block_shape does not fit the image")
	}
	w, err := windowsOf(seen, out[2:], block)
	if err != nil {
		return nil, err
	}
	places, err := w.counts(out[2:])
	if err != nil {
		return nil, err
	}
	if !slices.Equal(in[0].Shape[2:], []int64{product(places)}) {
		return nil, errors.New("there are not as many blocks as the image has places for")
	}
	s, err := newSweep(&w, out[2:], places)
	if err != nil {
		return nil, err
	}
	x, err := reals(in[0])
	if err != nil {
		return nil, err
	}
	y := make([]float64, product(out))
	for i := range int(out[0] * out[1]) {
		s.scatter(x[i*s.taps*s.places:][:s.taps*s.places], y[i*s.data:][:s.data])
	}
	return result(&facts[0], y)
}

// scatter adds to the data what every place has for each of the taps: blocks
// are [taps, places].
func (s *sweep) scatter(blocks, data []float64) {
	for _, r := range s.rows {
		for k, p := range s.spans {
			places := blocks[(r.tap+k)*s.places:][r.place+p.first : r.place+p.end]
			s.row(places, data, r.data+p.from, 1)
		}
	}
}
