package depgraph

import (
	"slices"

	"onnxcompress/graph"
	"onnxcompress/graph/op"
)

// Cut is a set of groups to remove.
type Cut struct {
	graph *Graph
	gone  []bool
	// kept counts what stays of each family.
	kept []int64
	// lost counts the channels of each space that tabled groups have taken.
	lost []int64
	// Len is the number of groups in the cut.
	Len int
}

// NewCut returns an empty cut.
func (g *Graph) NewCut() *Cut {
	c := &Cut{graph: g, gone: make([]bool, len(g.Groups)), kept: make([]int64, len(g.Families)), lost: make([]int64, len(g.spaces.all))}
	for i, f := range g.Families {
		c.kept[i] = int64(len(f.Groups))
	}
	return c
}

// Graph is the graph whose groups are cut.
func (c *Cut) Graph() *Graph { return c.graph }

// Clone is a cut of the same groups.
func (c *Cut) Clone() *Cut {
	own := *c
	own.gone, own.kept, own.lost = slices.Clone(c.gone), slices.Clone(c.kept), slices.Clone(c.lost)
	return &own
}

// Has reports whether the group is in the cut.
func (c *Cut) Has(group int) bool { return c.gone[group] }

// Kept is the number of groups of a family that stay.
func (c *Cut) Kept(family int) int64 { return c.kept[family] }

// Add puts a group in the cut; adding it again changes nothing.
func (c *Cut) Add(group int) { c.set(group, true, -1) }

// Drop takes a group out of the cut.
func (c *Cut) Drop(group int) { c.set(group, false, 1) }

func (c *Cut) set(group int, gone bool, sign int64) {
	if c.gone[group] == gone {
		return
	}
	c.gone[group] = gone
	c.Len -= int(sign)
	g := &c.graph.Groups[group]
	for _, f := range g.Families {
		c.kept[f] += sign
	}
	for i, n := range g.counts {
		c.lost[g.spaces[i]] -= sign * n
	}
}

// size is the number of channels that stay of a space.
func (c *Cut) size(id int32) int64 {
	sp := &c.graph.spaces.all[id]
	if sp.table != nil {
		return sp.size - c.lost[id]
	}
	total := sp.size
	for i := 0; i < len(sp.parts); {
		first := sp.parts[i]
		left := first.N
		for ; i < len(sp.parts) && sp.parts[i].Lo == first.Lo; i++ {
			left = left / sp.parts[i].Size * c.kept[sp.parts[i].Family]
		}
		total -= first.N - left
	}
	return total
}

// channels lists what stays of a space, nil where it stays whole.
func (c *Cut) channels(id int32) []int64 {
	sp := &c.graph.spaces.all[id]
	if !sp.free() || c.size(id) == sp.size {
		return nil
	}
	gone := make([]bool, sp.size)
	for i, group := range sp.table {
		gone[i] = group >= 0 && c.gone[group]
	}
	for _, p := range sp.parts {
		for i := range p.N {
			if c.gone[p.Base+int(i/p.Stride%p.Size)] {
				gone[p.Lo+i] = true
			}
		}
	}
	list := make([]int64, 0, len(gone))
	for i, g := range gone {
		if !g {
			list = append(list, int64(i))
		}
	}
	return list
}

// Cuts reports whether some axis of a node's tensors loses channels.
func (c *Cut) Cuts(n *graph.Node) bool {
	s := c.graph.spaces
	for _, slots := range [][]int{s.in[n.Index], s.out[n.Index]} {
		for _, t := range slots {
			if t >= 0 && c.cutsTensor(t) {
				return true
			}
		}
	}
	return false
}

func (c *Cut) cutsTensor(t int) bool {
	s := c.graph.spaces
	for axis := range s.tensors[t].shape {
		id := s.of[s.tensors[t].base+axis]
		if s.all[id].free() && c.size(id) != s.all[id].size {
			return true
		}
	}
	return false
}

// Channels lists the channels that stay of an axis of a node's input or
// output, ascending; nil where all stay.
func (c *Cut) Channels(n *graph.Node, r op.Ref) []int64 {
	axis := c.graph.spaces.axis(n, r)
	if axis < 0 {
		return nil
	}
	return c.channels(c.graph.spaces.of[axis])
}

// Size is the length of an axis of a node's input or output after the cut,
// where it was size before.
func (c *Cut) Size(n *graph.Node, r op.Ref, size int64) int64 {
	s := c.graph.spaces
	axis := s.axis(n, r)
	if axis < 0 {
		return size
	}
	id := s.of[axis]
	if !s.all[id].free() {
		return size
	}
	return c.size(id)
}
