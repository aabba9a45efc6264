package op

import (
	"slices"

	"onnxcompress/runtime/kernel"
)

// folding divides a tensor into the lists of which a reduction makes one number
// each. The tensor is a set of runs of inner elements that start at
// kept[i]+within[j]: those of one i are reduced to an element of the output
// where along says so, and to a run of it, column by column, where it does not.
type folding struct {
	kept, within []int
	inner        int
	along        bool
	// chunk is how much of a run of the output is computed at once.
	chunk int
}

// widest is the longest part of a run that is reduced column by column at once.
const widest = 1024

// newFolding reduces the axes marked in drop.
func newFolding(shape []int64, drop []bool) *folding {
	g := &folding{kept: []int{0}, within: []int{0}, inner: 1, chunk: 1}
	type group struct {
		size int64
		drop bool
	}
	var groups []group // neighbours of one kind are one axis
	for axis, d := range shape {
		if k := len(groups) - 1; d != 1 && k >= 0 && groups[k].drop == drop[axis] {
			groups[k].size *= d
		} else if d != 1 {
			groups = append(groups, group{d, drop[axis]})
		}
	}
	if len(groups) == 0 {
		return g
	}
	last := groups[len(groups)-1]
	g.inner, g.along = int(last.size), last.drop
	if !g.along {
		g.chunk = max(min(g.inner, widest), 1)
	}
	step := g.inner
	for _, group := range slices.Backward(groups[:len(groups)-1]) {
		list := &g.kept
		if group.drop {
			list = &g.within
		}
		next := make([]int, 0, len(*list)*int(group.size))
		for i := range int(group.size) {
			for _, at := range *list {
				next = append(next, i*step+at)
			}
		}
		*list, step = next, step*int(group.size)
	}
	return g
}

// length is the number of elements of a list.
func (g *folding) length() int {
	if g.along {
		return len(g.within) * g.inner
	}
	return len(g.within)
}

// count is the number of lists.
func (g *folding) count() int {
	if g.along {
		return len(g.kept)
	}
	return len(g.kept) * g.inner
}

// lists has body compute the lists in pieces: those of n elements of the output
// from at on, whose runs start at from in the input. n is one where the runs
// are reduced along.
func (g *folding) lists(body func(f *Frame, worker, at, from, n int)) func(*Frame) {
	pieces := 1
	if !g.along {
		pieces = (g.inner + g.chunk - 1) / g.chunk
	}
	cost := len(g.within) * min(g.inner, max(g.chunk, choose(g.along, g.inner, 1)))
	return shared(len(g.kept)*pieces, cost, func(f *Frame, worker, lo, hi int) {
		for u := lo; u < hi; u++ {
			if g.along {
				body(f, worker, u, g.kept[u], 1)
				continue
			}
			i, c := u/pieces, u%pieces*g.chunk
			body(f, worker, i*g.inner+c, g.kept[i]+c, min(g.chunk, g.inner-c))
		}
	})
}

// run is the part of a run j of lists that start at from which n elements of the
// output depend on.
func (g *folding) run(x []float32, from, j, n int) []float32 {
	if g.along {
		n = g.inner
	}
	return x[from+g.within[j]:][:n]
}

// adjacent reports that the runs of n columns lie one after the other.
func (g *folding) adjacent(n int) bool {
	return !g.along && n == g.inner && len(g.within) > 0 && g.within[len(g.within)-1] == (len(g.within)-1)*g.inner
}

// sums sets to, one element per list, to the sum of runs of x.
func (g *folding) sums(to, x []float32, from int) {
	n := len(to)
	switch {
	case g.along:
		sum := 0.0
		for j := range g.within {
			sum += kernel.Sum(g.run(x, from, j, 1))
		}
		to[0] = float32(sum)
	case g.adjacent(n):
		clear(to)
		kernel.SumRows(to, x[from:][:len(g.within)*n])
	default:
		clear(to)
		for j := range g.within {
			kernel.Add(to, to, g.run(x, from, j, n))
		}
	}
}

// products sets to, one element per list, to the sum of the products of x and y.
func (g *folding) products(to, x, y []float32, from int) {
	if g.along {
		sum := 0.0
		for j := range g.within {
			sum += kernel.Dot(g.run(x, from, j, 1), g.run(y, from, j, 1))
		}
		to[0] = float32(sum)
		return
	}
	clear(to)
	for j := range g.within {
		kernel.MulAdd(to, g.run(x, from, j, len(to)), g.run(y, from, j, len(to)))
	}
}
