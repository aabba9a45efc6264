package op

import (
	"math"
	"slices"

	"onnxcompress/runtime/kernel"
)

// withScalar computes y from two operands, one of which may be a single number.
func withScalar(y []float32, x [][]float32, both func(y, a, b []float32), right func(y, a []float32, b float32), left func(y, b []float32, a float32)) {
	a, b := x[0], x[1]
	switch {
	case len(a) == len(y) && len(b) == len(y):
		both(y, a, b)
	case len(a) == len(y):
		right(y, a, b[0])
	case len(b) == len(y):
		left(y, b, a[0])
	default:
		both(y[:1], a, b)
		kernel.Fill(y, y[0])
	}
}

func subScalar(y, a []float32, b float32) { kernel.AddScalar(y, a, -b) }

func scalarSub(y, b []float32, a float32) { kernel.ScalarSub(y, b, a) }

func scalarDiv(y, b []float32, a float32) { kernel.ScalarDiv(y, b, a) }

func mixAdd(*Node) mixture {
	return mixture{
		forward: func(y []float32, x [][]float32) {
			withScalar(y, x, kernel.Add, kernel.AddScalar, kernel.AddScalar)
		},
		slope: func(_ int, t, dy, _ []float32, _ [][]float32) { copy(t, dy) },
		pass:  func(int) bool { return true },
		cost:  1,
	}
}

func mixSub(*Node) mixture {
	return mixture{
		forward: func(y []float32, x [][]float32) { withScalar(y, x, kernel.Sub, subScalar, scalarSub) },
		slope: func(k int, t, dy, _ []float32, _ [][]float32) {
			if k == 0 {
				copy(t, dy)
				return
			}
			kernel.MulScalar(t, dy, -1)
		},
		pass: func(k int) bool { return k == 0 },
		cost: 1,
	}
}

func mixMul(*Node) mixture {
	return mixture{
		forward: func(y []float32, x [][]float32) {
			withScalar(y, x, kernel.Mul, kernel.MulScalar, kernel.MulScalar)
		},
		slope: func(k int, t, dy, _ []float32, x [][]float32) { times32(t, dy, x[1-k]) },
		in:    true, cost: 1,
	}
}

// times32 sets t to a·b, where b may be one number.
func times32(t, a, b []float32) {
	if len(b) == len(t) {
		kernel.Mul(t, a, b)
		return
	}
	kernel.MulScalar(t, a, b[0])
}

func mixDiv(*Node) mixture {
	over := func(t, a, b []float32) {
		if len(b) == len(t) {
			kernel.Div(t, a, b)
			return
		}
		kernel.DivScalar(t, a, b[0])
	}
	return mixture{
		forward: func(y []float32, x [][]float32) {
			withScalar(y, x, kernel.Div, kernel.DivScalar, scalarDiv)
		},
		slope: func(k int, t, dy, y []float32, x [][]float32) {
			over(t, dy, x[1])
			if k == 1 {
				kernel.Mul(t, t, y)
				kernel.MulScalar(t, t, -1)
			}
		},
		in: true, out: true, cost: 1,
	}
}

// mixPow knows the exponents that networks use.
func mixPow(n *Node) mixture {
	m := mixture{
		in: true, cost: 32,
		forward: func(y []float32, x [][]float32) {
			for i := range y {
				y[i] = float32(math.Pow(float64(at(x[0], i)), float64(at(x[1], i))))
			}
		},
		slope: func(k int, t, dy, _ []float32, x [][]float32) {
			for i := range t {
				a, b := float64(at(x[0], i)), float64(at(x[1], i))
				if k == 0 {
					t[i] = dy[i] * float32(b*math.Pow(a, b-1))
				} else {
					t[i] = dy[i] * float32(math.Pow(a, b)*math.Log(a))
				}
			}
		},
	}
	if f := n.In[1]; f.Value != nil && product(n.In[0].Shape) >= product(f.Shape) {
		if c, ok := f.Value.Uniform(); ok && (c == 2 || c == 0.5) {
			general := m.slope
			m.forward = func(y []float32, x [][]float32) { power(y, x[0], c) }
			m.slope = func(k int, t, dy, y []float32, x [][]float32) {
				if c != 2 || k != 0 {
					general(k, t, dy, y, x)
					return
				}
				times32(t, dy, x[0])
				kernel.MulScalar(t, t, 2)
			}
			m.cost = 1
		}
	}
	return m
}

func power(y, x []float32, c float64) {
	for at := 0; at < len(y); at += len(x) {
		if c == 2 {
			kernel.Mul(y[at:][:len(x)], x, x)
		} else {
			kernel.Sqrt(y[at:][:len(x)], x)
		}
	}
}

// at is element i of a piece, which may be one number.
func at(x []float32, i int) float32 {
	if len(x) == 1 {
		return x[0]
	}
	return x[i]
}

// mixExtreme is Max and Min of any number of inputs: the first of the largest
// takes the gradient.
func mixExtreme(pick func(y, a, b []float32), scalar func(y, a []float32, b float32)) func(*Node) mixture {
	return func(*Node) mixture {
		return mixture{
			forward: func(y []float32, x [][]float32) { foldPieces(y, x, pick, scalar) },
			slope: func(k int, t, dy, y []float32, x [][]float32) {
				for i := range t {
					first := slices.IndexFunc(x, func(o []float32) bool { return at(o, i) == y[i] })
					t[i] = 0
					if first == k {
						t[i] = dy[i]
					}
				}
			},
			in: true, out: true, first: true, cost: 2,
		}
	}
}

// foldPieces joins the operands' pieces by a function that does not care for
// their order. The first two are read before y is written, so that y may be
// either.
func foldPieces(y []float32, x [][]float32, both func(y, a, b []float32), scalar func(y, a []float32, b float32)) {
	join := func(a, b []float32) {
		if len(b) == len(y) {
			both(y, a, b)
		} else {
			scalar(y, a, b[0])
		}
	}
	switch {
	case len(x) == 1:
		fill(y, x[0])
		return
	case len(x[0]) == len(y):
		join(x[0], x[1])
	case len(x[1]) == len(y):
		join(x[1], x[0])
	default:
		fill(y, x[0])
		join(y, x[1])
	}
	for _, b := range x[2:] {
		join(y, b)
	}
}

// fill sets y to a piece.
func fill(y, x []float32) {
	if len(x) == len(y) {
		copy(y, x)
		return
	}
	kernel.Fill(y, x[0])
}

// mixSum adds any number of inputs; share divides by their number.
func mixSum(share bool) func(*Node) mixture {
	return func(n *Node) mixture {
		scale := float32(1)
		if share {
			scale = 1 / float32(len(n.In))
		}
		return mixture{
			forward: func(y []float32, x [][]float32) {
				foldPieces(y, x, kernel.Add, kernel.AddScalar)
				if share {
					kernel.MulScalar(y, y, scale)
				}
			},
			slope: func(_ int, t, dy, _ []float32, _ [][]float32) { kernel.MulScalar(t, dy, scale) },
			pass:  func(int) bool { return !share },
			first: true, cost: 1,
		}
	}
}

func mixPRelu(*Node) mixture {
	return mixture{
		forward: func(y []float32, x [][]float32) {
			for i := range y {
				v := at(x[0], i)
				if v < 0 {
					v *= at(x[1], i)
				}
				y[i] = v
			}
		},
		slope: func(k int, t, dy, _ []float32, x [][]float32) {
			for i := range t {
				v, d := at(x[0], i), dy[i]
				switch {
				case k == 0 && v < 0:
					d *= at(x[1], i)
				case k == 1:
					d *= min(v, 0)
				}
				t[i] = d
			}
		},
		in: true, cost: 4,
	}
}

// mixMod: the slope by the divisor is that of the steps between multiples.
func mixMod(n *Node) mixture {
	return mixture{
		forward: func(y []float32, x [][]float32) {
			for i := range y {
				y[i] = float32(modulo(n, []float64{float64(at(x[0], i)), float64(at(x[1], i))}))
			}
		},
		slope: func(k int, t, dy, y []float32, x [][]float32) {
			copy(t, dy)
			for i := range t {
				if k == 1 {
					t[i] *= float32(math.Round(float64((y[i] - at(x[0], i)) / at(x[1], i))))
				}
			}
		},
		in: true, out: true, cost: 16,
	}
}

// mixClip: bounds that are known are given to the kernel. The gradient of a bound
// is that of the elements that it holds.
func mixClip(n *Node) mixture {
	low, high := clipBounds(n)
	bound := func(slot int, x [][]float32, def float64) float32 {
		if !n.Has(slot) {
			return float32(def)
		}
		if slot == 2 && !n.Has(1) {
			slot = 1
		}
		return x[slot][0]
	}
	return mixture{
		forward: func(y []float32, x [][]float32) {
			lo, hi := bound(1, x, low), bound(2, x, high)
			fill(y, x[0])
			if lo <= hi {
				kernel.Clip(y, y, lo, hi)
				return
			}
			kernel.MaxScalar(y, y, lo)
			kernel.MinScalar(y, y, hi)
		},
		slope: func(k int, t, dy, _ []float32, x [][]float32) {
			lo, hi := bound(1, x, low), bound(2, x, high)
			if k == 0 {
				kernel.ClipGrad(t, dy, x[0], lo, hi)
				return
			}
			isLow := k == 1 && n.Has(1)
			for i, v := range x[0] {
				if t[i] = 0; isLow && v < lo && lo <= hi || !isLow && max(v, lo) > hi {
					t[i] = dy[i]
				}
			}
		},
		in: true, cost: 1,
	}
}

// curveClip is Clip between bounds that are known.
func curveClip(n *Node) curve {
	low, high := clipBounds(n)
	for slot, bound := range []*float64{1: &low, 2: &high} {
		if f := n.Input(slot); bound != nil && f != nil {
			*bound, _ = f.Value.Uniform()
		}
	}
	lo, hi := float32(low), float32(high)
	return curve{
		forward: func(y, x []float32) {
			kernel.MaxScalar(y, x, lo)
			kernel.MinScalar(y, y, hi)
		},
		cost: 2,
	}
}
