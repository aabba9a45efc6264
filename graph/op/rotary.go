package op

import (
	"errors"
	"slices"

	"onnxcompress/graph/tensor"
)

// rotation turns pairs of dimensions by the angle of a position.
type rotation struct {
	cos, sin []float64
	// half is the number of pairs, apart how far the two of a pair lie, next
	// how far one pair is from another.
	half, apart, next int
}

func forwardRotary(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	h, err := headsOf(given(n, in), 0, "num_heads")
	if err != nil {
		return nil, err
	}
	part := n.Attrs.Int("rotary_embedding_dim", 0)
	if part == 0 {
		part = h.size
	}
	if part < 0 || part > h.size || part%2 != 0 {
		return nil, errors.New("the dimensions that turn do not pair up")
	}
	r := &rotation{half: int(part / 2), apart: int(part / 2), next: 1}
	if n.Attrs.Int("interleaved", 0) != 0 {
		r.apart, r.next = 1, 2
	}
	shape := in[0].Shape
	positions, err := r.read(in, shape[0], shape[h.length()])
	if err != nil {
		return nil, err
	}
	x, err := reals(in[0])
	if err != nil {
		return nil, err
	}
	batch, steps, count, size := int(shape[0]), int(shape[h.length()]), int(h.count), int(h.size)
	for row := range batch * steps * count {
		s := row % steps
		if h.packed {
			s = row / count % steps
		}
		r.turn(x[row*size:][:size], int(positions[row/(count*steps)*steps+s]))
	}
	return result(&Fact{DType: in[0].DType, Shape: shape}, x)
}

// read takes the tables of cosines and sines, and gives the row of them for
// every step of every sample.
func (r *rotation) read(in []*tensor.Tensor, batch, steps int64) ([]int64, error) {
	var err error
	if r.cos, err = reals(in[1]); err != nil {
		return nil, err
	}
	if r.sin, err = reals(in[2]); err != nil {
		return nil, err
	}
	table := in[1].Shape
	if !slices.Equal(table, in[2].Shape) || len(table) < 2 || table[len(table)-1] != int64(r.half) {
		return nil, errors.New("the tables do not fit the dimensions that turn")
	}
	rows := product(table[:len(table)-1])
	positions := line(batch*steps, 0, 1)
	if t := operand(in, 3); t != nil {
		positions = t.AsInt64s()
	}
	if int64(len(positions)) != batch*steps {
		return nil, errors.New("the positions do not fit the steps")
	}
	for _, p := range positions {
		if p < 0 || p >= rows {
			return nil, errors.New("a position is not in the tables")
		}
	}
	return positions, nil
}

func (r *rotation) turn(x []float64, position int) {
	cos, sin := r.cos[position*r.half:][:r.half], r.sin[position*r.half:][:r.half]
	for k := range r.half {
		i, j := k*r.next, k*r.next+r.apart
		x[i], x[j] = cos[k]*x[i]-sin[k]*x[j], sin[k]*x[i]+cos[k]*x[j]
	}
}
