package op

import (
	"slices"

	"onnxcompress/runtime/kernel"
)

// attend is softmax(scale·Q·Kᵀ + mask)·V for stacks of matrices. What is
// computed of some queries of one stack is computed to the end while it is in the
// cache; only the shares are kept, for the gradient.
type attend struct {
	hold *holding // of queries, keys and values
	// sizes are the axes of the stacks, steps how far apart those of each matrix
	// lie along them. The last axes are those along which queries, keys or values
	// stay where they are: within is the number of stacks along these.
	sizes          []int
	steps          [attendMatrices][]int
	stacks, within int
	queries, keys  int
	size, width    int // of a query, and of a value
	pitches        [attendOut + 1]pitch
	scale, cap     float32
	left, right    int // how far a query sees to either side; negative for all the way
	mask           *masking
	blind          func(most float32) bool // a query gets zeros whose largest score is such; nil for none
	keeps          bool
	piece, pieces  int // queries that are computed at once, and how many times
}

// The matrices of a stack.
const (
	attendQ = iota
	attendK
	attendV
	attendOut
	attendScores
	attendMask
	attendMatrices
)

// pieceFloats is how many scores are computed at once.
const pieceFloats = 16 << 10

// newAttend is attention over stacks along the axes of a batch. scale, window
// and the like are to be set before routine.
func newAttend(hold *holding, batch []int64, q, k, v, out layered, mask *masking) *attend {
	a := &attend{
		hold: hold, queries: int(q.rows), keys: int(k.rows), size: int(q.cols), width: int(v.cols),
		pitches: [...]pitch{q.pitch, k.pitch, v.pitch, out.pitch}, scale: 1, left: -1, right: -1, mask: mask,
	}
	all := [attendMatrices][]int64{q.along(batch), k.along(batch), v.along(batch), out.along(batch)}
	all[attendScores] = strides(append(slices.Clone(batch), q.rows*k.rows))[:len(batch)]
	all[attendMask] = make([]int64, len(batch))
	if mask != nil {
		all[attendMask] = mask.steps[:len(batch)]
	}
	a.stacks, a.within = 1, 1
	for _, still := range []bool{false, true} {
		for axis, d := range batch {
			if d == 1 || still != (all[attendQ][axis]*all[attendK][axis]*all[attendV][axis] == 0) {
				continue
			}
			a.sizes = append(a.sizes, int(d))
			a.stacks *= int(d)
			if still {
				a.within *= int(d)
			}
			for m := range a.steps {
				a.steps[m] = append(a.steps[m], int(all[m][axis]))
			}
		}
	}
	if a.entangled([...]layered{q, k, v}) {
		a.within = a.stacks
	}
	a.piece = min(max(pieceFloats/max(a.keys, 1), 32), a.queries)
	a.pieces = (a.queries + a.piece - 1) / max(a.piece, 1)
	return a
}

// entangled reports whether gradients of different stacks may be those of the same
// elements.
func (a *attend) entangled(in [3]layered) bool {
	for i, p := range a.hold.places {
		for j, other := range a.hold.places[:i] {
			same := p.Offset == other.Offset && slices.Equal(in[i].steps, in[j].steps) && in[i].pitch == in[j].pitch
			if p.In == other.In && !a.hold.apart[i] && !same {
				return true
			}
		}
	}
	return false
}

func (a *attend) routine() *Routine {
	size := a.stacks * a.queries * a.keys
	cost := 4 * a.piece * a.keys
	inputs := a.hold.inputs()
	alone := a.mask != nil && !slices.Contains(inputs, a.mask.in)
	ahead, back := shared(a.stacks*a.pieces, cost, a.forward), shared(a.stacks/a.within, 2*cost*a.pieces*a.within, a.gradients)
	r := &Routine{KeepIn: inputs, Adds: true, Forward: ahead, Backward: func(f *Frame) {
		a.hold.begin(f)
		back(f)
		if a.slopesMask(f) {
			a.mask.gradient(f, f.Scratch[:size], alone)
		}
	}}
	if alone && a.mask.returns() {
		r.KeepIn = append(r.KeepIn, a.mask.in)
	}
	if !a.keeps {
		r.Backward = nil
		return r
	}
	r.State = size
	if a.cap > 0 {
		r.State += size
	}
	if a.mask != nil && a.mask.learns {
		r.Scratch = size
	}
	return r
}

// slopesMask reports whether the gradient of the mask is wanted.
func (a *attend) slopesMask(f *Frame) bool {
	return a.mask != nil && a.mask.learns && f.DIn[a.mask.in] != nil
}

// at is where the matrices of a stack begin; first tells for which of queries,
// keys and values no stack before it has the same.
func (a *attend) at(stack int) (at [attendMatrices]int, first [3]bool) {
	first = [3]bool{true, true, true}
	for axis := len(a.sizes) - 1; axis >= 0; axis-- {
		i := stack % a.sizes[axis]
		stack /= a.sizes[axis]
		for m := range at {
			at[m] += i * a.steps[m][axis]
		}
		for m := range first {
			first[m] = first[m] && (i == 0 || a.steps[m][axis] != 0)
		}
	}
	return at, first
}

// rows is the part of matrix m, from a row on, in data that begins with its first
// row.
func (a *attend) rows(m int, data []float32, from, rows int) kernel.Matrix {
	cols := a.size
	if m >= attendV {
		cols = a.width
	}
	p := a.pitches[m]
	return p.view(data[from*p.row:], rows, cols)
}

func (a *attend) forward(f *Frame, worker, lo, hi int) {
	for i := lo; i < hi; i++ {
		at, _ := a.at(i / a.pieces)
		from := i % a.pieces * a.piece
		rows := min(a.piece, a.queries-from)
		s, shares, t := a.room(f, worker, at[attendScores]+from*a.keys, rows)
		k := a.rows(attendK, a.hold.x(f, attendK)[at[attendK]:], 0, a.keys)
		q := a.rows(attendQ, a.hold.x(f, attendQ)[at[attendQ]:], from, rows)
		productOn(f.Pool, worker, a.scale, q, k.T(), 0, kernel.Dense(s, rows, a.keys))
		a.weigh(f, shares, s, t, at[attendMask], from)
		v := a.rows(attendV, a.hold.x(f, attendV)[at[attendV]:], 0, a.keys)
		productOn(f.Pool, worker, 1, kernel.Dense(shares, rows, a.keys), v, 0, a.rows(attendOut, f.Y(0)[at[attendOut]:], from, rows))
	}
}

// room is the memory of the scores of some rows, of the shares, and of what the
// cap makes of the scores. They lie apart, since a row whose last vector is not
// full holds up whoever reads what follows it soon after.
func (a *attend) room(f *Frame, worker, at, rows int) (scores, shares, capped []float32) {
	n := rows * a.keys
	own := f.Pool.Scratch(worker, 3*n)
	scores, shares, capped = own[:n], own[n:2*n], own[2*n:]
	if a.keeps {
		shares = f.State[at:][:n]
	}
	if a.keeps && a.cap > 0 {
		capped = f.State[len(f.State)/2+at:][:n]
	}
	return scores, shares, capped
}

// weigh makes shares of the scores s of queries from one on.
func (a *attend) weigh(f *Frame, shares, s, t []float32, mask, from int) {
	if a.cap > 0 {
		kernel.MulScalar(t, s, 1/a.cap)
		kernel.Tanh(t, t)
		kernel.MulScalar(s, t, a.cap)
	}
	if a.mask == nil && a.left < 0 && a.right < 0 && a.blind == nil {
		kernel.Softmax(shares, s, a.keys)
		return
	}
	for ; len(s) > 0; shares, s, from = shares[a.keys:], s[a.keys:], from+1 {
		a.share(f, shares[:a.keys], s[:a.keys], mask, from)
	}
}

// share makes shares of the scores of query i.
func (a *attend) share(f *Frame, shares, s []float32, mask, i int) {
	from, to := 0, a.keys
	if a.left >= 0 {
		from = min(max(i-a.left, 0), to)
	}
	if a.right >= 0 {
		to = max(min(i+a.right+1, to), from)
	}
	seen := s[from:to]
	if a.mask != nil {
		a.mask.apply(f, seen, mask+i*a.mask.row+from)
	}
	clear(shares[:from])
	clear(shares[to:])
	if a.blind != nil && a.blind(kernel.Largest(seen)) {
		clear(shares[from:to])
		return
	}
	kernel.Softmax(shares[from:to], seen, len(seen))
}

func (a *attend) gradients(f *Frame, worker, lo, hi int) {
	for i := lo * a.within * a.pieces; i < hi*a.within*a.pieces; i++ {
		at, first := a.at(i / a.pieces)
		from := i % a.pieces * a.piece
		a.slopes(f, worker, at, first, from, min(a.piece, a.queries-from))
	}
}

// slopes carries the gradient of some rows of the output to queries, keys and
// values.
func (a *attend) slopes(f *Frame, worker int, at [attendMatrices]int, first [3]bool, from, rows int) {
	place, n := at[attendScores]+from*a.keys, rows*a.keys
	own := f.Pool.Scratch(worker, 3*n)
	dp, ds, behind := own[:n], own[n:2*n], own[2*n:]
	if a.slopesMask(f) {
		ds = f.Scratch[place:][:n]
	}
	beta := func(m int) float32 {
		if !first[m] || m != attendQ && from > 0 {
			return 1
		}
		return a.hold.beta(f, m)
	}
	shares, slope := kernel.Dense(f.State[place:][:n], rows, a.keys), kernel.Dense(dp, rows, a.keys)
	dy := a.rows(attendOut, f.DOut[0].Float32s()[at[attendOut]:], from, rows)
	if dv := a.hold.dx(f, attendV); dv != nil {
		productOn(f.Pool, worker, 1, shares.T(), dy, beta(attendV), a.rows(attendV, dv[at[attendV]:], 0, a.keys))
	}
	productOn(f.Pool, worker, 1, dy, a.rows(attendV, a.hold.x(f, attendV)[at[attendV]:], 0, a.keys).T(), 0, slope)
	kernel.SoftmaxGrad(ds, dp, shares.Data, a.keys)
	slope.Data = ds
	if a.mask != nil && a.mask.returns() {
		for r := range rows {
			a.mask.forget(f, ds[r*a.keys:][:a.keys], at[attendMask]+(from+r)*a.mask.row)
		}
	}
	if a.cap > 0 {
		slope.Data = behind
		kernel.TanhGrad(behind, ds, f.State[len(f.State)/2+place:][:n])
	}
	if dq := a.hold.dx(f, attendQ); dq != nil {
		k := a.rows(attendK, a.hold.x(f, attendK)[at[attendK]:], 0, a.keys)
		productOn(f.Pool, worker, a.scale, slope, k, beta(attendQ), a.rows(attendQ, dq[at[attendQ]:], from, rows))
	}
	if dk := a.hold.dx(f, attendK); dk != nil {
		q := a.rows(attendQ, a.hold.x(f, attendQ)[at[attendQ]:], from, rows)
		productOn(f.Pool, worker, a.scale, slope.T(), q, beta(attendK), a.rows(attendK, dk[at[attendK]:], 0, a.keys))
	}
}

// productOn is productsOf for one product on one worker.
func productOn(p *kernel.Pool, worker int, alpha float32, a, b kernel.Matrix, beta float32, c kernel.Matrix) {
	if c.ColStride != 1 {
		a, b, c = b.T(), a.T(), c.T()
	}
	kernel.GemmOn(p, worker, alpha, a, b, beta, c, nil)
}
