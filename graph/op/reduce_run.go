package op

import (
	"math"

	"onnxcompress/runtime/kernel"
)

// reducing is how a reduction and its gradient are computed on the lists of a
// folding. The gradient's pieces dy and y are as long as dx or of one number.
type reducing struct {
	// forward sets y, one element per list.
	forward func(g *folding, y, x []float32, from int, t []float32)
	// slope sets dx; count is the length of a list.
	slope func(dx, dy, y, x []float32, count int)
	// in and out say that slope reads input and output.
	in, out bool
	// once says that only the first element that is the result has a slope, which
	// is one.
	once bool
	// same says that lists of one element are what they hold.
	same bool
}

// foldMapped reduces by sums of a function of the elements.
func foldMapped(apply func(t, x []float32)) func(g *folding, y, x []float32, from int, t []float32) {
	return func(g *folding, y, x []float32, from int, t []float32) {
		clear(y)
		for j := range g.within {
			for run := g.run(x, from, j, len(y)); len(run) > 0; {
				n := min(len(run), len(t))
				apply(t[:n], run[:n])
				if g.along {
					y[0] += float32(kernel.Sum(t[:n]))
				} else {
					kernel.Add(y, y, t[:n])
				}
				run = run[n:]
			}
		}
	}
}

// foldExtreme reduces by picking.
func foldExtreme(of func(x []float32) float32, pick func(y, a, b []float32)) func(g *folding, y, x []float32, from int, t []float32) {
	return func(g *folding, y, x []float32, from int, t []float32) {
		for j := range g.within {
			run := g.run(x, from, j, len(y))
			if g.along {
				t[0] = of(run)
				run = t[:1]
			}
			if j == 0 {
				copy(y, run)
			} else {
				pick(y, y, run)
			}
		}
	}
}

var foldAbs = foldMapped(kernel.Abs)

func foldSum(g *folding, y, x []float32, from int, _ []float32) { g.sums(y, x, from) }

func foldMean(g *folding, y, x []float32, from int, _ []float32) {
	g.sums(y, x, from)
	kernel.MulScalar(y, y, 1/float32(g.length()))
}

func foldSquares(g *folding, y, x []float32, from int, _ []float32) { g.products(y, x, x, from) }

func foldNorm(g *folding, y, x []float32, from int, _ []float32) {
	g.products(y, x, x, from)
	kernel.Sqrt(y, y)
}

func foldLogSum(g *folding, y, x []float32, from int, _ []float32) {
	g.sums(y, x, from)
	kernel.Log(y, y)
}

func foldProduct(g *folding, y, x []float32, from int, _ []float32) {
	kernel.Fill(y, 1)
	for j := range g.within {
		run := g.run(x, from, j, len(y))
		if !g.along {
			kernel.Mul(y, y, run)
			continue
		}
		p := float64(y[0])
		for _, v := range run {
			p *= float64(v)
		}
		y[0] = float32(p)
	}
}

var foldMax = foldExtreme(kernel.Largest, kernel.Max)

// foldLogSumExp takes the exponentials of what is left without the largest.
func foldLogSumExp(g *folding, y, x []float32, from int, t []float32) {
	foldMax(g, y, x, from, t)
	top, sum, t := t[:len(y)], t[len(y):2*len(y)], t[2*len(y):]
	copy(top, y)
	for i, v := range top {
		if math.IsInf(float64(v), 0) {
			top[i] = 0 // the sum tells
		}
	}
	clear(sum)
	for j := range g.within {
		for run := g.run(x, from, j, len(y)); len(run) > 0; {
			n := min(len(run), len(t))
			if g.along {
				kernel.AddScalar(t[:n], run[:n], -top[0])
			} else {
				kernel.Sub(t[:n], run[:n], top)
			}
			kernel.Exp(t[:n], t[:n])
			if g.along {
				sum[0] += float32(kernel.Sum(t[:n]))
			} else {
				kernel.Add(sum, sum, t[:n])
			}
			run = run[n:]
		}
	}
	kernel.Log(y, sum)
	kernel.Add(y, y, top)
}

// temporary is the room for a piece of a reduction: two numbers for each column
// and a piece of a run.
const temporary = 3 * widest

// over32 sets t to a / b, where b may be one number.
func over32(t, a, b []float32) {
	if len(b) == len(t) {
		kernel.Div(t, a, b)
		return
	}
	kernel.DivScalar(t, a, b[0])
}

func slopeSum(dx, dy, _, _ []float32, _ int) { fill(dx, dy) }

func slopeMean(dx, dy, _, _ []float32, count int) {
	fill(dx, dy)
	kernel.MulScalar(dx, dx, 1/float32(count))
}

func slopeL1(dx, dy, _, x []float32, _ int) {
	fill(dx, dy)
	for i, v := range x {
		switch {
		case v < 0:
			dx[i] = -dx[i]
		case v == 0:
			dx[i] = 0
		}
	}
}

func slopeSquares(dx, dy, _, x []float32, _ int) {
	times32(dx, x, dy)
	kernel.MulScalar(dx, dx, 2)
}

// slopeNorm is zero where the norm is.
func slopeNorm(dx, dy, y, x []float32, _ int) {
	times32(dx, x, dy)
	if len(y) == 1 && y[0] == 0 {
		clear(dx)
		return
	}
	over32(dx, dx, y)
	for i, v := range y {
		if v == 0 {
			dx[i] = 0
		}
	}
}

func slopeLogSum(dx, dy, y, _ []float32, _ int) {
	fill(dx, y)
	kernel.MulScalar(dx, dx, -1)
	kernel.Exp(dx, dx)
	times32(dx, dx, dy)
}

func slopeLogSumExp(dx, dy, y, x []float32, _ int) {
	if len(y) == len(dx) {
		kernel.Sub(dx, x, y)
	} else {
		kernel.AddScalar(dx, x, -y[0])
	}
	kernel.Exp(dx, dx)
	times32(dx, dx, dy)
}
