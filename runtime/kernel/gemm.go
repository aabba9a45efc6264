package kernel

import "fmt"

// Epilogue is what is done to a finished product while it is in the cache. What is nil is
// not done.
type Epilogue struct {
	// Bias has a number for each column, to add.
	Bias []float32
	// Residual is a matrix to add, of the product's size, with adjacent columns.
	// It must not overlap the product.
	Residual Matrix
	// Act changes numbers one by one, in place. It is called, by several workers at
	// once, for runs of the product.
	Act func(x []float32)
}

// Gemm computes C = alpha·A·B + beta·C, and then the epilogue, if there is one.
// A and B may have any strides, so that transposes are views (Matrix.T). The
// columns of C are adjacent, its rows do not overlap, and it overlaps neither A
// nor B. If beta is 0, C is not read. Results don't depend on which worker
// computes what, but may depend on how many there are. It panics if sizes don't
// match or a matrix doesn't fit its slice.
func Gemm(p *Pool, alpha float32, a, b Matrix, beta float32, c Matrix, e *Epilogue) {
	g := newProduct(alpha, a, beta, c, e)
	g.setB(b)
	p.products.run(p, &g)
}

// GemmOn is Gemm on one worker, to be called in a part of p.Run.
func GemmOn(p *Pool, worker int, alpha float32, a, b Matrix, beta float32, c Matrix, e *Epilogue) {
	g := newProduct(alpha, a, beta, c, e)
	g.setB(b)
	g.runOn(p.workers[worker])
}

// GemmPacked is Gemm for a matrix B that was packed before.
func GemmPacked(p *Pool, alpha float32, a Matrix, b *Packed, beta float32, c Matrix, e *Epilogue) {
	g := newProduct(alpha, a, beta, c, e)
	g.setPacked(b)
	p.products.run(p, &g)
}

// GemmPackedOn is GemmPacked on one worker, to be called in a part of p.Run.
func GemmPackedOn(p *Pool, worker int, alpha float32, a Matrix, b *Packed, beta float32, c Matrix, e *Epilogue) {
	g := newProduct(alpha, a, beta, c, e)
	g.setPacked(b)
	g.runOn(p.workers[worker])
}

// product is one matrix product.
type product struct {
	lv          *level
	m, n, k     int
	alpha, beta float32
	a, b, c     Matrix
	panels      []float32 // B packed, or nil: as it is
	lazy        bool      // panels of B are packed when they are used
	bias        []float32
	res         Matrix
	act         func(x []float32)
}

// newProduct is a product but for its B, checked.
func newProduct(alpha float32, a Matrix, beta float32, c Matrix, e *Epilogue) product {
	a.check("A")
	c.checkResult("C")
	g := product{lv: active, m: c.Rows, n: c.Cols, k: a.Cols, alpha: alpha, beta: beta, a: a, c: c}
	if a.Rows != c.Rows {
		panic(fmt.Sprintf("kernel: a product of %d×%d from A of %d×%d", c.Rows, c.Cols, a.Rows, a.Cols))
	}
	if e == nil {
		return g
	}
	g.bias, g.res, g.act = e.Bias, e.Residual, e.Act
	if g.bias != nil && len(g.bias) != g.n {
		panic(fmt.Sprintf("kernel: a bias of %d numbers for %d columns", len(g.bias), g.n))
	}
	if g.res.Data != nil {
		g.res.checkResult("Residual")
		if g.res.Rows != g.m || g.res.Cols != g.n {
			panic(fmt.Sprintf("kernel: a residual of %d×%d for a product of %d×%d", g.res.Rows, g.res.Cols, g.m, g.n))
		}
	}
	return g
}

func (g *product) setB(b Matrix) {
	b.check("B")
	g.b = b
	g.checkB(b.Rows, b.Cols)
}

func (g *product) setPacked(b *Packed) {
	g.lv, g.panels = b.lv, b.panels
	g.checkB(b.rows, b.cols)
}

func (g *product) checkB(rows, cols int) {
	if rows != g.k || cols != g.n {
		panic(fmt.Sprintf("kernel: a product of %d×%d from A of %d×%d and B of %d×%d", g.m, g.n, g.m, g.k, rows, cols))
	}
}

// work is the number of multiplications.
func (g *product) work() int { return g.m * g.n * max(g.k, 1) }

// setPacking decides how B is read: as it is, or packed; and packed at once or,
// where each panel is used for one block of rows only, when it is used. It
// returns true if B is to be packed at once.
func (g *product) setPacking(blocks int) bool {
	if g.panels != nil || g.k == 0 || g.m == 0 || g.n == 0 {
		return false
	}
	far := g.b.ColStride != 1 && g.n > 1
	// A narrow matrix is a panel already.
	if !far && (g.n <= g.lv.cols || g.m < packRows) {
		return false
	}
	g.lazy = blocks == 1
	return !g.lazy
}

// packRows is how many rows of C make up for the copying of B.
const packRows = 48

// runOn computes the product on one worker.
func (g *product) runOn(w *worker) {
	// It is computed there and not where it is, since it is handed to functions
	// unknown to the compiler: each product would have to be allocated.
	w.now = *g
	w.compute(&w.now)
	w.forget()
}

func (w *worker) compute(g *product) {
	rows, cols := g.blocks()
	if g.setPacking(rows) {
		g.panels = w.b.get(panelsSize(g.lv, g.k, g.n))
		g.lv.packPanels(g.panels, &g.b, 0, g.n, 0, g.k)
	}
	for i := range rows {
		for j := range cols {
			g.block(w, i, rows, j, cols)
		}
	}
}
