package op

import "slices"

// spread is a broadcast as a kernel wants it: count runs of inner elements of
// the output. Along a run each operand either advances with the output or
// stays where it is; from run to run it moves as outer says.
type spread struct {
	inner, count int
	// step is 1 for an operand that advances along a run, 0 for one that stays.
	step []int
	// shape are the axes over runs, outer the operands' strides along them.
	shape []int
	outer [][]int
}

// newSpread joins axes along which all operands behave alike.
func newSpread(out []int64, operands ...[]int64) *spread {
	type axis struct {
		size    int
		strides []int
	}
	all := make([][]int64, len(operands))
	for k, shape := range operands {
		all[k] = broadcastStrides(shape, len(out))
	}
	var axes []axis // from the last
	for i := len(out) - 1; i >= 0; i-- {
		if out[i] == 1 {
			continue
		}
		a := axis{size: int(out[i])}
		for k := range operands {
			a.strides = append(a.strides, int(all[k][i]))
		}
		if n := len(axes); n > 0 {
			last := &axes[n-1]
			joins := true
			for k := range operands {
				joins = joins && a.strides[k] == last.strides[k]*last.size
			}
			if joins {
				last.size *= a.size
				continue
			}
		}
		axes = append(axes, a)
	}
	s := &spread{inner: 1, count: 1, step: make([]int, len(operands)), outer: make([][]int, len(operands))}
	if len(axes) > 0 {
		s.inner = axes[0].size
		for k, stride := range axes[0].strides {
			s.step[k] = min(stride, 1)
		}
		axes = axes[1:]
	}
	for _, a := range slices.Backward(axes) {
		s.shape = append(s.shape, a.size)
		s.count *= a.size
		for k, stride := range a.strides {
			s.outer[k] = append(s.outer[k], stride)
		}
	}
	if product(out) == 0 {
		s.count = 0
	}
	return s
}

// at is where operand k is in run i.
func (s *spread) at(k, i int) int {
	place := 0
	for axis := len(s.shape) - 1; axis >= 0; axis-- {
		place += i % s.shape[axis] * s.outer[k][axis]
		i /= s.shape[axis]
	}
	return place
}

// run is operand k's part of a run from element lo on, to n elements: n where it
// advances, one where it stays.
func (s *spread) run(x []float32, k, at, lo, n int) []float32 {
	if s.step[k] == 0 {
		return x[at : at+1]
	}
	return x[at+lo : at+lo+n]
}

// repeats reports whether operand k is read more than once for an element.
func (s *spread) repeats(k int) bool {
	if s.step[k] == 0 && s.inner > 1 {
		return true
	}
	return slices.Contains(s.outer[k], 0)
}

// each calls f for the pieces of runs that elements lo to hi of the output lie
// in: run i from its element from on, n elements.
func (s *spread) each(lo, hi int, f func(i, from, n int)) {
	for lo < hi {
		i, from := lo/s.inner, lo%s.inner
		n := min(s.inner-from, hi-lo)
		f(i, from, n)
		lo += n
	}
}
