package depgraph

import (
	"onnxcompress/graph/op"
)

// space is a class of whole axes that have the same channels.
type space struct {
	size int64
	axes []int32
	// weighted says that a trained constant has one of the axes.
	weighted bool
	pins     []pin
	// parts give, for intervals of the space, the digits whose groups remove
	// a channel; table gives it index by index where digits do not suffice.
	parts []Part
	table []int32
}

// Part says that channel i of [Lo, Lo+N) goes when the group Base +
// ((i-Lo)/Stride)%Size of Family goes.
type Part struct {
	Lo, N        int64
	Stride, Size int64
	Family, Base int
}

// spaceLink is a link between spaces that are not simply one.
type spaceLink struct {
	kind             op.Kind
	a, b             int32
	strideA, strideB int64
	size             int64
	offA, offB, n    int64
	idx              []int64
}

// spaces partitions the axes.
type spaces struct {
	*linker
	of    []int32 // by axis
	all   []space
	links []spaceLink
}

// mostListed bounds the channels of an axis that may lose some: what stays of
// them is listed.
const mostListed = 1 << 26

// partition unites axes that links make one, and keeps the other links.
func partition(k *linker) *spaces {
	f := newForest(len(k.owner))
	for _, ls := range k.links {
		for i := range ls {
			if l := &ls[i]; l.unites(k) {
				f.unite(l.a, l.b)
			}
		}
	}
	s := &spaces{linker: k, of: make([]int32, len(k.owner))}
	for axis := range k.owner {
		root := f.root(int32(axis))
		if int(root) == axis {
			s.of[axis] = int32(len(s.all))
			s.all = append(s.all, space{size: k.size(axis)})
		}
		id := s.of[root]
		s.of[axis] = id
		sp := &s.all[id]
		sp.axes = append(sp.axes, int32(axis))
		sp.weighted = sp.weighted || k.tensors[k.owner[axis]].weight != nil
	}
	for _, p := range k.pins {
		sp := &s.all[s.of[p.axis]]
		sp.pins = append(sp.pins, p)
	}
	for id := range s.all {
		if sp := &s.all[id]; sp.size > mostListed {
			sp.pins = append(sp.pins, pin{sp.axes[0], 1, sp.size, tooMany})
		}
	}
	s.between()
	return s
}

func (l *link) unites(k *linker) bool {
	return (l.Kind == op.Tie || l.Kind == op.Contract) &&
		whole(l.A, k.size(int(l.a))) && whole(l.B, k.size(int(l.b)))
}

// between keeps one copy of every link that does not unite its axes.
func (s *spaces) between() {
	type key struct {
		kind                   op.Kind
		a, b                   int32
		p1, p2, p3, p4, p5, p6 int64
	}
	seen := map[key]bool{}
	for _, ls := range s.linker.links {
		for i := range ls {
			l := &ls[i]
			if l.b < 0 || l.unites(s.linker) {
				continue
			}
			sl := spaceLink{
				kind: l.Kind, a: s.of[l.a], b: s.of[l.b], strideA: l.A.Stride, strideB: l.B.Stride,
				size: l.A.Size, offA: l.OffA, offB: l.OffB, n: l.N, idx: l.Idx,
			}
			if sl.kind == op.Contract {
				sl.kind = op.Tie
			}
			if sl.size == 1 && sl.kind == op.Tie {
				continue
			}
			k := key{sl.kind, sl.a, sl.b, sl.strideA, sl.strideB, sl.size, sl.offA, sl.offB, sl.n}
			if sl.kind != op.Index && seen[k] {
				continue
			}
			seen[k] = true
			s.links = append(s.links, sl)
		}
	}
}

// component is a set of spaces that links connect.
type component struct {
	spaces []int32
	links  []spaceLink
}

// components lists those that some weight belongs to, in order of their first
// space.
func (s *spaces) components() []component {
	f := newForest(len(s.all))
	for _, l := range s.links {
		f.unite(l.a, l.b)
	}
	weighted := make([]bool, len(s.all))
	for i := range s.all {
		if s.all[i].weighted {
			weighted[f.root(int32(i))] = true
		}
	}
	place := map[int32]int{}
	var all []component
	for i := range s.all {
		root := f.root(int32(i))
		if !weighted[root] {
			continue
		}
		at, ok := place[root]
		if !ok {
			at = len(all)
			place[root] = at
			all = append(all, component{})
		}
		all[at].spaces = append(all[at].spaces, int32(i))
	}
	for _, l := range s.links {
		if at, ok := place[f.root(l.a)]; ok {
			all[at].links = append(all[at].links, l)
		}
	}
	return all
}
