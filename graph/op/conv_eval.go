package op

import (
	"errors"

	"onnxcompress/graph/tensor"
)

// convolution is a node with the numbers of its inputs.
type convolution struct {
	x, w, y []float64
	// batch, in and out count samples and the channels of a group.
	batch, groups, in, out int
	*sweep
}

func forwardConv(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	seen, facts, err := settled(n, in, inferConv)
	if err != nil {
		return nil, err
	}
	shape, w := in[0].Shape, in[1].Shape
	win, err := windowsOf(seen, shape[2:], w[2:])
	if err != nil {
		return nil, err
	}
	s, err := newSweep(&win, shape[2:], facts[0].Shape[2:])
	if err != nil {
		return nil, err
	}
	c, err := newConvolution(n, in, s, facts[0].Shape)
	if err != nil {
		return nil, err
	}
	c.in, c.out = int(w[1]), int(w[0])/c.groups
	c.gatherAll()
	return result(&facts[0], c.y)
}

// newConvolution reads the inputs and fills the output with the bias.
func newConvolution(n *Node, in []*tensor.Tensor, s *sweep, out []int64) (*convolution, error) {
	lists, err := allReals(in)
	if err != nil {
		return nil, err
	}
	bias := operand(lists, 2)
	if err := holds(bias, out[1], "the bias"); err != nil {
		return nil, err
	}
	return &convolution{
		x: lists[0], w: lists[1], y: biased(out, bias), batch: int(out[0]), groups: int(n.Attrs.Int("group", 1)), sweep: s,
	}, nil
}

// biased is a tensor of [batch, channels, ...] that holds each channel's bias.
func biased(shape []int64, bias []float64) []float64 {
	y := make([]float64, product(shape))
	if bias == nil || len(y) == 0 {
		return y
	}
	plane := len(y) / int(shape[0]*shape[1])
	for at := range y {
		y[at] = bias[at/plane%len(bias)]
	}
	return y
}

// gatherAll: the kernel is [groups·out, in, taps].
func (c *convolution) gatherAll() {
	for b := range c.batch {
		for m := range c.groups * c.out {
			y := c.y[(b*c.groups*c.out+m)*c.places:][:c.places]
			for i := range c.in {
				x := c.x[((b*c.groups+m/c.out)*c.in+i)*c.data:][:c.data]
				c.gather(y, x, c.w[(m*c.in+i)*c.taps:][:c.taps])
			}
		}
	}
}

// spreadAll: the kernel is [groups·in, out, taps].
func (c *convolution) spreadAll() {
	for b := range c.batch {
		for i := range c.groups * c.in {
			x := c.x[(b*c.groups*c.in+i)*c.places:][:c.places]
			for m := range c.out {
				y := c.y[((b*c.groups+i/c.in)*c.out+m)*c.data:][:c.data]
				c.spread(x, y, c.w[(i*c.out+m)*c.taps:][:c.taps])
			}
		}
	}
}

func forwardConvTranspose(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	seen, facts, err := settled(n, in, inferConvTranspose)
	if err != nil {
		return nil, err
	}
	shape, w, out := in[0].Shape, in[1].Shape, facts[0].Shape
	win, err := windowsOf(seen, shape[2:], w[2:])
	if err != nil {
		return nil, err
	}
	if err := win.transpose(n, shape[2:], out[2:]); err != nil {
		return nil, err
	}
	s, err := newSweep(&win, out[2:], shape[2:])
	if err != nil {
		return nil, err
	}
	c, err := newConvolution(n, in, s, out)
	if err != nil {
		return nil, err
	}
	c.in, c.out = int(w[0])/c.groups, int(w[1])
	c.spreadAll()
	return result(&facts[0], c.y)
}

// transpose sets the padding that makes the given output of a transposed
// convolution, where that is not given by pads.
func (w *windows) transpose(n *Node, in, out []int64) error {
	wanted := len(n.Attrs.Ints("output_shape")) >= len(in)
	if !wanted && w.auto != "SAME_UPPER" && w.auto != "SAME_LOWER" {
		return nil
	}
	more := n.Attrs.Ints("output_padding")
	if more != nil && len(more) != len(in) {
		return errors.New("output_padding does not fit the spatial axes")
	}
	for i, size := range in {
		total := w.strides[i]*(size-1) + w.reach(i) - out[i]
		if more != nil {
			total += more[i]
		}
		total = max(total, 0)
		w.before[i] = total - total/2
		if w.auto == "SAME_UPPER" {
			w.before[i] = total / 2
		}
	}
	return nil
}
