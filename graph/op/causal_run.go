package op

import (
	"slices"

	"onnxcompress/runtime/kernel"
)

// causal is a CausalConvWithState node of fixed shapes. State holds, for each
// channel of each sample, what the kernel slides over: what came before and the
// input; and, where there is an activation, what it reads.
type causal struct {
	batch, channels, length, before int
	silu                            bool
}

func compileCausalConv(n *Node) (*Routine, error) {
	for slot := range n.In {
		if n.Has(slot) && !floats(n, slot) {
			return nil, nil
		}
	}
	x, w := n.In[0].Shape, n.In[1].Shape
	if w[1] != 1 || product(x) == 0 || n.Has(2) && n.In[2].Shape[0] != x[1] || n.Has(3) && !slices.Equal(n.In[3].Shape, []int64{x[0], x[1], w[2] - 1}) {
		return nil, nil
	}
	c := &causal{batch: int(x[0]), channels: int(x[1]), length: int(x[2]), before: int(w[2] - 1)}
	switch n.Attrs.Str("activation", "none") {
	case "none", "":
	case "silu", "swish":
		c.silu = true
	default:
		return nil, nil
	}
	rows := c.batch * c.channels
	cost := (c.before + 2) * c.length
	back := shared(c.channels, c.batch*2*cost, c.backward)
	r := &Routine{
		KeepIn: []int{1}, State: rows * c.line(), Scratch: rows * (c.line() + c.length), Adds: true,
		Forward: shared(rows, cost, c.forward), Backward: back,
	}
	if c.silu {
		r.State += rows * c.length
	}
	return r, nil
}

// line is the length of what the kernel slides over.
func (c *causal) line() int { return c.before + c.length }

// read is what activations of a row read.
func (c *causal) read(f *Frame, row int) []float32 {
	from := c.batch * c.channels * c.line()
	return f.State[from+row*c.length:][:c.length]
}

func (c *causal) forward(f *Frame, _, lo, hi int) {
	past := operand(f.In, 3)
	for row := lo; row < hi; row++ {
		channel, line := row%c.channels, f.State[row*c.line():(row+1)*c.line()]
		clear(line[:c.before])
		if past != nil {
			copy(line, past.Float32s()[row*c.before:][:c.before])
		}
		copy(line[c.before:], f.X(0)[row*c.length:])
		y := f.Y(0)[row*c.length : (row+1)*c.length]
		to := y
		if c.silu {
			to = c.read(f, row)
		}
		clear(to)
		if bias := operand(f.In, 2); bias != nil {
			kernel.Fill(to, bias.Float32s()[channel])
		}
		for k, w := range f.X(1)[channel*(c.before+1):][:c.before+1] {
			kernel.Axpy(to, line[k:k+c.length], w)
		}
		if c.silu {
			kernel.Silu(y, to)
		}
		if last := operand(f.Out, 1); last != nil {
			copy(last.Float32s()[row*c.before:(row+1)*c.before], line[c.length:])
		}
	}
}

// backward takes channels, whose samples share a kernel.
func (c *causal) backward(f *Frame, _, lo, hi int) {
	for channel := lo; channel < hi; channel++ {
		w := f.X(1)[channel*(c.before+1):][:c.before+1]
		dw, db := c.start(f, 1, channel, len(w)), c.start(f, 2, channel, 1)
		for b := range c.batch {
			row := b*c.channels + channel
			scratch := f.Scratch[row*(c.line()+c.length):][:c.line()+c.length]
			dline, d := zeroed(scratch[:c.line()]), scratch[c.line():]
			c.arriving(f, row, dline, d)
			line := f.State[row*c.line() : (row+1)*c.line()]
			for k, v := range w {
				kernel.Axpy(dline[k:k+c.length], d, v)
				if dw != nil {
					dw[k] += float32(kernel.Dot(d, line[k:k+c.length]))
				}
			}
			if db != nil {
				db[0] += float32(kernel.Sum(d))
			}
			c.leave(f, 0, row, dline[c.before:])
			c.leave(f, 3, row, dline[:c.before])
		}
	}
}

// start is the part of a parameter's gradient that belongs to a channel, nil where
// it is not wanted.
func (c *causal) start(f *Frame, slot, channel, n int) []float32 {
	t := operand(f.DIn, slot)
	if t == nil {
		return nil
	}
	d := t.Float32s()[channel*n : (channel+1)*n]
	if !f.Add[slot] {
		clear(d)
	}
	return d
}

// arriving sets d to the gradient of what the activation reads, and dline to that
// of the state that is handed on.
func (c *causal) arriving(f *Frame, row int, dline, d []float32) {
	clear(d)
	if dy := operand(f.DOut, 0); dy != nil {
		copy(d, dy.Float32s()[row*c.length:])
		if c.silu {
			kernel.SiluGrad(d, d, c.read(f, row))
		}
	}
	if last := operand(f.DOut, 1); last != nil {
		copy(dline[c.length:], last.Float32s()[row*c.before:(row+1)*c.before])
	}
}

// leave gives an input the gradient of a row of it.
func (c *causal) leave(f *Frame, slot, row int, d []float32) {
	t := operand(f.DIn, slot)
	if t == nil {
		return
	}
	to := t.Float32s()[row*len(d) : (row+1)*len(d)]
	if f.Add[slot] {
		kernel.Add(to, to, d)
	} else {
		copy(to, d)
	}
}
