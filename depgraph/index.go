package depgraph

import (
	"onnxcompress/graph/op"
)

// indexing unites single channels where digits and segments do not nest, as
// after a channel shuffle. It is exact and coarser than factoring: an axis
// that is read in several digits keeps one of them free, the largest, and its
// channels go for all values of the other digits at once.
type indexing struct {
	*spaces
	component
	base   map[int32]int32 // first atom by space
	free   map[int32]op.Digit
	atoms  forest
	pinned []bool // by root, filled last
}

// mostChannels bounds the channels that are followed one by one.
const mostChannels = 1 << 24

// index returns nil where the component has too many channels.
func index(s *spaces, c component) *indexing {
	if s.channels(c) > mostChannels {
		return nil
	}
	x := &indexing{spaces: s, component: c, base: map[int32]int32{}, free: map[int32]op.Digit{}}
	total := int32(0)
	for _, id := range c.spaces {
		x.base[id] = total
		total += int32(s.all[id].size)
	}
	x.atoms = newForest(int(total))
	x.chooseDigits()
	for id, d := range x.free {
		for i := range x.all[id].size {
			x.unite(id, i, id, i/d.Stride%d.Size*d.Stride)
		}
	}
	pins := map[int32]bool{}
	for _, l := range c.links {
		x.link(l, pins)
	}
	x.pin(pins)
	return x
}

// channels counts those of a component, as far as they can be followed.
func (s *spaces) channels(c component) int64 {
	total := int64(0)
	for _, id := range c.spaces {
		if total += s.all[id].size; total > mostChannels {
			break
		}
	}
	return total
}

// chooseDigits picks the free digit of every space that is read in digits: the
// largest that leaves all others whole.
func (x *indexing) chooseDigits() {
	read := map[int32][]op.Digit{}
	offer := func(id int32, stride, size int64) {
		if d := (op.Digit{Stride: stride, Size: size}); !whole(d, x.all[id].size) {
			read[id] = append(read[id], d)
		}
	}
	tied := map[int32]int{}
	for _, l := range x.component.links {
		if l.kind == op.Tie {
			offer(l.a, l.strideA, l.size)
			offer(l.b, l.strideB, l.size)
		}
	}
	for id, list := range read {
		tied[id] = len(list)
	}
	for _, id := range x.component.spaces {
		for _, p := range x.all[id].pins {
			offer(id, p.stride, p.size)
		}
	}
	for id, list := range read {
		best := op.Digit{Stride: 1, Size: 1}
		for _, d := range list[:tied[id]] {
			if d.Size > best.Size && apart(d, list) {
				best = d
			}
		}
		x.free[id] = best
	}
}

// apart reports whether no other digit of a list shares positions with d.
func apart(d op.Digit, list []op.Digit) bool {
	for _, e := range list {
		if e != d && e.Stride%(d.Stride*d.Size) != 0 && d.Stride%(e.Stride*e.Size) != 0 {
			return false
		}
	}
	return true
}

// active reports whether a digit of a space may lose channels.
func (x *indexing) active(id int32, stride, size int64) bool {
	d, ok := x.free[id]
	return whole(op.Digit{Stride: stride, Size: size}, x.all[id].size) || ok && d.Stride == stride && d.Size == size
}

func (x *indexing) unite(a int32, i int64, b int32, j int64) {
	x.atoms.unite(x.base[a]+int32(i), x.base[b]+int32(j))
}

func (x *indexing) link(l spaceLink, pins map[int32]bool) {
	switch l.kind {
	case op.Tie:
		a, b := x.active(l.a, l.strideA, l.size), x.active(l.b, l.strideB, l.size)
		switch {
		case a && b:
			for i := range l.size {
				x.unite(l.a, i*l.strideA, l.b, i*l.strideB)
			}
		case a:
			pins[l.a] = true
		case b:
			pins[l.b] = true
		}
	case op.Range:
		for i := range l.n {
			x.unite(l.a, l.offA+i, l.b, l.offB+i)
		}
	case op.Index:
		for i, j := range l.idx {
			if j >= 0 {
				x.unite(l.a, int64(i), l.b, j)
			}
		}
	}
}

// pin marks the classes that pinned spaces and digits belong to.
func (x *indexing) pin(spaces map[int32]bool) {
	x.pinned = make([]bool, len(x.atoms))
	for _, id := range x.component.spaces {
		all := spaces[id]
		for _, p := range x.all[id].pins {
			all = all || x.active(id, p.stride, p.size)
		}
		if all {
			for i := range x.all[id].size {
				x.pinned[x.atoms.root(x.base[id]+int32(i))] = true
			}
		}
	}
}
