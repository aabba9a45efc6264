package obs

import (
	"math"
	"slices"
)

// reader is a product that reads channels of a family, and what is left to
// remove of it: the inverse of its damped moments and its weights, both without
// what has gone.
type reader struct {
	width, out int
	inverse    []float64 // width by width
	weights    []float64 // width by out: the columns of the matrix as rows
	energy     float64
	// columns are those of each group of the family, by its place there.
	columns [][]int
}

// newReader takes over second. matrix is out by width.
func newReader(second, matrix []float64, width, out int, columns [][]int) *reader {
	r := &reader{width: width, out: out, columns: cloned(columns), weights: transposed(matrix, out, width)}
	r.energy = energy(second, r.weights, width, out)
	if r.energy <= 0 {
		return nil
	}
	damp(second, width)
	c, ok := factorise(second, width)
	if !ok {
		return nil
	}
	var err error
	if r.inverse, err = inverse(c, width); err != nil {
		return nil
	}
	return r
}

// energy is tr(W H Wᵀ) for Wᵀ row by row.
func energy(second, weights []float64, width, out int) float64 {
	image := make([]float64, width*out)
	subtract(image, second, weights, width, width, out)
	sum := 0.0
	for i, v := range image {
		sum -= v * weights[i]
	}
	return sum
}

// block is [H⁻¹]_SS as its Cholesky factor, lower, row by row; nil where it has
// none.
func (r *reader) block(s []int) []float64 {
	n := len(s)
	l := make([]float64, n*n)
	for i := range n {
		for j := 0; j <= i; j++ {
			sum := r.inverse[s[i]*r.width+s[j]]
			for k := range j {
				sum -= l[i*n+k] * l[j*n+k]
			}
			if i > j {
				l[i*n+j] = sum / l[j*n+j]
				continue
			}
			if sum <= 0 {
				return nil
			}
			l[i*n+i] = math.Sqrt(sum)
		}
	}
	return l
}

// solve gives L⁻¹ B for B with rows s of v, which is columns wide.
func solve(l, v []float64, s []int, columns int) []float64 {
	n := len(s)
	x := make([]float64, n*columns)
	for i := range n {
		row := x[i*columns : (i+1)*columns]
		copy(row, v[s[i]*columns:(s[i]+1)*columns])
		for k := range i {
			f := l[i*n+k]
			for j, y := range x[k*columns : (k+1)*columns] {
				row[j] -= f * y
			}
		}
		f := 1 / l[i*n+i]
		for j := range row {
			row[j] *= f
		}
	}
	return x
}

// damage is what the output changes by when a group goes, in units of its
// energy.
func (r *reader) damage(group int) float64 {
	s := r.columns[group]
	l := r.block(s)
	if l == nil {
		return 0
	}
	sum := 0.0
	for _, x := range solve(l, r.weights, s, r.out) {
		sum += x * x
	}
	return sum / r.energy
}

// remove fits the rest anew without a group.
func (r *reader) remove(group int) {
	s := r.columns[group]
	l := r.block(s)
	if l == nil || len(s) == 0 {
		return
	}
	rows := solve(l, r.inverse, s, r.width)
	weights := solve(l, r.weights, s, r.out)
	s = slices.Clone(s)
	subtract(r.weights, rows, weights, len(s), r.width, r.out)
	subtract(r.inverse, rows, rows, len(s), r.width, r.width)
	r.drop(s)
}

// drop leaves columns out of what is kept of the matrices: what goes on works
// on less and less.
func (r *reader) drop(s []int) {
	place := make([]int, r.width)
	for _, j := range s {
		place[j] = -1
	}
	left := 0
	for j := range place {
		if place[j] == 0 {
			place[j] = left
			left++
		}
	}
	for i := range r.width {
		if place[i] < 0 {
			continue
		}
		copy(r.weights[place[i]*r.out:], r.weights[i*r.out:(i+1)*r.out])
		for j, to := range place {
			if to >= 0 {
				r.inverse[place[i]*left+to] = r.inverse[i*r.width+j]
			}
		}
	}
	r.width, r.inverse, r.weights = left, r.inverse[:left*left], r.weights[:left*r.out]
	for g, list := range r.columns {
		kept := list[:0]
		for _, j := range list {
			if place[j] >= 0 {
				kept = append(kept, place[j])
			}
		}
		r.columns[g] = kept
	}
}

// order removes the groups of a family one after the other, the least harmful
// first, and gives for each what its going adds to the damage done. Large
// families lose several at a time.
func order(readers []*reader, groups int) (list []int, damages []float64) {
	const rounds = 128
	gone := make([]bool, groups)
	damages = make([]float64, groups)
	worst := 0.0
	for len(list) < groups {
		left := make([]int, 0, groups-len(list))
		now := make([]float64, groups)
		for i := range groups {
			if !gone[i] {
				left = append(left, i)
			}
		}
		eachInParallel(len(left), func(i int) {
			for _, r := range readers {
				now[left[i]] += r.damage(left[i])
			}
		})
		for range min((groups+rounds-1)/rounds, len(left)) {
			best := -1
			for _, i := range left {
				if !gone[i] && (best < 0 || now[i] < now[best]) {
					best = i
				}
			}
			gone[best] = true
			list = append(list, best)
			worst = max(worst, now[best])
			damages[best] = worst
			for _, r := range readers {
				r.remove(best)
			}
		}
	}
	return list, damages
}

func cloned(lists [][]int) [][]int {
	own := make([][]int, len(lists))
	for i, list := range lists {
		own[i] = slices.Clone(list)
	}
	return own
}
