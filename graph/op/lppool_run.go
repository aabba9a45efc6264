package op

import (
	"math"
)

// norming is LpPool of fixed shapes: windows lists the elements that each place of
// a plane finds, those of place p from start[p] to before start[p+1].
type norming struct {
	planes, size, places int
	start, windows       []int
	p                    float64
}

func compileLpPool(n *Node) (*Routine, error) {
	if !floats(n, 0) {
		return nil, nil
	}
	shape, out := n.In[0].Shape, n.Out[0].Shape
	p, err := newPooling(n, shape, out)
	if err != nil {
		return nil, err
	}
	l := &norming{p: float64(n.Attrs.Int("p", 2)), start: []int{0}}
	l.planes, l.size = planes(shape)
	_, l.places = planes(out)
	if product(out[2:])*product(n.Attrs.Ints("kernel_shape")) > mostMeetings {
		return nil, nil
	}
	p.each(func(_ int, window []int) {
		l.windows = append(l.windows, window...)
		l.start = append(l.start, len(l.windows))
	})
	cost := 4 * len(l.windows)
	return &Routine{
		KeepIn: []int{0}, KeepOut: []int{0}, Adds: true,
		Forward: shared(l.planes, cost, func(f *Frame, _, lo, hi int) {
			for i := lo; i < hi; i++ {
				l.forward(f.Y(0)[i*l.places:(i+1)*l.places], f.X(0)[i*l.size:(i+1)*l.size])
			}
		}),
		Backward: shared(l.planes, cost, func(f *Frame, _, lo, hi int) {
			for i := lo; i < hi; i++ {
				from, to := i*l.size, (i+1)*l.size
				dx := f.DIn[0].Float32s()[from:to]
				if !f.Add[0] {
					clear(dx)
				}
				l.backward(dx, f.DOut[0].Float32s()[i*l.places:], f.Y(0)[i*l.places:], f.X(0)[from:to])
			}
		}),
	}, nil
}

func (l *norming) forward(y, x []float32) {
	for p := range y {
		sum := 0.0
		for _, at := range l.windows[l.start[p]:l.start[p+1]] {
			switch v := math.Abs(float64(x[at])); l.p {
			case 1:
				sum += v
			case 2:
				sum += v * v
			default:
				sum += math.Pow(v, l.p)
			}
		}
		switch l.p {
		case 1:
			y[p] = float32(sum)
		case 2:
			y[p] = float32(math.Sqrt(sum))
		default:
			y[p] = float32(math.Pow(sum, 1/l.p))
		}
	}
}

// backward: the slope by an element is sign(x)·(|x|/y)ᵖ⁻¹, taken for zero where the
// norm is.
func (l *norming) backward(dx, dy, y, x []float32) {
	for p := range l.places {
		if y[p] == 0 {
			continue
		}
		for _, at := range l.windows[l.start[p]:l.start[p+1]] {
			v := float64(x[at])
			share := math.Abs(v) / float64(y[p])
			switch l.p {
			case 1:
				share = truth(v != 0)
			case 2:
			default:
				share = math.Pow(share, l.p-1)
			}
			dx[at] += dy[p] * float32(math.Copysign(share, v))
		}
	}
}

// compileGlobalLpPool is a reduction over space.
func compileGlobalLpPool(n *Node) (*Routine, error) {
	shape := n.In[0].Shape
	if !floats(n, 0) || len(shape) < 2 || product(shape) == 0 {
		return nil, nil
	}
	drop := make([]bool, len(shape))
	for axis := 2; axis < len(drop); axis++ {
		drop[axis] = true
	}
	g := newFolding(n.stored(shape), arranged(n, drop))
	switch n.Attrs.Int("p", 2) {
	case 1:
		return lengthL1.routine(g), nil
	case 2:
		return lengthL2.routine(g), nil
	}
	return nil, nil
}

// The norms as reductions.
var (
	lengthL1 = &reducing{forward: foldAbs, slope: slopeL1, in: true}
	lengthL2 = &reducing{forward: foldNorm, slope: slopeNorm, in: true, out: true}
)
