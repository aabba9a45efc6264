package op

import (
	"cmp"
	"slices"

	"onnxcompress/runtime/kernel"
)

// extent is a label of a sum of products, with its size and how far a step along
// it is in each of the operands and the result; 0 where one has not got it.
type extent struct {
	size   int
	stride [3]int
}

// kind tells in which of the three an extent is.
func (e extent) kind() [3]bool {
	return [3]bool{e.stride[0] != 0, e.stride[1] != 0, e.stride[2] != 0}
}

var (
	inAll    = [3]bool{true, true, true}
	inRows   = [3]bool{true, false, true}
	inCols   = [3]bool{false, true, true}
	inSummed = [3]bool{true, true, false}
)

// contraction is a sum of products of two operands as a stack of matrix
// products: rows × inner × cols, for each of starts in turn, which are added up.
type contraction struct {
	rows, inner, cols extent
	batch             kernel.Batch
	starts            [][3]int
	// size is the number of elements of the result; empty says that there is
	// nothing to sum.
	size  int
	empty bool
}

// newContraction turns a sum over extents into products; ok is false where one
// operand alone is summed over, or neither has an axis of the result.
func newContraction(extents []extent) (c contraction, ok bool) {
	c.size = 1
	var rest []extent
	for _, e := range extents {
		if e.stride[2] != 0 {
			c.size *= e.size
		}
		c.empty = c.empty || e.size == 0
		if e.size != 1 {
			rest = append(rest, e)
		}
	}
	for _, e := range rest {
		if k := e.kind(); k != inAll && k != inRows && k != inCols && k != inSummed {
			return c, false
		}
	}
	if c.starts = [][3]int{{}}; c.empty {
		return c, true
	}
	rest = merged(rest)
	one := extent{size: 1, stride: [3]int{1, 1, 1}}
	c.rows, c.inner, c.cols = one, one, one
	rest = c.choose(rest)
	for _, e := range rest {
		if e.kind() != inSummed {
			b := &c.batch
			b.Sizes = append(b.Sizes, e.size)
			b.A, b.B, b.C = append(b.A, e.stride[0]), append(b.B, e.stride[1]), append(b.C, e.stride[2])
			continue
		}
		var more [][3]int
		for _, at := range c.starts {
			for i := range e.size {
				more = append(more, [3]int{at[0] + i*e.stride[0], at[1] + i*e.stride[1], at[2]})
			}
		}
		c.starts = more
	}
	return c, true
}

// merged joins extents that step through all three as one would.
func merged(list []extent) []extent {
	for again := true; again; {
		again = false
		for i := range list {
			for j := range list {
				a, b := list[i], list[j]
				if i == j || a.kind() != b.kind() {
					continue
				}
				if n := b.size; a.stride == [3]int{b.stride[0] * n, b.stride[1] * n, b.stride[2] * n} {
					list[j].size *= a.size
					list, again = slices.Delete(list, i, i+1), true
					break
				}
			}
			if again {
				break
			}
		}
	}
	return list
}

// choose takes out the extents that become rows, columns and what is summed:
// the largest of each, but one of rows and columns must be adjacent in the
// result. Where neither is, every element is a product of its own.
func (c *contraction) choose(list []extent) []extent {
	take := func(kind [3]bool, adjacent bool) (e extent, ok bool) {
		best := -1
		for i, e := range list {
			if e.kind() == kind && (!adjacent || e.stride[2] == 1) && (best < 0 || cmp.Less(list[best].size, e.size)) {
				best = i
			}
		}
		if best < 0 {
			return e, false
		}
		e = list[best]
		list = slices.Delete(list, best, best+1)
		return e, true
	}
	if e, ok := take(inSummed, false); ok {
		c.inner = e
	}
	hasRows := slices.ContainsFunc(list, func(e extent) bool { return e.kind() == inRows })
	hasCols := slices.ContainsFunc(list, func(e extent) bool { return e.kind() == inCols })
	if e, ok := take(inCols, hasRows); ok {
		c.cols = e
		if e, ok := take(inRows, false); ok {
			c.rows = e
		}
	} else if e, ok := take(inRows, hasCols); ok {
		c.rows = e
		if e, ok := take(inCols, false); ok {
			c.cols = e
		}
	}
	return list
}

// product computes the result z, or adds to it.
func (c *contraction) product(f *Frame, x, y, z []float32, add bool) {
	if c.empty {
		if !add {
			clear(z)
		}
		return
	}
	a := pitch{c.rows.stride[0], c.inner.stride[0]}
	b := pitch{c.inner.stride[1], c.cols.stride[1]}
	to := pitch{c.rows.stride[2], c.cols.stride[2]}
	// A single row or column may as well be an adjacent one.
	if c.cols.size == 1 {
		to.col = 1
	} else if c.rows.size == 1 {
		to.row = 1
	}
	for i, at := range c.starts {
		beta := float32(1)
		if i == 0 && !add {
			beta = 0
		}
		productsOf(f.Pool, c.batch, 1, a.view(x[at[0]:], c.rows.size, c.inner.size), b.view(y[at[1]:], c.inner.size, c.cols.size), beta, to.view(z[at[2]:], c.rows.size, c.cols.size))
	}
}
