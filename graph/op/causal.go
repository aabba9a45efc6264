package op

import (
	"errors"
	"fmt"
	"slices"

	"onnxcompress/graph/tensor"
)

// forwardTensorScatter writes steps into a cache, from a position of each
// sample on.
func forwardTensorScatter(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if _, _, err := settled(n, in, inferTensorScatter); err != nil {
		return nil, err
	}
	cache, update := in[0], in[1]
	axis, err := Axis(n.Attrs.Int("axis", -2), cache.Rank())
	if err != nil {
		return nil, err
	}
	want := slices.Clone(cache.Shape)
	want[axis] = update.Shape[axis]
	size := cache.DType.Size()
	if axis == 0 || cache.DType != update.DType || size == 0 || !slices.Equal(want, update.Shape) {
		return nil, errors.New("the update does not fit what it is written to")
	}
	starts := make([]int64, cache.Shape[0])
	if at := operand(in, 2); at != nil {
		if starts = at.AsInt64s(); int64(len(starts)) != cache.Shape[0] {
			return nil, errors.New("there is not a position for every sample")
		}
	}
	most, steps := cache.Shape[axis], update.Shape[axis]
	circular := n.Attrs.Str("mode", "linear") == "circular"
	for _, s := range starts {
		if s < 0 || steps > most || !circular && s > most-steps {
			return nil, fmt.Errorf("%d steps do not fit behind %d of %d", steps, s, most)
		}
	}
	out := cache.Clone()
	rows, run := product(cache.Shape[:axis]), product(cache.Shape[axis+1:])*int64(size)
	for row := range rows {
		start := starts[row/(rows/cache.Shape[0])]
		for s := range steps {
			to := (row*most + (start%most+s)%most) * run
			copy(out.Data[to:to+run], update.Data[(row*steps+s)*run:])
		}
	}
	return []*tensor.Tensor{out}, nil
}

// forwardCausalConv slides each channel's kernel over what came before and the
// input, and gives the end of both as the state.
func forwardCausalConv(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	_, facts, err := settled(n, in, inferCausalConv)
	if err != nil {
		return nil, err
	}
	lists, err := allReals(in)
	if err != nil {
		return nil, err
	}
	x, bias, past := lists[0], operand(lists, 2), operand(lists, 3)
	shape, state := facts[0].Shape, facts[1].Shape
	if in[1].Shape[1] != 1 {
		return nil, errors.New("the weight is not one kernel for each channel")
	}
	if err := holds(bias, shape[1], "the bias"); err != nil {
		return nil, err
	}
	if past := operand(in, 3); past != nil && !slices.Equal(past.Shape, state) {
		return nil, fmt.Errorf("the state has shape %v and not %v", past.Shape, state)
	}
	activate := func(x float64) float64 { return x }
	switch name := n.Attrs.Str("activation", "none"); name {
	case "none", "":
	case "silu", "swish":
		activate = func(x float64) float64 { return x * sigmoid(x) }
	default:
		return nil, fmt.Errorf("activation %q is not known", name)
	}
	length, before := int(shape[2]), int(state[2])
	y, last := make([]float64, 0, len(x)), make([]float64, 0, product(state))
	line := make([]float64, before+length)
	for row := range int(shape[0] * shape[1]) {
		c := row % int(shape[1])
		clear(line[:before])
		if past != nil {
			copy(line, past[row*before:][:before])
		}
		copy(line[before:], x[row*length:][:length])
		for t := range length {
			sum := 0.0
			if bias != nil {
				sum = bias[c]
			}
			for k, w := range lists[1][c*(before+1):][:before+1] {
				sum += w * line[t+k]
			}
			y = append(y, activate(sum))
		}
		last = append(last, line[length:]...)
	}
	return results(facts, [][]float64{y, last})
}
