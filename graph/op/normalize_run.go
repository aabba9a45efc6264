package op

import (
	"math"

	"onnxcompress/runtime/kernel"
)

// listNorm normalises the lists of a folding by a number of each, of which
// State keeps one per list.
type listNorm struct {
	*folding
	// first says that the norm is the sum of what the elements are without signs.
	first bool
}

func compileLpNormalization(n *Node) (*Routine, error) {
	p := n.Attrs.Int("p", 2)
	if !floats(n, 0) || p != 1 && p != 2 {
		return nil, nil
	}
	drop, err := lastAxis(n, n.In[0].Rank())
	if err != nil {
		return nil, err
	}
	l := &listNorm{folding: newFolding(n.stored(n.In[0].Shape), arranged(n, drop)), first: p == 1}
	return l.routine(l.divide, l.divideGrad), nil
}

func compileMeanVariance(n *Node) (*Routine, error) {
	if !floats(n, 0) {
		return nil, nil
	}
	drop, err := varianceAxes(n, n.In[0].Rank())
	if err != nil {
		return nil, err
	}
	l := &listNorm{folding: newFolding(n.stored(n.In[0].Shape), arranged(n, drop))}
	return l.routine(l.standardise, l.standardiseGrad), nil
}

// routine makes a routine of functions of the lists that start at from; keep is
// what State holds of them and t room for as many numbers twice.
func (l *listNorm) routine(forward, backward func(f *Frame, from int, keep, t []float32)) *Routine {
	r := &Routine{KeepOut: []int{0}, State: l.count()}
	if l.count()*l.length() == 0 {
		r.Forward, r.Backward = func(*Frame) {}, func(*Frame) {}
		return r
	}
	on := func(body func(f *Frame, from int, keep, t []float32)) func(*Frame) {
		return l.lists(func(f *Frame, worker, at, from, n int) {
			body(f, from, f.State[at:at+n], f.Pool.Scratch(worker, max(2*n, temporary)))
		})
	}
	r.Forward, r.Backward = on(forward), on(backward)
	return r
}

func (l *listNorm) divide(f *Frame, from int, norm, t []float32) {
	if l.first {
		foldAbs(l.folding, norm, f.X(0), from, t)
	} else {
		foldNorm(l.folding, norm, f.X(0), from, t)
	}
	for i, v := range norm {
		if v == 0 {
			norm[i] = 1 // zeros stay
		}
	}
	for j := range l.within {
		over32(l.run(f.Y(0), from, j, len(norm)), l.run(f.X(0), from, j, len(norm)), norm)
	}
}

// divideGrad: dx = (dy - s·Σ(dy·y)) / norm, where s is y or, for p of 1, its sign.
func (l *listNorm) divideGrad(f *Frame, from int, norm, t []float32) {
	y, dy, dots := f.Y(0), f.DOut[0].Float32s(), t[:len(norm)]
	l.products(dots, dy, y, from)
	for j := range l.within {
		dx, ys := l.run(f.DIn[0].Float32s(), from, j, len(norm)), l.run(y, from, j, len(norm))
		if l.first {
			for i, v := range ys {
				dx[i] = float32(sign(float64(v)))
			}
			times32(dx, dx, dots)
		} else {
			times32(dx, ys, dots)
		}
		kernel.Sub(dx, l.run(dy, from, j, len(norm)), dx)
		over32(dx, dx, norm)
	}
}

// tiny is what MeanVarianceNormalization adds to a deviation.
const tiny = 1e-9

// minus32 sets t to a - b, where b may be one number.
func minus32(t, a, b []float32) {
	if len(b) == len(t) {
		kernel.Sub(t, a, b)
		return
	}
	kernel.AddScalar(t, a, -b[0])
}

func (l *listNorm) standardise(f *Frame, from int, inv, t []float32) {
	x, y, n := f.X(0), f.Y(0), len(inv)
	mean := t[:n]
	foldMean(l.folding, mean, x, from, nil)
	for j := range l.within {
		minus32(l.run(y, from, j, n), l.run(x, from, j, n), mean)
	}
	l.products(inv, y, y, from)
	for i, v := range inv {
		inv[i] = float32(1 / (math.Sqrt(float64(v)/float64(l.length())) + tiny))
	}
	for j := range l.within {
		run := l.run(y, from, j, n)
		times32(run, run, inv)
	}
}

// standardiseGrad: with deviation s, dx = (dy - mean(dy))·inv - y·Σ(dy·y)/(n·s).
func (l *listNorm) standardiseGrad(f *Frame, from int, inv, t []float32) {
	y, dy, n := f.Y(0), f.DOut[0].Float32s(), len(inv)
	dots, mean := t[:n], t[n:2*n]
	l.products(dots, dy, y, from)
	foldMean(l.folding, mean, dy, from, nil)
	for i, v := range inv {
		s := 1/float64(v) - tiny
		if s <= 0 {
			dots[i] = 0
			continue
		}
		// In units of inv, by which all is multiplied in the end.
		dots[i] = float32(float64(dots[i]) / (float64(l.length()) * s * float64(v)))
	}
	for j := range l.within {
		dx := l.run(f.DIn[0].Float32s(), from, j, n)
		times32(dx, l.run(y, from, j, n), dots)
		kernel.Sub(dx, l.run(dy, from, j, n), dx)
		minus32(dx, dx, mean)
		times32(dx, dx, inv)
	}
}
