package depgraph

import (
	"slices"

	"onnxcompress/graph/op"
)

// factoring splits the spaces of a component into segments, and segments into
// row-major factors, so that every link ties whole factors. It is how a
// 2304-wide projection becomes three segments of 12 heads by 64.
type factoring struct {
	*spaces
	component
	local  map[int32]int // place in component.spaces
	cuts   [][]int64     // ascending segment bounds by space
	base   []int         // first segment by space
	class  forest        // of segments
	bounds map[int32][]int64
	ties   []digitTie
	// first is the first factor of each segment class; factors unites them.
	first   map[int32]int32
	factors forest
}

// digitTie is a tie of digits between two segment classes.
type digitTie struct {
	a, b             int32
	strideA, strideB int64
	size             int64
}

// factorise fails where digits and segments do not nest.
func factorise(s *spaces, c component) (*factoring, bool) {
	f := &factoring{spaces: s, component: c, local: make(map[int32]int, len(c.spaces))}
	for i, id := range c.spaces {
		f.local[id] = i
	}
	for _, l := range c.links {
		if l.kind == op.Index {
			return nil, false
		}
	}
	f.segment()
	return f, f.nest() && f.tieFactors()
}

// segment cuts spaces wherever a range begins or ends, to a fixpoint.
func (f *factoring) segment() {
	type cut struct {
		space int
		at    int64
	}
	f.cuts = make([][]int64, len(f.component.spaces))
	var work []cut
	add := func(space int, at int64) {
		i, found := slices.BinarySearch(f.cuts[space], at)
		if !found {
			f.cuts[space] = slices.Insert(f.cuts[space], i, at)
			work = append(work, cut{space, at})
		}
	}
	ranges := make([][]spaceLink, len(f.cuts))
	for i, id := range f.component.spaces {
		add(i, 0)
		add(i, f.all[id].size)
	}
	for _, l := range f.component.links {
		if l.kind != op.Range {
			continue
		}
		a, b := f.local[l.a], f.local[l.b]
		ranges[a] = append(ranges[a], l)
		ranges[b] = append(ranges[b], spaceLink{a: l.b, b: l.a, offA: l.offB, offB: l.offA, n: l.n})
		add(a, l.offA)
		add(a, l.offA+l.n)
		add(b, l.offB)
		add(b, l.offB+l.n)
	}
	for len(work) > 0 {
		c := work[len(work)-1]
		work = work[:len(work)-1]
		for _, l := range ranges[c.space] {
			if l.offA < c.at && c.at < l.offA+l.n {
				add(f.local[l.b], c.at-l.offA+l.offB)
			}
		}
	}
	f.classify()
}

// classify unites the segments that ranges make one.
func (f *factoring) classify() {
	total := 0
	for _, cuts := range f.cuts {
		f.base = append(f.base, total)
		total += len(cuts) - 1
	}
	f.class = newForest(total)
	for _, l := range f.component.links {
		if l.kind != op.Range || l.n == 0 {
			continue
		}
		a, b := f.local[l.a], f.local[l.b]
		i, _ := slices.BinarySearch(f.cuts[a], l.offA)
		j, _ := slices.BinarySearch(f.cuts[b], l.offB)
		for f.cuts[a][i] < l.offA+l.n {
			f.class.unite(int32(f.base[a]+i), int32(f.base[b]+j))
			i++
			j++
		}
	}
}

// segments calls do with each segment of a space: its bounds and its class.
func (f *factoring) segments(id int32, do func(lo, n int64, class int32)) {
	s := f.local[id]
	cuts := f.cuts[s]
	for i := range len(cuts) - 1 {
		do(cuts[i], cuts[i+1]-cuts[i], f.class.root(int32(f.base[s]+i)))
	}
}

// nest finds the strides at which every segment class divides, to a fixpoint,
// and tells whether they form a chain of divisors.
func (f *factoring) nest() bool {
	f.bounds = map[int32][]int64{}
	for _, id := range f.component.spaces {
		f.segments(id, func(_, n int64, class int32) { f.bounds[class] = []int64{1, n} })
	}
	var work []int32
	add := func(class int32, at int64) {
		i, found := slices.BinarySearch(f.bounds[class], at)
		if !found {
			f.bounds[class] = slices.Insert(f.bounds[class], i, at)
			work = append(work, class)
		}
	}
	ok := true
	digit := func(id int32, stride, size int64) (classes []int32) {
		f.segments(id, func(lo, n int64, class int32) {
			if whole(op.Digit{Stride: stride, Size: size}, f.all[id].size) && n == size {
				classes = append(classes, class)
				return
			}
			if lo%(stride*size) != 0 || n%(stride*size) != 0 {
				ok = false
				return
			}
			add(class, stride)
			add(class, stride*size)
			classes = append(classes, class)
		})
		return classes
	}
	for _, l := range f.component.links {
		if l.kind != op.Tie {
			continue
		}
		for _, a := range digit(l.a, l.strideA, l.size) {
			for _, b := range digit(l.b, l.strideB, l.size) {
				f.ties = append(f.ties, digitTie{a, b, l.strideA, l.strideB, l.size})
			}
		}
	}
	for _, id := range f.component.spaces {
		for _, p := range f.all[id].pins {
			if !whole(op.Digit{Stride: p.stride, Size: p.size}, f.all[id].size) {
				digit(id, p.stride, p.size)
			}
		}
	}
	if !ok {
		return false
	}
	return f.propagate(work, add)
}

func (f *factoring) propagate(work []int32, add func(int32, int64)) bool {
	touching := map[int32][]digitTie{}
	for _, t := range f.ties {
		touching[t.a] = append(touching[t.a], t)
		touching[t.b] = append(touching[t.b], digitTie{t.b, t.a, t.strideB, t.strideA, t.size})
		work = append(work, t.a, t.b)
	}
	for pass := 0; pass < len(work); pass++ {
		for _, t := range touching[work[pass]] {
			for _, at := range slices.Clone(f.bounds[t.a]) {
				if t.strideA < at && at < t.strideA*t.size {
					if at%t.strideA != 0 {
						return false
					}
					before := len(f.bounds[t.b])
					add(t.b, at/t.strideA*t.strideB)
					if len(f.bounds[t.b]) > before {
						work = append(work, t.b)
					}
				}
			}
		}
		if len(work) > 1<<22 {
			return false
		}
	}
	for _, bounds := range f.bounds {
		for i := 1; i < len(bounds); i++ {
			if bounds[i]%bounds[i-1] != 0 {
				return false
			}
		}
	}
	return true
}

// tieFactors numbers the factors and unites those that digits tie.
func (f *factoring) tieFactors() bool {
	f.first = map[int32]int32{}
	total := int32(0)
	for class := range f.class {
		if f.class.root(int32(class)) == int32(class) {
			f.first[int32(class)] = total
			total += int32(len(f.bounds[int32(class)]))
		}
	}
	f.factors = newForest(int(total))
	for _, t := range f.ties {
		a, b := f.within(t.a, t.strideA, t.size), f.within(t.b, t.strideB, t.size)
		if len(a) != len(b) {
			return false
		}
		for i := range a {
			if a[i].size != b[i].size {
				return false
			}
			f.factors.unite(a[i].id, b[i].id)
		}
	}
	return true
}

// factor is one digit of a segment class.
type factor struct {
	id           int32
	stride, size int64
}

// within lists the factors of a class that make up a digit, lowest stride
// first.
func (f *factoring) within(class int32, stride, size int64) []factor {
	bounds := f.bounds[class]
	var list []factor
	for i := range len(bounds) - 1 {
		if bounds[i] >= stride && bounds[i+1] <= stride*size {
			list = append(list, factor{f.first[class] + int32(i), bounds[i], bounds[i+1] / bounds[i]})
		}
	}
	return list
}
