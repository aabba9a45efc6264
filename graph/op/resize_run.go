package op

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"onnxcompress/runtime/kernel"
)

// blending is a matrix with few numbers in each row: row i has those from
// start[i] to before start[i+1].
type blending struct {
	start   []int
	at      []int
	weights []float32
}

// newBlending takes the parts that each element of the output has.
func newBlending(rows [][]share) *blending {
	b := &blending{start: []int{0}}
	for _, list := range rows {
		for _, s := range list {
			b.at, b.weights = append(b.at, s.at), append(b.weights, float32(s.weight))
		}
		b.start = append(b.start, len(b.at))
	}
	return b
}

// transposedRows turns parts of the input around.
func transposedRows(rows [][]share, size int64) [][]share {
	out := make([][]share, size)
	for i, list := range rows {
		for _, s := range list {
			out[s.at] = append(out[s.at], share{i, s.weight})
		}
	}
	return out
}

// mixing multiplies an axis by a blending: dst is [before, rows, after].
type mixing struct {
	*blending
	before, from, to, after int
	dst, src                []float32
	add                     bool
	run                     func(*Frame)
}

func newMixing(b *blending, before, from, to, after int) *mixing {
	m := &mixing{blending: b, before: before, from: from, to: to, after: after}
	cost := len(b.at) / max(to, 1) * after
	m.run = shared(before*to, cost, func(_ *Frame, _, lo, hi int) {
		if after == 1 {
			m.points(lo, hi)
			return
		}
		for i := lo; i < hi; i++ {
			m.line(i)
		}
	})
	return m
}

// apply computes dst from src, or adds to it.
func (m *mixing) apply(f *Frame, dst, src []float32, add bool) {
	m.dst, m.src, m.add = dst, src, add
	m.run(f)
	m.dst, m.src = nil, nil
}

// line is the i-th run of the output.
func (m *mixing) line(i int) {
	k, base := i%m.to, i/m.to*m.from
	dst, first := m.dst[i*m.after:(i+1)*m.after], !m.add
	for j := m.start[k]; j < m.start[k+1]; j++ {
		src := m.src[(base+m.at[j])*m.after:][:m.after]
		if first {
			kernel.MulScalar(dst, src, m.weights[j])
			first = false
			continue
		}
		kernel.Axpy(dst, src, m.weights[j])
	}
	if first {
		clear(dst)
	}
}

// points are elements lo to hi of an output whose runs have one element.
func (m *mixing) points(lo, hi int) {
	for i := lo; i < hi; i++ {
		k, src := i%m.to, m.src[i/m.to*m.from:]
		sum := float32(0)
		for j := m.start[k]; j < m.start[k+1]; j++ {
			sum += m.weights[j] * src[m.at[j]]
		}
		if m.add {
			sum += m.dst[i]
		}
		m.dst[i] = sum
	}
}

// layoutResize gains by long runs behind the axes of an image.
func layoutResize(n *Node) (Layout, bool) {
	l, ok := layoutAlike(n)
	l.Prefers = ok && n.In[0].Rank() == 4
	return l, ok
}

func compileResize(n *Node) (*Routine, error) {
	if !floats(n, 0) || !allKnown(n.Out[0]) || n.In[0].Rank() != n.Out[0].Rank() {
		return nil, nil
	}
	for slot := 1; slot < len(n.In); slot++ {
		if n.Has(slot) && n.In[slot].Value == nil && !slices.Equal(n.In[slot].Shape, []int64{0}) {
			return nil, nil
		}
	}
	axes, err := stretchings(n, n.In[0].Shape, n.Out[0].Shape)
	if err != nil {
		return nil, err
	}
	switch mode := n.Attrs.Str("mode", "nearest"); {
	case len(axes) == 0:
		return &Routine{View: true, Pass: []int{0}}, nil
	case mode == "nearest":
		return pickNearest(n, axes), nil
	case mode == "linear" || mode == "bilinear":
		return interpolate(n, axes, 1, func(x float64) float64 { return max(1-math.Abs(x), 0) }), nil
	case mode == "cubic":
		a := float64(n.Attrs.Float("cubic_coeff_a", -0.75))
		return interpolate(n, axes, 2, func(x float64) float64 { return cubic(x, a) }), nil
	default:
		return nil, fmt.Errorf("mode %q is not one of Resize", mode)
	}
}

func pickNearest(n *Node, axes []stretching) *Routine {
	shape := n.stored(n.In[0].Shape)
	tables, steps := lines(shape), strides(shape)
	for _, s := range axes {
		axis, table := n.storedAxis(s.axis, len(shape)), make([]int64, s.out)
		for i := range table {
			x := s.place(&s, float32(i))
			if table[i] = -1; !s.outside(n, x) {
				table[i] = max(min(s.nearest(n, x), s.in-1), 0) * steps[axis]
			}
		}
		tables[axis] = table
	}
	return newPicking(tables, product(shape), n.Attrs.Float("extrapolation_value", 0)).routine()
}

// interpolation resizes axis after axis. What a crop reads beside the data has
// no parts, and becomes the fill in the end.
type interpolation struct {
	forward, backward []*mixing
	// between is the largest of the results on the way.
	between int
	fill    float32
}

func interpolate(n *Node, axes []stretching, radius float64, weight func(float64) float64) *Routine {
	// Axes that shrink go first, so that the others have less to do.
	axes = slices.Clone(axes)
	slices.SortStableFunc(axes, func(a, b stretching) int { return cmp.Compare(a.out*b.in, b.out*a.in) })
	shape := slices.Clone(n.stored(n.In[0].Shape))
	p := &interpolation{fill: n.Attrs.Float("extrapolation_value", 0)}
	var beside [][]bool
	var at []int
	for i := range axes {
		s := &axes[i]
		rows, out := make([][]share, s.out), make([]bool, s.out)
		for k := range rows {
			x := s.place(s, float32(k))
			if out[k] = s.outside(n, x); !out[k] {
				rows[k] = s.shares(n, max(min(float64(x), 2*float64(s.in)+2), -float64(s.in)-2), radius, weight)
			}
		}
		axis := n.storedAxis(s.axis, len(shape))
		before, after := int(product(shape[:axis])), int(product(shape[axis+1:]))
		p.forward = append(p.forward, newMixing(newBlending(rows), before, int(s.in), int(s.out), after))
		p.backward = append(p.backward, newMixing(newBlending(transposedRows(rows, s.in)), before, int(s.out), int(s.in), after))
		shape[axis] = s.out
		if i < len(axes)-1 {
			p.between = max(p.between, int(product(shape)))
		}
		beside, at = append(beside, out), append(at, axis)
	}
	slices.Reverse(p.backward)
	r := &Routine{Adds: true, Scratch: min(len(axes)-1, 2) * p.between}
	r.Forward = func(f *Frame) { p.apply(f, p.forward, f.Y(0), f.X(0), false) }
	r.Backward = func(f *Frame) { p.apply(f, p.backward, f.DIn[0].Float32s(), f.DOut[0].Float32s(), f.Add[0]) }
	if crops(n) && p.fill != 0 {
		interpolated, steps := r.Forward, strides(shape)
		r.Forward = func(f *Frame) {
			interpolated(f)
			for i, axis := range at {
				fillBeside(f.Y(0), beside[i], int(steps[axis]), p.fill)
			}
		}
	}
	return r
}

// apply goes through the axes by way of two buffers in turn.
func (p *interpolation) apply(f *Frame, steps []*mixing, dst, src []float32, add bool) {
	for i, m := range steps {
		if i == len(steps)-1 {
			m.apply(f, dst, src, add)
			return
		}
		to := f.Scratch[i%2*p.between:][:m.before*m.to*m.after]
		m.apply(f, to, src, false)
		src = to
	}
}

// fillBeside overwrites the marked places of an axis, whose elements lie step
// apart.
func fillBeside(y []float32, beside []bool, step int, fill float32) {
	for i := 0; i*step < len(y); i++ {
		if beside[i%len(beside)] {
			kernel.Fill(y[i*step:(i+1)*step], fill)
		}
	}
}
