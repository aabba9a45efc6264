package kernel

// Sizes of blocks: a panel of B of depth rows stays in the first cache with room
// for the rows of A that pass by, a block of A in the second.
const (
	panelFloats = 8 << 10
	blockFloats = 64 << 10
	blockCols   = 512
)

// depth is how many steps of k are summed before C is written. It depends on
// nothing but the level, k and the width of C, so that sums are the same however
// C is divided.
func (g *product) depth() int {
	limit := panelFloats / min(g.lv.cols, g.lv.panelWidth(max(g.n, 1)))
	parts := (g.k + limit - 1) / limit
	if parts <= 1 {
		return max(g.k, 1)
	}
	return (g.k/parts + 8) / 8 * 8
}

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
	for from := k0; ; from += depth {
		to := min(from+depth, k1)
		part := g.a.part(i0, i1, from, to)
		var a operand
		if copyA {
			a = w.copied(&part)
		} else {
			a = newOperand(&part)
		}
		g.slab(w, &a, i0, j0, j1, from, from == k0, to == k1)
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

// slab adds the products of A, which is the area's from row i0 and step k0 on,
// to columns j0 to j1.
func (g *product) slab(w *worker, a *operand, i0, j0, j1, k0 int, first, last bool) {
	t := &w.tile
	t.aRow, t.aK, t.aNext = a.row, a.col, 0
	t.k, t.segs = a.cols, 1
	t.alpha, t.beta = g.alpha, 1
	if first {
		t.beta = g.beta
	}
	t.cRow, t.resRow = uintptr(4*g.c.RowStride), uintptr(4*g.res.RowStride)
	t.bias, t.res = nil, nil
	for j := j0; j < j1; j += g.lv.cols {
		cols := min(g.lv.cols, j1-j)
		if g.panels != nil {
			width := g.lv.panelWidth(cols)
			t.bK = uintptr(4 * width)
			t.b = &g.panels[j*g.k+k0*width]
		} else {
			t.bK = uintptr(4 * g.b.RowStride)
			t.b = g.b.at(k0, j)
		}
		if last && g.bias != nil {
			t.bias = &g.bias[j]
		}
		g.strip(t, a, i0, j, cols, last && g.res.Data != nil)
	}
	w.tile.forget()
}

// strip runs the micro-kernel over the rows of A for one panel. Rows are dealt
// out evenly, since tiles of few rows are slow.
func (g *product) strip(t *tile, a *operand, i0, j, cols int, residual bool) {
	kernels := g.lv.kernels(t, cols)
	tiles := (a.rows + g.lv.rows - 1) / g.lv.rows
	rows, more := a.rows/tiles, a.rows%tiles
	i := 0
	for n := range tiles {
		t.rows = rows
		if n < more {
			t.rows++
		}
		t.a = nil
		if a.at != nil {
			t.a = offset(a.at, uintptr(i)*a.row)
		}
		t.c = &g.c.Data[(i0+i)*g.c.RowStride+j]
		if residual {
			t.res = &g.res.Data[(i0+i)*g.res.RowStride+j]
		}
		kernels[t.rows](t)
		i += t.rows
	}
}

// forget lets go of the operands.
func (t *tile) forget() {
	t.a, t.b, t.c, t.bias, t.res = nil, nil, nil, nil, nil
}

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
