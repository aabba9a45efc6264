package kernel

import "fmt"

// Batch is a set of products of the same size whose operands are regular in
// memory: along axis i it has Sizes[i] products, and from one to the next it is
// A[i], B[i] and C[i] numbers in the operands' data. Strides are not negative.
type Batch struct {
	Sizes, A, B, C []int
}

// GemmBatch computes C = alpha·A·B + beta·C, as Gemm does, for all products of a
// batch. The matrices are those of the first product, their Data reaches to the
// end of the last. Results must not overlap.
func GemmBatch(p *Pool, n Batch, alpha float32, a, b Matrix, beta float32, c Matrix) {
	count := n.count()
	if count == 0 {
		return
	}
	g := newProduct(alpha, a, beta, c, nil)
	g.setB(b)
	n.check("A", &a, n.A)
	n.check("B", &b, n.B)
	n.check("C", &c, n.C)
	s := &p.products
	s.now = g
	defer s.forget()
	s.batch.set(n)
	parts := s.batch.divide(&g, p.Threads(), count)
	if p.Threads() == 1 || g.work() < aloneWork && g.work()*count < aloneWork {
		for part := range parts {
			s.items(part, 0)
		}
		return
	}
	p.Run(parts, s.items)
}

// batch is a Batch divided into parts.
type batch struct {
	Batch
	products int // of the batch
	group    int // products in a part, if rows is 1
	rows     int // parts of rows that a product is divided into
}

// set copies n, which is then the caller's to do with as it likes, and needs
// no memory of its own.
func (b *batch) set(n Batch) {
	b.Sizes = append(b.Sizes[:0], n.Sizes...)
	b.A, b.B, b.C = append(b.A[:0], n.A...), append(b.B[:0], n.B...), append(b.C[:0], n.C...)
}

// divide returns the number of parts.
func (b *batch) divide(g *product, threads, count int) int {
	b.products, b.group, b.rows = count, 1, 1
	if count >= 2*threads {
		b.group = max(min(partWork/max(g.work(), 1), count/(4*threads)), 1)
		return (count + b.group - 1) / b.group
	}
	most := min(max(g.work()/(4*partWork), 1), (g.m+g.lv.rows-1)/g.lv.rows)
	b.rows = max(min((4*threads+count-1)/count, most), 1)
	return count * b.rows
}

// part computes one part of the batch, all of whose products are like first.
func (b *batch) part(first *product, w *worker, part int) {
	if b.rows > 1 {
		item, i := part/b.rows, part%b.rows
		from, to := share(first.m, i, b.rows, 1)
		b.item(first, w, item, from, to)
		return
	}
	for item := part * b.group; item < min((part+1)*b.group, b.products); item++ {
		b.item(first, w, item, 0, first.m)
	}
}

// item computes rows from to of the product of an index.
func (b *batch) item(first *product, w *worker, index, from, to int) {
	g := *first
	var atA, atB, atC int
	for axis := len(b.Sizes) - 1; axis >= 0; axis-- {
		i := index % b.Sizes[axis]
		index /= b.Sizes[axis]
		atA, atB, atC = atA+i*b.A[axis], atB+i*b.B[axis], atC+i*b.C[axis]
	}
	if g.m == 0 || g.n == 0 {
		return
	}
	g.c.Data = g.c.Data[atC:]
	if g.k > 0 {
		g.a.Data, g.b.Data = g.a.Data[atA:], g.b.Data[atB:]
	}
	g.a, g.c, g.m = g.a.part(from, to, 0, g.k), g.c.part(from, to, 0, g.n), to-from
	g.runOn(w)
}

// count is the number of products.
func (b *Batch) count() int {
	if len(b.A) != len(b.Sizes) || len(b.B) != len(b.Sizes) || len(b.C) != len(b.Sizes) {
		panic(fmt.Sprintf("kernel: a batch of %d axes with %d, %d and %d strides",
			len(b.Sizes), len(b.A), len(b.B), len(b.C)))
	}
	n := 1
	for _, size := range b.Sizes {
		if size < 0 {
			panic(fmt.Sprintf("kernel: a batch of %d products", size))
		}
		n *= size
	}
	return n
}

// check panics unless all matrices of the batch lie in the data of m.
func (b *Batch) check(name string, m *Matrix, strides []int) {
	if m.Rows == 0 || m.Cols == 0 {
		return
	}
	left := len(m.Data) - 1 - (m.Rows-1)*m.RowStride - (m.Cols-1)*m.ColStride
	for axis, stride := range strides {
		steps := b.Sizes[axis] - 1
		if stride < 0 || stride > 0 && steps > left/stride {
			panic(fmt.Sprintf("kernel: matrices %s of %d×%d, %d of them with stride %d, do not fit %d numbers",
				name, m.Rows, m.Cols, b.Sizes[axis], stride, len(m.Data)))
		}
		left -= steps * stride
	}
}
