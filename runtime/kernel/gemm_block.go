package kernel

// Sizes of blocks: a panel of B of depth rows stays in the first cache with room
// for the rows of A that pass by, a block of A in the second.
const (
	panelFloats = 8 << 10
	blockFloats = 128 << 10
	blockCols   = 512
)

// depth is how many steps of k are summed before C is written. It does not depend
// on the rows of C, nor on how it is divided, so that sums are always the same.
func (g *product) depth() int {
	limit := panelFloats / min(g.lv.cols, g.lv.panelWidth(max(g.n, 1)))
	if g.adjacentRows() {
		limit = min(limit, fetchDepth)
	}
	parts := (g.k + limit - 1) / limit
	if parts <= 1 {
		return max(g.k, 1)
	}
	return ((g.k+parts-1)/parts + 7) / 8 * 8
}

// fetchDepth is how many steps of A are asked for at a time where its rows are
// adjacent: more would come too late for the first and early for the last.
const fetchDepth = 96

// adjacentRows reports whether A is the transpose of what lies row by row.
func (g *product) adjacentRows() bool { return g.a.RowStride == 1 && g.a.ColStride != 1 }

// blocks is into how many blocks of rows and of columns C is divided for the
// caches.
func (g *product) blocks() (rows, cols int) {
	height := max(blockFloats/g.depth()/g.lv.rows, 1) * g.lv.rows
	return max((g.m+height-1)/height, 1), max((g.n+blockCols-1)/blockCols, 1)
}

// share is the i-th of parts nearly equal runs of [0, n), in units.
func share(n, i, parts, unit int) (from, to int) {
	units := (n + unit - 1) / unit
	return min(units*i/parts*unit, n), min(units*(i+1)/parts*unit, n)
}

// block computes the block (i, j) of rows × cols.
func (g *product) block(w *worker, i, rows, j, cols int) {
	i0, i1 := share(g.m, i, rows, 1)
	j0, j1 := share(g.n, j, cols, g.lv.cols)
	g.area(w, i0, i1, j0, j1, 0, g.k)
}

// area computes rows i0 to i1 and columns j0 to j1 of C, where j0 begins a panel,
// from steps k0 to k1.
func (g *product) area(w *worker, i0, i1, j0, j1, k0, k1 int) {
	if i0 == i1 || j0 == j1 {
		return
	}
	depth := g.depth()
	copyA := g.wantsCopy(i1-i0, j1-j0)
	ahead := g.lv.fetchRows != nil && g.m*g.k > farFloats && g.adjacentRows()
	for from := k0; ; from += depth {
		to := min(from+depth, k1)
		part := g.a.part(i0, i1, from, to)
		now := slab{product: g, i0: i0, k0: from, first: from == k0, last: to == k1}
		if copyA {
			now.a = w.copied(&part)
		} else {
			now.a = newOperand(&part)
			now.ahead = ahead
		}
		now.compute(w, j0, j1)
		if to == k1 {
			break
		}
	}
	g.activate(i0, i1, j0, j1)
}

// wantsCopy reports whether an area of rows × cols is worth a copy of its A:
// A is read again for every panel, and its lines are far apart.
func (g *product) wantsCopy(rows, cols int) bool {
	near, far := g.a.ColStride, g.a.RowStride
	if near > far {
		near, far = far, near
	}
	return g.k > 0 && rows > 1 && cols > 2*g.lv.cols && (near > 1 || far >= copyStride)
}

// copyStride is how far apart lines of A must be for a copy to pay.
const copyStride = 512

// farFloats is how large A must be for it not to be in a near cache before.
const farFloats = 256 << 10

// slab is what is computed of an area for one run of k.
type slab struct {
	*product
	a           operand
	i0, k0      int // where a begins in A
	first, last bool
	ahead       bool // a is far from the processor, and to be asked for in time
}

// prepare sets what all tiles of a slab share.
func (s *slab) prepare(t *tile) {
	t.aRow, t.aK, t.aNext = s.a.row, s.a.col, 0
	t.k, t.segs = s.a.cols, 1
	t.alpha, t.beta = s.alpha, 1
	if s.first {
		t.beta = s.beta
	}
	t.cRow, t.resRow = uintptr(4*s.c.RowStride), uintptr(4*s.res.RowStride)
	t.bias, t.res = nil, nil
}

// compute adds the slab's products to columns j0 to j1.
func (s *slab) compute(w *worker, j0, j1 int) {
	t := &w.tile
	s.prepare(t)
	runs := s.runs(j1 - j0)
	for run := range runs {
		from, to := share(s.a.rows, run, runs, 1)
		for j := j0; j < j1; j += s.lv.cols {
			cols := min(s.lv.cols, j1-j)
			s.setB(w, t, j, cols)
			if s.last && s.bias != nil {
				t.bias = &s.bias[j]
			}
			s.strip(t, j, cols, from, to, s.ahead && j == j0)
		}
	}
}

// runs is into how many runs rows are divided, each of which goes through all
// panels: one, so that panels stay in the first cache, or, if all panels do
// anyway, as many as there are tiles, so that C is written row by row.
func (s *slab) runs(cols int) int {
	if s.lazy || cols <= s.lv.cols || s.a.cols*cols > nearFloats {
		return 1
	}
	return s.tiles(s.a.rows)
}

// nearFloats is how large B may be to stay in the first cache beside A and C.
const nearFloats = 4 << 10

// tiles is how many tiles rows take.
func (s *slab) tiles(rows int) int { return (rows + s.lv.rows - 1) / s.lv.rows }

// setB points the tile to the panel of B from column j on.
func (s *slab) setB(w *worker, t *tile, j, cols int) {
	width := s.lv.panelWidth(cols)
	t.bK = uintptr(4 * width)
	switch {
	case s.panels != nil:
		t.b = &s.panels[j*s.k+s.k0*width]
	case s.lazy:
		panel := w.b.get(s.a.cols * width)
		part := s.b.part(s.k0, s.k0+s.a.cols, j, j+cols)
		s.lv.packPanel(panel, &part, width)
		t.b = &panel[0]
	default:
		t.bK = uintptr(4 * s.b.RowStride)
		t.b = s.b.at(s.k0, j)
	}
}

// strip runs the micro-kernel over rows i to end of A for one panel. Rows are
// dealt out evenly, since tiles of few rows are slow.
func (s *slab) strip(t *tile, j, cols, i, end int, ahead bool) {
	kernels := s.lv.kernels(t, cols)
	tiles := s.tiles(end - i)
	rows, more := (end-i)/tiles, (end-i)%tiles
	for n := range tiles {
		t.rows = rows
		if n < more {
			t.rows++
		}
		t.a = nil
		if s.a.at != nil {
			t.a = offset(s.a.at, uintptr(i)*s.a.row)
		}
		at := s.i0 + i
		t.c = &s.c.Data[at*s.c.RowStride+j]
		if s.last && s.res.Data != nil {
			t.res = &s.res.Data[at*s.res.RowStride+j]
		}
		if ahead {
			s.fetch(n, tiles)
		}
		kernels[t.rows](t)
		i += t.rows
	}
}

// fetch asks for the n-th of parts of A's next slab, if columns are adjacent:
// the processor itself foresees only what follows in a row.
func (s *slab) fetch(n, parts int) {
	from, to := share(s.a.cols, n, parts, 1)
	from, to = s.k0+s.a.cols+from, min(s.k0+s.a.cols+to, s.k)
	if from < to {
		s.lv.fetchRows(s.product.a.at(s.i0, from), s.a.col, s.a.rows/16+1, to-from)
	}
}

// forget lets go of the operands.
func (w *worker) forget() { w.now, w.tile = product{}, tile{} }

// activate applies the epilogue's function to a finished area.
func (g *product) activate(i0, i1, j0, j1 int) {
	if g.act == nil {
		return
	}
	if j0 == 0 && j1 == g.n && g.c.RowStride == g.n {
		g.act(g.c.Data[i0*g.n : i1*g.n])
		return
	}
	for i := i0; i < i1; i++ {
		g.act(g.c.row(i, j0, j1))
	}
}
