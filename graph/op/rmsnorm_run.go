package op

import (
	"slices"

	"onnxcompress/runtime/kernel"
)

// mostParts bounds the parts that leave a gradient of parameters of their own,
// to be added up when all are done.
const mostParts = 16

// partition divides rows of width elements into parts.
func partition(rows, width int) (parts, each int) {
	parts = max(min(rows, mostParts, (rows*width+enough-1)/enough), 1)
	each = (rows + parts - 1) / parts
	return (rows + each - 1) / max(each, 1), each
}

// compileRMSNorm: a scale that is broadcast over what is normalised is spread out
// before.
func compileRMSNorm(n *Node) (*Routine, error) {
	if !floats(n, 0, 1) {
		return nil, nil
	}
	first, err := firstNormalised(n)
	if err != nil {
		return nil, err
	}
	shape := n.In[0].Shape
	width, rows := int(product(shape[first:])), int(product(shape[:first]))
	if len(n.In[1].Shape) > len(shape) {
		return nil, nil
	}
	scale := padded(n.In[1].Shape, len(shape))
	if product(scale[:first]) != 1 || rows*width == 0 {
		return nil, nil
	}
	var wide *spread
	if inner := scale[first:]; !slices.Equal(inner, shape[first:]) {
		wide = newSpread(shape[first:], inner)
	}
	eps := float32(epsilon(n))
	parts, each := partition(rows, width)
	// Scratch holds the scale and the parts' gradients of it.
	r := &Routine{KeepIn: []int{0, 1}, State: rows, Scratch: (1 + parts) * width}
	spreadOut := func(f *Frame) []float32 {
		if wide == nil {
			return f.X(1)
		}
		addend{wide, 1}.add(zeroed(f.Scratch[:width]), f.X(1))
		return f.Scratch[:width]
	}
	part := func(i int) (lo, hi int) { return i * each, min((i+1)*each, rows) }
	var gamma []float32
	forward := shared(parts, enough, func(f *Frame, _, from, to int) {
		for i := from; i < to; i++ {
			lo, hi := part(i)
			kernel.RMSNorm(f.Y(0)[lo*width:hi*width], f.X(0)[lo*width:hi*width], gamma, f.State[lo:hi], eps)
		}
	})
	backward := shared(parts, enough, func(f *Frame, worker, from, to int) {
		for i := from; i < to; i++ {
			lo, hi := part(i)
			var dx []float32
			if f.DIn[0] != nil {
				dx = f.DIn[0].Float32s()[lo*width : hi*width]
			} else {
				dx = f.Pool.Scratch(worker, (hi-lo)*width)
			}
			dscale := zeroed(f.Scratch[(1+i)*width:][:width])
			kernel.RMSNormGrad(dx, f.DOut[0].Float32s()[lo*width:hi*width], f.X(0)[lo*width:hi*width], gamma, f.State[lo:hi], dscale)
		}
	})
	r.Forward = func(f *Frame) {
		gamma = spreadOut(f)
		forward(f)
	}
	r.Backward = func(f *Frame) {
		gamma = spreadOut(f)
		backward(f)
		if f.DIn[1] == nil {
			return
		}
		d := f.begin(1, true)
		for i := range parts {
			dscale := f.Scratch[(1+i)*width:][:width]
			if wide == nil {
				kernel.Add(d, d, dscale)
			} else {
				addend{wide, 1}.gradient(d, dscale)
			}
		}
	}
	return r, nil
}

// zeroed clears numbers.
func zeroed(v []float32) []float32 {
	clear(v)
	return v
}
