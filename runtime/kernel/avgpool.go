package kernel

// AveragePool is the mean of each window, channel by channel. With a kernel of
// the input's size it is global. It serves one call at a time.
type AveragePool struct {
	pooling
	// ends is where the padding ends that counts as zeros, or the input if none does.
	ends         [3]int
	means, hands visitor
}

// NewAveragePool plans pooling, or says why there is none of that shape. If
// includePad is set, the padding's zeros count; what lies beyond it never does.
func NewAveragePool(s PoolShape, includePad bool) (*AveragePool, error) {
	l, err := newPooling(&s)
	if err != nil {
		return nil, err
	}
	a := &AveragePool{pooling: l}
	a.ahead, a.back, a.means, a.hands = a.aheadPart, a.backPart, a.mean, a.hand
	if includePad {
		for i := range a.ends {
			a.ends[i] = s.Size[i] + s.After[i]
		}
	}
	return a, nil
}

// Output is the size of y along the axes of space.
func (a *AveragePool) Output() [3]int { return a.out }

// Forward sets y to the means of the windows of x: zero where nothing is seen.
func (a *AveragePool) Forward(p *Pool, y, x []float32) {
	a.check(x, y)
	a.x, a.y, a.visit = x, y, a.means
	a.forward(p)
	a.forget()
}

// scale is one over how many numbers count.
func (a *AveragePool) scale(s *strip, w window) float32 {
	if a.ends == [3]int{} {
		return 1 / float32((w.z1-w.z0)*s.segs*s.k)
	}
	n := 1
	for i := range a.axes {
		x := &a.axes[i]
		n *= min((a.ends[i]-1-x.read(w.pixel[i], 0))/x.dilation+1, x.taps)
	}
	return 1 / float32(n)
}

// mean writes the means of windows.
func (a *AveragePool) mean(s *strip, w window) {
	if w.empty(s) {
		clear(a.y[w.y:][:s.pixels*a.in])
		return
	}
	s.add, s.y, s.scale = 0, &a.y[w.y], a.scale(s, w)
	for z := w.z0; z < w.z1; z++ {
		s.x = &a.x[w.x+(z-w.z0)*w.plane]
		a.strips.scaledSum(s)
		s.add = 1
	}
}

// Backward gives each number in a window its share of the gradient in dy. It is
// added to what dx holds if add is set.
func (a *AveragePool) Backward(p *Pool, dx, dy []float32, add bool) {
	a.check(dx, dy)
	a.dx, a.dy, a.add, a.visit = dx, dy, add, a.hands
	a.backward(p)
	a.forget()
}

// hand gives windows' gradients to their numbers.
func (a *AveragePool) hand(s *strip, w window) {
	if w.empty(s) {
		return
	}
	s.scale = a.scale(s, w)
	// The function walks over x beside g, and reads y, though it uses neither.
	s.y, s.w = &a.dy[w.y], &a.dy[w.y]
	for z := w.z0; z < w.z1; z++ {
		s.g = &a.dx[w.x+(z-w.z0)*w.plane]
		s.x = s.g
		a.strips.sumSpread(s)
	}
}
