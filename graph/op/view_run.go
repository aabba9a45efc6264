package op

import "math/rand/v2"

// compileView: the elements stay where they are.
func compileView(n *Node) (*Routine, error) {
	if !floats(n, 0) {
		return nil, nil
	}
	return &Routine{View: true}, nil
}

// compileDropout drops elements in training: those that the step's seed says, so
// that the gradient finds the same.
func compileDropout(n *Node) (*Routine, error) {
	if !floats(n, 0) || len(n.Out) > 1 && n.Out[1] != nil {
		return nil, nil
	}
	ratio := float64(n.Attrs.Float("ratio", 0.5))
	if f := n.Input(1); f != nil {
		c, ok := 0.0, false
		if f.Value != nil {
			c, ok = f.Value.Uniform()
		}
		if !ok {
			return nil, nil
		}
		ratio = c
	}
	if !n.Train {
		if n.Has(2) {
			return nil, nil
		}
		return &Routine{View: true}, nil
	}
	if ratio <= 0 {
		return &Routine{View: true}, nil
	}
	size, scale := int(product(n.In[0].Shape)), float32(1/(1-ratio))
	if ratio >= 1 {
		scale = 0
	}
	limit := uint32(min(ratio, 1) * (1 << 32 * (1 - 1e-12)))
	drop := func(f *Frame, y, x []float32, lo, hi int) {
		rng := rand.NewPCG(f.Seed, uint64(lo))
		for i := lo; i < hi; i++ {
			y[i] = 0
			if uint32(rng.Uint64()) >= limit {
				y[i] = scale * x[i]
			}
		}
	}
	return &Routine{
		InPlace:  []int{0},
		Forward:  shared(size, 8, func(f *Frame, _, lo, hi int) { drop(f, f.Y(0), f.X(0), lo, hi) }),
		Backward: shared(size, 8, func(f *Frame, _, lo, hi int) { drop(f, f.DIn[0].Float32s(), f.DOut[0].Float32s(), lo, hi) }),
	}, nil
}
