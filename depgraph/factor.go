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
	return f, f.segment() && f.nest() && f.tieFactors()
}

const (
	// mostCuts bounds the segments of a component, which ranges can double from
	// space to space, and mostTies the digits tied between them.
	mostCuts = 1 << 17
	mostTies = 1 << 20
)

// segment cuts spaces wherever a range begins or ends, to a fixpoint, and tells
// whether there is one in reach. A cut goes on through the outermost digit that
// is tied to a space: where queries, keys and values are taken apart, so is the
// projection that packs them.
func (f *factoring) segment() bool {
	type cut struct {
		space int
		at    int64
	}
	f.cuts = make([][]int64, len(f.component.spaces))
	var work []cut
	total := 0
	add := func(space int, at int64) {
		i, found := slices.BinarySearch(f.cuts[space], at)
		if !found {
			f.cuts[space] = slices.Insert(f.cuts[space], i, at)
			work = append(work, cut{space, at})
			total++
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
	outer := f.outermost()
	for len(work) > 0 {
		if total > mostCuts+2*len(f.cuts) {
			return false
		}
		c := work[len(work)-1]
		work = work[:len(work)-1]
		for _, l := range outer[c.space] {
			if c.at%l.strideA == 0 {
				add(f.local[l.b], c.at/l.strideA*l.strideB)
			}
		}
		for _, l := range ranges[c.space] {
			if l.offA < c.at && c.at < l.offA+l.n {
				add(f.local[l.b], c.at-l.offA+l.offB)
			}
		}
	}
	f.classify()
	return true
}

// outermost lists, by space, the ties between digits that have the largest
// stride of their space on both sides.
func (f *factoring) outermost() [][]spaceLink {
	list := make([][]spaceLink, len(f.cuts))
	for _, l := range f.component.links {
		if l.kind != op.Tie || l.strideA*l.size != f.all[l.a].size || l.strideB*l.size != f.all[l.b].size {
			continue
		}
		a, b := f.local[l.a], f.local[l.b]
		list[a] = append(list[a], l)
		list[b] = append(list[b], spaceLink{a: l.b, b: l.a, strideA: l.strideB, strideB: l.strideA})
	}
	return list
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
