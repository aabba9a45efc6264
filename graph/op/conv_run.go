package op

import (
	"slices"

	"onnxcompress/runtime/kernel"
)

// layoutImage is the layout of a node whose first input has channels and
// space, and which works on all channels of a place at once.
func layoutImage(n *Node) (Layout, bool) {
	x, ok := n.Shape(0)
	return Layout{In: []int{0}, Prefers: true}, ok && len(x) >= 3 && len(x) <= 5
}

// space puts up to three spatial sizes where kernels want them: last, with fill
// before.
func space(list []int64, fill int) (out [3]int) {
	for i := range out {
		out[i] = fill
	}
	for i, v := range list {
		out[3-len(list)+i] = int(v)
	}
	return out
}

// convOf is the convolution of data x with weights w by which outputs of shape y
// arise.
func convOf(x, y, w []int64, groups int64, win *windows) (*kernel.Conv, error) {
	return kernel.NewConv(kernel.ConvShape{
		Batch: int(x[0]), In: int(x[1]), Out: int(y[1]), Groups: int(groups),
		Size: space(x[2:], 1), Kernel: space(w[2:], 1), Stride: space(win.strides, 1), Dilation: space(win.dilations, 1),
		Before: space(win.before, 0), After: space(win.after, 0),
	})
}

// convNode reads a node of data, kernel and bias; win is nil where no routine
// serves it.
func convNode(n *Node) (x, w []int64, groups int64, win *windows, err error) {
	if !n.Last || !floats(n, 0, 1) || n.Has(2) && !floats(n, 2) || product(n.Out[0].Shape) == 0 || product(n.In[0].Shape) == 0 {
		return nil, nil, 0, nil, nil
	}
	if x, w, groups, _, err = convShapes(n); err != nil {
		return nil, nil, 0, nil, err
	}
	all, err := windowsOf(n, x[2:], w[2:])
	return x, w, groups, &all, err
}

func compileConv(n *Node) (*Routine, error) {
	x, w, groups, win, err := convNode(n)
	if win == nil || err != nil {
		return nil, err
	}
	c, err := convOf(x, n.Out[0].Shape, w, groups, win)
	if err != nil {
		return nil, err
	}
	var ready *kernel.Prepared
	weights, bias := tailed(n)
	if f := n.In[1]; f.Value != nil {
		ready = c.Prepare(n.Pool, weights)
	}
	e, residual, out := &kernel.Epilogue{}, n.Tail != nil && n.Tail.Residual, int(w[0])
	n.Tail.epilogue(e)
	return &Routine{
		KeepIn: []int{0, 1}, Scratch: c.Scratch(n.Pool), Adds: true,
		Forward: func(f *Frame) {
			if e.Bias = bias; bias == nil && n.Has(2) {
				e.Bias = f.X(2)
			}
			if residual {
				x := f.X(len(f.In) - 1)
				e.Residual = kernel.Dense(x, len(x)/out, out)
			}
			if ready != nil {
				c.ForwardPrepared(f.Pool, f.Y(0), f.X(0), ready, e)
				return
			}
			c.Forward(f.Pool, f.Y(0), f.X(0), f.X(1), e, f.Scratch)
		},
		Backward: func(f *Frame) { convGradients(f, c) },
	}, nil
}

// tailsConv: in inference; a scale goes into constant weights.
func tailsConv(n *Node) TailKind {
	constant := n.In[1] != nil && n.In[1].Value != nil && (!n.Has(2) || n.In[2].Value != nil)
	return TailKind{Affine: constant && !n.Train, Residual: !n.Train, Relu: !n.Train, Act: !n.Train}
}

// tailed are the weights, and the bias where it is not the node's own, with the
// scale and the shift of the tail in them.
func tailed(n *Node) (weights, bias []float32) {
	if n.In[1].Value == nil {
		return nil, nil
	}
	weights = n.In[1].Value.Float32s()
	if n.Tail == nil || n.Tail.Scale == nil {
		return weights, nil
	}
	weights, bias = slices.Clone(weights), slices.Clone(n.Tail.Shift)
	each := len(weights) / len(bias)
	for c, scale := range n.Tail.Scale {
		kernel.MulScalar(weights[c*each:(c+1)*each], weights[c*each:(c+1)*each], scale)
		if n.Has(2) {
			bias[c] += scale * n.In[2].Value.Float32s()[c]
		}
	}
	return weights, bias
}

// convGradients are those of data, weights and bias.
func convGradients(f *Frame, c *kernel.Conv) {
	dy := f.DOut[0].Float32s()
	var dw, db []float32
	if len(f.DIn) > 2 && f.DIn[2] != nil {
		db = f.DIn[2].Float32s()
	}
	switch {
	case f.DIn[1] != nil:
		dw = f.DIn[1].Float32s()
		if db != nil && f.Add[1] != f.Add[2] {
			sumChannels(f, db, dy)
			db = nil
		}
		c.BackwardWeight(f.Pool, dw, db, f.X(0), dy, f.Add[1], f.Scratch)
	case db != nil:
		sumChannels(f, db, dy)
	}
	if f.DIn[0] != nil {
		c.BackwardData(f.Pool, f.DIn[0].Float32s(), dy, f.X(1), f.Add[0], f.Scratch)
	}
}

// sumChannels is the gradient of a bias, input 2.
func sumChannels(f *Frame, db, dy []float32) {
	if !f.Add[2] {
		clear(db)
	}
	kernel.SumRows(db, dy)
}

// compileConvTranspose is the gradient of the data of a convolution from outputs
// to inputs, so that its own gradients are that convolution.
func compileConvTranspose(n *Node) (*Routine, error) {
	x, w, groups, win, err := convNode(n)
	if win == nil || err != nil {
		return nil, err
	}
	y := n.Out[0].Shape
	if err := win.transpose(n, x[2:], y[2:]); err != nil {
		return nil, err
	}
	for i, size := range x[2:] {
		win.after[i] = max(win.strides[i]*(size-1)+win.reach(i)-win.before[i]-y[2+i], 0)
	}
	c, err := convOf(y, x, w, groups, win)
	if err != nil || c.Output() != space(x[2:], 1) {
		return nil, nil // the output is larger than any data reaches
	}
	return &Routine{
		KeepIn: []int{0, 1}, Scratch: c.Scratch(n.Pool),
		Forward: func(f *Frame) {
			c.BackwardData(f.Pool, f.Y(0), f.X(0), f.X(1), false, f.Scratch)
			if len(f.In) > 2 && f.In[2] != nil {
				kernel.BiasRows(f.Y(0), f.Y(0), f.X(2))
			}
		},
		Backward: func(f *Frame) {
			dy := f.DOut[0].Float32s()
			if f.DIn[1] != nil {
				c.BackwardWeight(f.Pool, f.DIn[1].Float32s(), nil, dy, f.X(0), false, f.Scratch)
			}
			if len(f.DIn) > 2 && f.DIn[2] != nil {
				sumChannels(f, f.DIn[2].Float32s(), dy)
			}
			if f.DIn[0] != nil {
				c.Forward(f.Pool, f.DIn[0].Float32s(), dy, f.X(1), nil, f.Scratch)
			}
		},
	}, nil
}
