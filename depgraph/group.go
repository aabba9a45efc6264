package depgraph

import (
	"slices"

	"onnxcompress/graph"
	"onnxcompress/graph/op"
)

// Group is a zero-invariant group: channels that go together, wherever they
// occur.
type Group struct {
	// Families are the families the group belongs to; nearly always one.
	Families []int
	spaces   []int32
	// counts are the channels of each of spaces that the group takes, where
	// they do not follow from digits.
	counts []int64
}

// Family is a set of groups of one kind: the hidden units of one layer, the
// heads of one attention. At least one of them has to stay.
type Family struct {
	Groups []int
}

// Graph is a model's dependency graph.
type Graph struct {
	*graph.Analysis
	Groups   []Group
	Families []Family
	Pinned   []Pinned
	// Weights are the uses of trained constants.
	Weights []*Weight

	spaces *spaces
	// states are what dead channels hold, by axis.
	states []op.State
	// touches lists the nodes with an axis in each space.
	touches [][]int32
}

// Build finds the groups of a model.
func Build(a *graph.Analysis) *Graph {
	x := newAxes(a)
	x.weigh()
	k := &linker{axes: x}
	k.gather()
	pins, states := prove(k)
	k.pins = append(k.pins, pins...)
	g := &Graph{Analysis: a, spaces: partition(k), states: states}
	for i := range x.tensors {
		if w := x.tensors[i].weight; w != nil {
			g.Weights = append(g.Weights, w)
		}
	}
	reasons := make([][]Reason, len(g.spaces.all))
	for _, c := range g.spaces.components() {
		if f, ok := factorise(g.spaces, c); ok {
			g.addFactors(f, reasons)
		} else if x := index(g.spaces, c); x != nil {
			g.addAtoms(x, reasons)
		} else {
			for _, id := range c.spaces {
				reasons[id] = append(reasons[id], tooMany)
			}
		}
	}
	g.index()
	g.explain(reasons)
	return g
}

// tooMany is why nothing is cut from axes of absurd sizes.
var tooMany = Reason{Operator: "analysis", Text: "would follow too many channels one by one", Unsupported: true}

// addFactors makes a family of every class of factors that is free and that
// some weight has.
func (g *Graph) addFactors(f *factoring, reasons [][]Reason) {
	pinned := map[int32]Reason{}
	weighted := map[int32]bool{}
	for _, id := range f.component.spaces {
		sp := &f.all[id]
		f.segments(id, func(lo, n int64, class int32) {
			for _, p := range sp.pins {
				stride, size := p.stride, p.size
				if whole(op.Digit{Stride: stride, Size: size}, sp.size) {
					stride, size = 1, n
				}
				for _, fa := range f.within(class, stride, size) {
					if root := f.factors.root(fa.id); pinned[root] == (Reason{}) {
						pinned[root] = p.reason
					}
				}
			}
			for _, fa := range f.within(class, 1, n) {
				weighted[f.factors.root(fa.id)] = weighted[f.factors.root(fa.id)] || sp.weighted
			}
		})
	}
	family := map[int32]int{}
	for _, id := range f.component.spaces {
		sp := &f.all[id]
		f.segments(id, func(lo, n int64, class int32) {
			for _, fa := range f.within(class, 1, n) {
				root := f.factors.root(fa.id)
				if r, no := pinned[root]; no {
					reasons[id] = append(reasons[id], r)
					continue
				}
				if fa.size < 2 || !weighted[root] {
					continue
				}
				at, ok := family[root]
				if !ok {
					at = g.addFamily(int(fa.size))
					family[root] = at
				}
				sp.parts = append(sp.parts, Part{lo, n, fa.stride, fa.size, at, g.Families[at].Groups[0]})
			}
		})
	}
	g.occupy(f.component.spaces)
}

// addFamily adds a family of n groups of its own.
func (g *Graph) addFamily(n int) int {
	at := len(g.Families)
	groups := make([]int, n)
	families := []int{at}
	for i := range groups {
		groups[i] = len(g.Groups)
		g.Groups = append(g.Groups, Group{Families: families})
	}
	g.Families = append(g.Families, Family{groups})
	return at
}

// occupy tells the groups of factored spaces where they occur.
func (g *Graph) occupy(ids []int32) {
	where := map[int][]int32{}
	for _, id := range ids {
		for _, p := range g.spaces.all[id].parts {
			if l := where[p.Family]; len(l) == 0 || l[len(l)-1] != id {
				where[p.Family] = append(l, id)
			}
		}
	}
	for family, spaces := range where {
		for _, group := range g.Families[family].Groups {
			g.Groups[group].spaces = spaces
		}
	}
}

// addAtoms makes a group of every free class of channel indices, and a family
// of those that meet in one space.
func (g *Graph) addAtoms(x *indexing, reasons [][]Reason) {
	weighted := map[int32]bool{}
	for _, id := range x.component.spaces {
		if x.all[id].weighted {
			for i := range x.all[id].size {
				weighted[x.atoms.root(x.base[id]+int32(i))] = true
			}
		}
	}
	group := map[int32]int{}
	for _, id := range x.component.spaces {
		sp := &x.all[id]
		sp.table = make([]int32, sp.size)
		counts := map[int]int64{}
		var members []int
		for i := range sp.table {
			root := x.atoms.root(x.base[id] + int32(i))
			sp.table[i] = -1
			if x.pinned[root] || !weighted[root] {
				continue
			}
			at, ok := group[root]
			if !ok {
				at = len(g.Groups)
				group[root] = at
				g.Groups = append(g.Groups, Group{})
			}
			sp.table[i] = int32(at)
			if counts[at]++; counts[at] == 1 {
				members = append(members, at)
			}
		}
		reasons[id] = x.reasons(id)
		if len(members) == 0 {
			sp.table = nil
			continue
		}
		family := len(g.Families)
		g.Families = append(g.Families, Family{members})
		for _, m := range members {
			gr := &g.Groups[m]
			gr.Families = append(gr.Families, family)
			gr.spaces = append(gr.spaces, id)
			gr.counts = append(gr.counts, counts[m])
		}
	}
}

// index finds the nodes that each space reaches.
func (g *Graph) index() {
	g.touches = make([][]int32, len(g.spaces.all))
	for _, n := range g.Nodes {
		for _, slots := range [][]int{g.spaces.in[n.Index], g.spaces.out[n.Index]} {
			for _, t := range slots {
				if t < 0 {
					continue
				}
				for axis := range g.spaces.tensors[t].shape {
					id := g.spaces.of[g.spaces.tensors[t].base+axis]
					if l := g.touches[id]; g.spaces.all[id].free() && (len(l) == 0 || l[len(l)-1] != int32(n.Index)) {
						g.touches[id] = append(l, int32(n.Index))
					}
				}
			}
		}
	}
}

func (s *space) free() bool { return len(s.parts) > 0 || s.table != nil }

// Touches lists the nodes with a tensor that the group takes channels of,
// ascending.
func (g *Graph) Touches(group int) []int32 {
	var nodes []int32
	for _, id := range g.Groups[group].spaces {
		nodes = append(nodes, g.touches[id]...)
	}
	slices.Sort(nodes)
	return slices.Compact(nodes)
}

// Constant reports whether a node computes nothing but constants.
func (g *Graph) Constant(n *graph.Node) bool { return g.spaces.constant(n) }

// Spread hands a number for every channel of an axis of a node's input or
// output to the groups that take the channel.
func (g *Graph) Spread(n *graph.Node, r op.Ref, channels []float64, add func(group int, v float64)) {
	axis := g.spaces.axis(n, r)
	if axis < 0 {
		return
	}
	sp := &g.spaces.all[g.spaces.of[axis]]
	for i, group := range sp.table {
		if group >= 0 {
			add(int(group), channels[i])
		}
	}
	for _, p := range sp.parts {
		for i := range p.N {
			add(p.Base+int(i/p.Stride%p.Size), channels[p.Lo+i])
		}
	}
}
