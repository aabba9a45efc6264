package op

import "onnxcompress/runtime/kernel"

// layoutMaxPool: the places of the maxima count elements as ONNX stores them.
func layoutMaxPool(n *Node) (Layout, bool) {
	l, ok := layoutImage(n)
	return l, ok && (len(n.Out) < 2 || n.Out[1] == nil)
}

// poolOf is the shape of a pooling node; ok is false where no routine serves it.
func poolOf(n *Node) (s kernel.PoolShape, ok bool, err error) {
	x := n.In[0].Shape
	if !n.Last || !floats(n, 0) || product(x) == 0 || product(n.Out[0].Shape) == 0 {
		return s, false, nil
	}
	win, err := windowsOf(n, x[2:], n.Attrs.Ints("kernel_shape"))
	if err != nil {
		return s, false, err
	}
	s = kernel.PoolShape{
		Batch: int(x[0]), Channels: int(x[1]), Size: space(x[2:], 1), Kernel: space(win.kernel, 1),
		Stride: space(win.strides, 1), Dilation: space(win.dilations, 1),
		Before: space(win.before, 0), After: space(win.after, 0), Ceil: win.ceil,
	}
	out, err := s.Output()
	return s, err == nil && out == space(n.Out[0].Shape[2:], 1), nil
}

func compileMaxPool(n *Node) (*Routine, error) {
	s, ok, err := poolOf(n)
	if !ok || err != nil || len(n.Out) > 1 && n.Out[1] != nil {
		return nil, err
	}
	return maxPool(s)
}

func maxPool(s kernel.PoolShape) (*Routine, error) {
	p, err := kernel.NewMaxPool(s)
	if err != nil {
		return nil, err
	}
	return &Routine{
		KeepIn: []int{0}, KeepOut: []int{0}, Adds: true,
		Forward: func(f *Frame) { p.Forward(f.Pool, f.Y(0), f.X(0)) },
		Backward: func(f *Frame) {
			p.Backward(f.Pool, f.DIn[0].Float32s(), f.DOut[0].Float32s(), f.X(0), f.Y(0), f.Add[0])
		},
	}, nil
}

func compileAveragePool(n *Node) (*Routine, error) {
	s, ok, err := poolOf(n)
	if !ok || err != nil {
		return nil, err
	}
	return averagePool(s, n.Attrs.Int("count_include_pad", 0) != 0)
}

func averagePool(s kernel.PoolShape, includePad bool) (*Routine, error) {
	p, err := kernel.NewAveragePool(s, includePad)
	if err != nil {
		return nil, err
	}
	return &Routine{
		Adds:    true,
		Forward: func(f *Frame) { p.Forward(f.Pool, f.Y(0), f.X(0)) },
		Backward: func(f *Frame) {
			p.Backward(f.Pool, f.DIn[0].Float32s(), f.DOut[0].Float32s(), f.Add[0])
		},
	}, nil
}

// wholePool is the pooling of a node over all of space.
func wholePool(n *Node) (s kernel.PoolShape, ok bool) {
	x := n.In[0].Shape
	if !n.Last || !floats(n, 0) || product(x) == 0 {
		return s, false
	}
	one := [3]int{1, 1, 1}
	size := space(x[2:], 1)
	return kernel.PoolShape{Batch: int(x[0]), Channels: int(x[1]), Size: size, Kernel: size, Stride: one, Dilation: one}, true
}

func compileGlobalMaxPool(n *Node) (*Routine, error) {
	s, ok := wholePool(n)
	if !ok {
		return nil, nil
	}
	return maxPool(s)
}

func compileGlobalAveragePool(n *Node) (*Routine, error) {
	s, ok := wholePool(n)
	if !ok {
		return nil, nil
	}
	return averagePool(s, false)
}
