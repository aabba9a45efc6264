package op

import "onnxcompress/runtime/kernel"

// neighbours divides channels by those beside them. A block holds all channels of
// unit elements each: a sample's planes, or a single place where the channels
// are last.
type neighbours struct {
	blocks, channels, unit int
	// before and after are how many channels count on either side.
	before, after     int
	share, bias, beta float32
}

func compileLRN(n *Node) (*Routine, error) {
	size := int(min(n.Attrs.Int("size", 0), 1<<30))
	if !floats(n, 0) || n.In[0].Rank() < 2 || size < 1 {
		return nil, nil
	}
	x := n.In[0].Shape
	g := &neighbours{
		blocks: int(x[0]), channels: int(x[1]), unit: int(product(x[2:])),
		before: (size - 1) / 2, after: size / 2,
		share: n.Attrs.Float("alpha", 1e-4) / float32(size), bias: n.Attrs.Float("bias", 1), beta: n.Attrs.Float("beta", 0.75),
	}
	if n.Last {
		g.blocks, g.unit = g.blocks*g.unit, 1
	}
	g.before, g.after = min(g.before, g.channels), min(g.after, g.channels)
	width := g.channels * g.unit
	return &Routine{
		KeepIn: []int{0}, KeepOut: []int{0}, State: g.blocks * width,
		Forward: shared(g.blocks, 16*width, func(f *Frame, worker, lo, hi int) {
			t := f.Pool.Scratch(worker, width)
			for i := lo * width; i < hi*width; i += width {
				g.forward(f.Y(0)[i:i+width], f.X(0)[i:i+width], f.State[i:i+width], t)
			}
		}),
		Backward: shared(g.blocks, 16*width, func(f *Frame, worker, lo, hi int) {
			t := f.Pool.Scratch(worker, 2*width)
			for i := lo * width; i < hi*width; i += width {
				g.backward(f.DIn[0].Float32s()[i:i+width], f.DOut[0].Float32s()[i:i+width], f.Y(0)[i:i+width], f.X(0)[i:i+width], f.State[i:i+width], t)
			}
		}),
	}, nil
}

// window sets each channel of sum to the sum of x over the channels from before
// ones before it to after ones behind it.
func (g *neighbours) window(sum, x []float32, before, after int) {
	copy(sum, x)
	n := len(x)
	for k := 1; k <= before; k++ {
		if at := k * g.unit; at < n {
			kernel.Add(sum[at:], sum[at:], x[:n-at])
		}
	}
	for k := 1; k <= after; k++ {
		if at := k * g.unit; at < n {
			kernel.Add(sum[:n-at], sum[:n-at], x[at:])
		}
	}
}

// forward leaves in d what the numbers are divided by before it is raised to the
// power.
func (g *neighbours) forward(y, x, d, t []float32) {
	kernel.Mul(t, x, x)
	g.window(d, t, g.before, g.after)
	kernel.ScaleShift(d, d, g.share, g.bias)
	g.power(t, d)
	kernel.Mul(y, x, t)
}

// power sets t to d raised to -beta.
func (g *neighbours) power(t, d []float32) {
	kernel.Log(t, d)
	kernel.MulScalar(t, t, -g.beta)
	kernel.Exp(t, t)
}

// backward: x of a channel counts in the sums of those that it is a neighbour of.
func (g *neighbours) backward(dx, dy, y, x, d, t []float32) {
	own, all := t[:len(x)], t[len(x):]
	kernel.Mul(own, dy, y)
	kernel.Div(own, own, d)
	g.window(all, own, g.after, g.before)
	kernel.MulScalar(all, all, -2*g.beta*g.share)
	g.power(own, d)
	kernel.Mul(dx, dy, own)
	kernel.MulAdd(dx, all, x)
}
