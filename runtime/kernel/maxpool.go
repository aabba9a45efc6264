package kernel

import "math"

// MaxPool keeps the largest number of each window, channel by channel. It serves
// one call at a time.
type MaxPool struct {
	pooling
	keeps, hands visitor
}

// NewMaxPool plans pooling, or says why there is none of that shape.
func NewMaxPool(s PoolShape) (*MaxPool, error) {
	l, err := newPooling(&s)
	if err != nil {
		return nil, err
	}
	m := &MaxPool{pooling: l}
	m.ahead, m.back, m.keeps, m.hands = m.aheadPart, m.backPart, m.keep, m.hand
	return m, nil
}

// Output is the size of y along the axes of space.
func (m *MaxPool) Output() [3]int { return m.out }

// Forward sets y to the largest number in each window of x. One that is not a
// number is larger than all others; padding counts as less than any. A window that
// sees nothing but padding is minus infinity.
func (m *MaxPool) Forward(p *Pool, y, x []float32) {
	m.check(x, y)
	m.x, m.y, m.visit = x, y, m.keeps
	m.forward(p)
	m.forget()
}

// keep writes the largest numbers of windows.
func (m *MaxPool) keep(s *strip, w window) {
	if w.empty(s) {
		y := m.y[w.y:][:s.pixels*m.in]
		for c := range y {
			y[c] = float32(math.Inf(-1))
		}
		return
	}
	s.add, s.y = 0, &m.y[w.y]
	for z := w.z0; z < w.z1; z++ {
		s.x = &m.x[w.x+(z-w.z0)*w.plane]
		m.strips.maximum(s)
		s.add = 1
	}
}

// Backward gives the gradient of each window in dy to the first number in x that is
// as large as the window's result in y, and to the first of all if that is not a
// number. It is added to what dx holds if add is set.
func (m *MaxPool) Backward(p *Pool, dx, dy, x, y []float32, add bool) {
	m.check(x, y)
	m.check(dx, dy)
	m.x, m.y, m.dx, m.dy, m.add, m.visit = x, y, dx, dy, add, m.hands
	m.backward(p)
	m.forget()
}

// hand gives windows' gradients to their largest numbers.
func (m *MaxPool) hand(s *strip, w window) {
	switch {
	case w.empty(s):
	case w.z1-w.z0 == 1:
		s.x, s.g, s.y, s.w = &m.x[w.x], &m.dx[w.x], &m.y[w.y], &m.dy[w.y]
		m.strips.maxSpread(s)
	default:
		for i := range s.pixels {
			for c := range int(s.bytes/4) + s.lanes {
				m.handDeep(s, w, i, c)
			}
		}
	}
}

// handDeep is hand for one channel of output i of a window of several planes.
func (m *MaxPool) handDeep(s *strip, w window, i, c int) {
	y := w.y + i*m.in + c
	for z := range w.z1 - w.z0 {
		at := w.x + i*m.axes[2].stride*m.in + c + z*w.plane
		for range s.segs {
			for range s.k {
				if x := m.x[at]; !(x < m.y[y] || x > m.y[y]) {
					m.dx[at] += m.dy[y]
					return
				}
				at += m.axes[2].dilation * m.in
			}
			at += (m.axes[1].dilation*m.axes[2].size - s.k*m.axes[2].dilation) * m.in
		}
	}
}
