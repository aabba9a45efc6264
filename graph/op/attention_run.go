package op

import (
	"math"

	"onnxcompress/graph/tensor"
	"onnxcompress/runtime/kernel"
)

// attend is an Attention node of fixed shapes, without a cache. Heads stay where
// they are; the scores are [batch, heads, queries, steps].
type attend struct {
	attention
	batch, queries, steps int
	scale, cap            float32
	left, right           int
	mask                  *spread
	step                  [3]int
	whole                 bool
	rows, rowsBack        func(*Frame)
	// scores are the products of queries and keys, output those of scores and
	// values; the others are their gradients.
	scores, output, dscores, dqueries, dkeys, dvalues kernel.Batch
}

func compileAttention(n *Node) (*Routine, error) {
	if len(n.In) < 3 || !floats(n, 0, 1, 2) || !plain(n) || n.Has(6) {
		return nil, nil
	}
	dec, err := attentionOf(n)
	if err != nil {
		return nil, err
	}
	q, k, v := n.In[0].Shape, n.In[1].Shape, n.In[2].Shape
	a := &attend{
		attention: dec, batch: int(q[0]), queries: int(q[dec.q.length()]), steps: int(k[dec.k.length()]),
		scale: n.Attrs.Float("scale", float32(1/math.Sqrt(float64(dec.q.size)))), cap: n.Attrs.Float("softcap", 0),
		left: int(n.Attrs.Int("left_window_size", -1)), right: int(n.Attrs.Int("right_window_size", -1)),
	}
	if n.Attrs.Int("is_causal", 0) != 0 {
		a.right = 0
	}
	if k[0] != q[0] || v[0] != q[0] || v[dec.v.length()] != k[dec.k.length()] {
		return nil, nil
	}
	if a.size()*int(dec.q.size*dec.v.size) == 0 || !a.masked(n) {
		return nil, nil
	}
	return a.routine(), nil
}

// size is the number of scores.
func (a *attend) size() int { return a.batch * int(a.q.count) * a.queries * a.steps }

// masked reads how the mask lies over the scores; it reports false for one that
// no routine serves.
func (a *attend) masked(n *Node) bool {
	m := n.Input(3)
	if m == nil {
		return true
	}
	if !m.Known || m.DType != tensor.Float32 && m.DType != tensor.Bool || m.Rank() < 1 || m.Rank() > 4 {
		return false
	}
	shape := padded(m.Shape, 4)
	scores := []int64{int64(a.batch), a.q.count, int64(a.queries), int64(a.steps)}
	if shape[3] != scores[3] {
		return false
	}
	for axis, step := range strides(shape)[:3] {
		switch shape[axis] {
		case scores[axis]:
			a.step[axis] = int(step)
		case 1:
		default:
			return false
		}
	}
	a.whole, a.mask = m.DType == tensor.Bool, newSpread(scores, shape)
	return true
}

// stride is how far apart samples, heads and steps of an input or output lie.
func (h heads) stride(steps int) (sample, head, step int) {
	if h.packed {
		return steps * int(h.count*h.size), int(h.size), int(h.count * h.size)
	}
	return steps * int(h.count*h.size), steps * int(h.size), int(h.size)
}

// matrix is the first head of an input or output, [steps, size].
func (h heads) matrix(x []float32, steps int) kernel.Matrix {
	_, _, step := h.stride(steps)
	return kernel.Matrix{Data: x, Rows: steps, Cols: int(h.size), RowStride: step, ColStride: 1}
}

// out is how the output holds its heads.
func (a *attend) out() heads { return heads{0, a.q.packed, a.q.count, a.v.size} }

// scored is the first head of the scores.
func (a *attend) scored(s []float32) kernel.Matrix {
	return kernel.Matrix{Data: s, Rows: a.queries, Cols: a.steps, RowStride: a.steps, ColStride: 1}
}

func (a *attend) routine() *Routine {
	a.stack()
	size, rows := a.size(), a.batch*int(a.q.count)*a.queries
	a.rows, a.rowsBack = shared(rows, 8*a.steps, a.weights), shared(rows, 4*a.steps, a.weightsBack)
	r := &Routine{KeepIn: []int{0, 1, 2}, State: size, Scratch: size, Adds: true, Forward: a.forward, Backward: a.backward}
	if a.cap > 0 {
		r.State += size
	}
	return r
}

// stack says how the matrices of all samples and heads follow each other.
func (a *attend) stack() {
	share, area := int(a.share), a.queries*a.steps
	steps := func(h heads, n int, shared bool) []int {
		sample, head, _ := h.stride(n)
		if shared {
			return []int{sample, head, 0}
		}
		return []int{sample, share * head, head}
	}
	q, k, v, y := steps(a.q, a.queries, false), steps(a.k, a.steps, true), steps(a.v, a.steps, true), steps(a.out(), a.queries, false)
	s := []int{int(a.q.count) * area, share * area, area}
	sizes := []int{a.batch, int(a.k.count), share}
	a.scores = kernel.Batch{Sizes: sizes, A: q, B: k, C: s}
	a.output = kernel.Batch{Sizes: sizes, A: s, B: v, C: y}
	a.dqueries = kernel.Batch{Sizes: sizes, A: s, B: k, C: q}
	a.dscores = kernel.Batch{Sizes: sizes, A: y, B: v, C: s}
	a.dkeys = kernel.Batch{Sizes: sizes[:2], A: s[:2], B: q[:2], C: k[:2]}
	a.dvalues = kernel.Batch{Sizes: sizes[:2], A: s[:2], B: y[:2], C: v[:2]}
}

func (a *attend) forward(f *Frame) {
	p := a.scored(f.State)
	kernel.GemmBatch(f.Pool, a.scores, a.scale, a.q.matrix(f.X(0), a.queries), a.k.matrix(f.X(1), a.steps).T(), 0, p)
	a.rows(f)
	kernel.GemmBatch(f.Pool, a.output, 1, p, a.v.matrix(f.X(2), a.steps), 0, a.out().matrix(f.Y(0), a.queries))
}

func (a *attend) backward(f *Frame) {
	dy, ds := f.DOut[0].Float32s(), a.scored(f.Scratch)
	if f.DIn[2] != nil {
		a.common(f, 2, a.dvalues, 1, f.State, dy, a.out(), a.v)
	}
	kernel.GemmBatch(f.Pool, a.dscores, 1, a.out().matrix(dy, a.queries), a.v.matrix(f.X(2), a.steps).T(), 0, ds)
	a.rowsBack(f)
	if a.mask != nil && !a.whole && f.DIn[3] != nil {
		addend{a.mask, 1}.gradient(f.begin(3, true), f.Scratch[:a.size()])
	}
	if a.cap > 0 {
		a.soften(f)
	}
	if f.DIn[0] != nil {
		kernel.GemmBatch(f.Pool, a.dqueries, a.scale, ds, a.k.matrix(f.X(1), a.steps), f.beta(0, 0), a.q.matrix(f.DIn[0].Float32s(), a.queries))
	}
	if f.DIn[1] != nil {
		a.common(f, 1, a.dkeys, a.scale, f.Scratch, f.X(0), a.q, a.k)
	}
}

// common gives input slot, whose heads are shared, the products of the transposed
// scores s with x, added up over the heads that share them.
func (a *attend) common(f *Frame, slot int, batch kernel.Batch, alpha float32, s, x []float32, h, to heads) {
	_, head, _ := h.stride(a.queries)
	for i := range int(a.share) {
		rows := a.scored(s[i*a.queries*a.steps:]).T()
		kernel.GemmBatch(f.Pool, batch, alpha, rows, h.matrix(x[i*head:], a.queries), f.beta(slot, i), to.matrix(f.DIn[slot].Float32s(), a.steps))
	}
}

// weights makes shares of the scores of queries lo to hi.
func (a *attend) weights(f *Frame, _, lo, hi int) {
	count := int(a.q.count)
	size := a.size()
	for row := lo; row < hi; row++ {
		b, head, i := row/(count*a.queries), row/a.queries%count, row%a.queries
		s := f.State[row*a.steps : (row+1)*a.steps]
		if a.cap > 0 {
			t := f.State[size+row*a.steps:][:a.steps]
			kernel.MulScalar(t, s, 1/a.cap)
			kernel.Tanh(t, t)
			kernel.MulScalar(s, t, a.cap)
		}
		from, to := 0, a.steps
		if a.left >= 0 {
			from = min(max(i-a.left, 0), to)
		}
		if a.right >= 0 {
			to = max(min(i+a.right+1, to), from)
		}
		seen := s[from:to]
		if a.mask != nil {
			a.hide(f, seen, b*a.step[0]+head*a.step[1]+i*a.step[2]+from)
		}
		clear(s[:from])
		clear(s[to:])
		if kernel.Largest(seen) == float32(math.Inf(-1)) {
			clear(seen) // attends to nothing
			continue
		}
		kernel.Softmax(seen, seen, len(seen))
	}
}

// hide adds the mask, from an element of it on.
func (a *attend) hide(f *Frame, s []float32, at int) {
	if !a.whole {
		kernel.Add(s, s, f.X(3)[at:at+len(s)])
		return
	}
	for j, sees := range f.In[3].Data[at : at+len(s)] {
		if sees == 0 {
			s[j] = float32(math.Inf(-1))
		}
	}
}

func (a *attend) weightsBack(f *Frame, _, lo, hi int) {
	from, to := lo*a.steps, hi*a.steps
	kernel.SoftmaxGrad(f.Scratch[from:to], f.Scratch[from:to], f.State[from:to], a.steps)
}

// soften takes gradients of scores back through the soft cap.
func (a *attend) soften(f *Frame) {
	size := a.size()
	kernel.TanhGrad(f.Scratch[:size], f.Scratch[:size], f.State[size:2*size])
}
