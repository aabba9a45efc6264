package op

import (
	"math"

	"onnxcompress/runtime/kernel"
)

// curve is how a function of one number, and its gradient, are computed on
// slices.
type curve struct {
	forward func(y, x []float32)
	// backward is given x, or y where value says that it reads the function's
	// value.
	backward func(dx, dy, xy []float32)
	value    bool
	// cost is that of an element, in those of an addition.
	cost int
}

// curved gives an operator of one input a routine; make reads the attributes.
func curved(make func(n *Node) curve) func(*Spec) {
	return func(s *Spec) {
		s.curve = make
		s.mix = func(n *Node) mixture { return make(n).mixture() }
		s.Compile = func(n *Node) (*Routine, error) {
			if !floats(n, 0) {
				return nil, nil
			}
			c := make(n)
			return c.routine(int(product(n.In[0].Shape))), nil
		}
		s.Layout = layoutAlike
	}
}

// layoutAlike is the layout of a node that computes each element by itself.
func layoutAlike(n *Node) (Layout, bool) {
	return Layout{In: []int{0}}, n.In[0].Known && n.In[0].Rank() > 2
}

func (c curve) routine(n int) *Routine {
	r := &Routine{
		InPlace: []int{0},
		Forward: shared(n, c.cost, func(f *Frame, _, lo, hi int) { c.forward(f.Y(0)[lo:hi], f.X(0)[lo:hi]) }),
	}
	read := func(f *Frame) []float32 { return f.X(0) }
	if r.KeepIn = []int{0}; c.value {
		r.KeepIn, r.KeepOut = nil, []int{0}
		read = func(f *Frame) []float32 { return f.Y(0) }
	}
	r.Backward = shared(n, c.cost, func(f *Frame, _, lo, hi int) {
		c.backward(f.DIn[0].Float32s()[lo:hi], f.DOut[0].Float32s()[lo:hi], read(f)[lo:hi])
	})
	return r
}

// mixture is the curve as a function of one operand.
func (c curve) mixture() mixture {
	m := mixture{cost: c.cost, in: !c.value, out: c.value}
	m.forward = func(y []float32, x [][]float32) { c.forward(y, x[0]) }
	m.slope = func(_ int, t, dy, y []float32, x [][]float32) { c.backward(t, dy, x[0]) }
	if c.value {
		m.slope = func(_ int, t, dy, y []float32, _ [][]float32) { c.backward(t, dy, y) }
	}
	return m
}

// rectifier says that a function is max(x, 0).
func rectifier(s *Spec) { s.Rectifier = true }

// argument is a function whose gradient follows from its argument, and value one
// whose gradient follows from its value.
func argument(forward func(y, x []float32), backward func(dx, dy, x []float32)) func(*Spec) {
	return curved(func(*Node) curve { return curve{forward, backward, false, 4} })
}

func value(forward func(y, x []float32), backward func(dx, dy, y []float32)) func(*Spec) {
	return curved(func(*Node) curve { return curve{forward, backward, true, 4} })
}

// slope gives an operator a routine that follows its formula; d is the slope at x,
// where the function's value is y.
func slope(d func(n *Node, x, y float64) float64) func(*Spec) {
	return func(s *Spec) {
		point := s.formula.point
		curved(func(n *Node) curve {
			return curve{
				forward: func(y, x []float32) {
					for i, v := range x {
						y[i] = float32(point(n, float64(v)))
					}
				},
				backward: func(dx, dy, x []float32) {
					for i, v := range x {
						dx[i] = dy[i] * float32(d(n, float64(v), point(n, float64(v))))
					}
				},
				cost: 32,
			}
		})(s)
	}
}

// simple is slope for a function without attributes.
func simple(d func(x, y float64) float64) func(*Spec) {
	return slope(func(_ *Node, x, y float64) float64 { return d(x, y) })
}

// stepped is a function of steps, whose slope is zero.
var stepped = simple(func(float64, float64) float64 { return 0 })

func negate(y, x []float32) { kernel.MulScalar(y, x, -1) }

func negateGrad(dx, dy, _ []float32) { kernel.MulScalar(dx, dy, -1) }

func expGrad(dx, dy, y []float32) { kernel.Mul(dx, dy, y) }

func logGrad(dx, dy, x []float32) { kernel.Div(dx, dy, x) }

func curveLeakyRelu(n *Node) curve {
	a := float32(alpha(n, 0.01))
	return curve{
		forward:  func(y, x []float32) { kernel.LeakyRelu(y, x, a) },
		backward: func(dx, dy, x []float32) { kernel.LeakyReluGrad(dx, dy, x, a) },
		cost:     1,
	}
}

func curveElu(n *Node) curve {
	a := float32(alpha(n, 1))
	return curve{
		forward:  func(y, x []float32) { kernel.Elu(y, x, a) },
		backward: func(dx, dy, y []float32) { kernel.EluGrad(dx, dy, y, a) },
		value:    true, cost: 4,
	}
}

func curveHardSigmoid(n *Node) curve {
	a, b := float32(alpha(n, 0.2)), n.Attrs.Float("beta", 0.5)
	return curve{
		forward:  func(y, x []float32) { kernel.HardSigmoid(y, x, a, b) },
		backward: func(dx, dy, y []float32) { kernel.HardSigmoidGrad(dx, dy, y, a) },
		value:    true, cost: 1,
	}
}

func curveGelu(n *Node) curve {
	if n.Attrs.Str("approximate", "none") == "tanh" {
		return curve{kernel.GeluTanh, kernel.GeluTanhGrad, false, 6}
	}
	return curve{kernel.Gelu, kernel.GeluGrad, false, 6}
}

func swishSlope(n *Node, x, y float64) float64 {
	a := alpha(n, 1)
	return sigmoid(a*x) + a*y*(1-sigmoid(a*x))
}

func celuSlope(n *Node, x, _ float64) float64 { return math.Exp(math.Min(0, x/alpha(n, 1))) }

func seluSlope(n *Node, x, _ float64) float64 {
	gamma := float64(n.Attrs.Float("gamma", 1.0507010))
	if x >= 0 {
		return gamma
	}
	return gamma * alpha(n, 1.6732632) * math.Exp(x)
}

func thresholdedReluSlope(n *Node, x, _ float64) float64 { return truth(x > alpha(n, 1)) }

func shrinkSlope(n *Node, x, _ float64) float64 {
	limit := float64(n.Attrs.Float("lambd", 0.5))
	return truth(x < -limit || x > limit)
}
