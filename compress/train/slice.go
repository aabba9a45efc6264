package train

import (
	"slices"

	"onnxcompress/compress/compact"
	"onnxcompress/depgraph"
	"onnxcompress/graph"
	"onnxcompress/graph/op"
)

// Side tells the weights that make a group's channels from those that read them.
// When the first are zero the channels are, and as long as zero stays zero on
// the way to the second, those have no say.
type Side int

// The sides of groups. Own is Makes, but Reads for a group that no weight makes.
// Heard is the rest of Reads where it counts even if a group's own weights are
// zero, since its channels then hold another constant: a Sigmoid's 0.5.
const (
	Both Side = iota
	Makes
	Reads
	Own
	Heard
)

// Slice lays groups along one axis of a variable: element i of the variable is in
// channel i/Inner%Count, and the channel belongs to group Groups[channel] where
// that is not negative. An element may be in several slices, and so in several groups.
type Slice struct {
	// Var is the number of the variable.
	Var          int
	Count, Inner int
	Groups       []int32
	Side         Side
	// Heard says that the slice is of the side of that name.
	Heard bool
}

// of reports whether the slice may have elements of groups on a side.
func (s *Slice) of(side Side) bool {
	return side == Both || side == Own || side == s.Side || side == Heard && s.Heard
}

// runs calls do for the elements [lo, hi) of each run that belongs to a group.
func (s *Slice) runs(length int, do func(group int32, lo, hi int)) {
	for lo, c := 0, 0; lo < length; lo += s.Inner {
		if g := s.Groups[c]; g >= 0 {
			do(g, lo, lo+s.Inner)
		}
		if c++; c == s.Count {
			c = 0
		}
	}
}

// layer is a Slice of the full model, by the name of the variable.
type layer struct {
	name  string
	axis  int
	shape []int64
	side  Side
	heard bool
	// groups are those of channels, or where axis is negative of elements.
	groups []int32
}

// layersOf finds where the groups lie in the initializers that a graph reads as
// weights.
func layersOf(g *depgraph.Graph) []layer {
	var all []layer
	for _, w := range g.Weights {
		shape := g.Witness.Values[w.Value.ID].Shape
		for axis := range shape {
			if !w.Zeroable(axis) || !g.Prunable(w.Node, op.In(w.Slot, axis)) {
				continue
			}
			side := Makes
			if g.Reads(w, axis) {
				side = Reads
			}
			l := layer{axis: axis, shape: shape, side: side, heard: side == Reads && g.Heard(w, axis)}
			for _, l.groups = range channelGroups(g, w, axis, shape[axis]) {
				all = append(all, l.place(g, w)...)
			}
		}
	}
	return unique(all)
}

// channelGroups lists the groups of the channels of an axis. A channel that
// several groups take, as a head and its position take one, is in several lists.
func channelGroups(g *depgraph.Graph, w *depgraph.Weight, axis int, size int64) [][]int32 {
	var lists [][]int32
	depth := make([]int, size)
	eachChannel(g, w.Node, op.In(w.Slot, axis), size, func(group, c int) {
		if depth[c] == len(lists) {
			lists = append(lists, slices.Repeat([]int32{-1}, int(size)))
		}
		lists[depth[c]][c] = int32(group)
		depth[c]++
	})
	return lists
}

// eachChannel visits the channels of an axis with the groups that take them.
func eachChannel(g *depgraph.Graph, n *graph.Node, r op.Ref, size int64, visit func(group, channel int)) {
	number := make([]float64, size)
	for i := range number {
		number[i] = float64(i)
	}
	g.Spread(n, r, number, func(group int, channel float64) { visit(group, int(channel)) })
}

// place lays a layer of a weight's channels on the initializers that hold it.
func (l layer) place(g *depgraph.Graph, w *depgraph.Weight) []layer {
	ids := w.Elements()
	if ids == nil {
		l.name = w.Leaves[0].Value.Name
		return []layer{l}
	}
	inner := 1
	for _, d := range l.shape[l.axis+1:] {
		inner *= int(d)
	}
	var all []layer
	for _, leaf := range w.Leaves {
		size := g.Witness.Values[leaf.Value.ID].Value.Len()
		own := slices.Repeat([]int32{-1}, size)
		for i, id := range ids {
			if at := int(id) - leaf.Base; at >= 0 && at < size {
				own[at] = l.groups[i/inner%len(l.groups)]
			}
		}
		all = append(all, layer{leaf.Value.Name, -1, g.Witness.Values[leaf.Value.ID].Shape, l.side, l.heard, own})
	}
	return all
}

// unique drops layers that say what another says, as uses of tied weights do.
func unique(all []layer) []layer {
	var list []layer
	for _, l := range all {
		at := slices.IndexFunc(list, func(k layer) bool {
			return k.name == l.name && k.axis == l.axis && k.side == l.side && slices.Equal(k.groups, l.groups)
		})
		if at < 0 {
			list = append(list, l)
			continue
		}
		list[at].heard = list[at].heard || l.heard
	}
	return list
}

// slice is the layer in a variable that has the channels kept of it.
func (l *layer) slice(variable int, from compact.Origin) Slice {
	if l.axis < 0 {
		s := Slice{Var: variable, Inner: 1, Groups: keptElements(l, from.Kept), Side: l.side, Heard: l.heard}
		s.Count = len(s.Groups)
		return s
	}
	s := Slice{Var: variable, Inner: 1, Side: l.side, Heard: l.heard, Groups: l.groups}
	for axis, d := range l.shape {
		if from.Kept != nil && from.Kept[axis] != nil {
			d = int64(len(from.Kept[axis]))
		}
		if axis > l.axis {
			s.Inner *= int(d)
		}
	}
	if from.Kept != nil && from.Kept[l.axis] != nil {
		s.Groups = make([]int32, len(from.Kept[l.axis]))
		for i, c := range from.Kept[l.axis] {
			s.Groups[i] = l.groups[c]
		}
	}
	s.Count = len(s.Groups)
	return s
}

func keptElements(l *layer, kept [][]int64) []int32 {
	if kept == nil {
		return l.groups
	}
	var list []int32
	eachKept(l.shape, kept, func(at, _ int, run int) { list = append(list, l.groups[at:at+run]...) })
	return list
}

// eachKept visits the elements of a tensor that kept lists on each axis, in order,
// as runs: from element at of the whole, element to of the part.
func eachKept(shape []int64, kept [][]int64, visit func(at, to, run int)) {
	last := -1
	for axis, k := range kept {
		if k != nil {
			last = axis
		}
	}
	run := 1
	for _, d := range shape[last+1:] {
		run *= int(d)
	}
	to := 0
	var walk func(axis, at int)
	walk = func(axis, at int) {
		if axis > last {
			visit(at*run, to, run)
			to += run
			return
		}
		if kept[axis] == nil {
			for i := range int(shape[axis]) {
				walk(axis+1, at*int(shape[axis])+i)
			}
			return
		}
		for _, i := range kept[axis] {
			walk(axis+1, at*int(shape[axis])+int(i))
		}
	}
	walk(0, 0)
}

// Initializer names the one of the full model that a variable is, or is cut from.
func (n *Net) Initializer(variable int) string {
	return n.origin(n.Variables()[variable].Name).Name
}

// divided finds the initializers whose uses lose different channels, so that each
// use must be a weight of its own.
func divided(g *depgraph.Graph) []*graph.Value {
	uses := map[*graph.Value][]*depgraph.Weight{}
	var order []*graph.Value
	for _, w := range g.Weights {
		if w.Value.Init == nil {
			continue
		}
		if uses[w.Value] == nil {
			order = append(order, w.Value)
		}
		uses[w.Value] = append(uses[w.Value], w)
	}
	return slices.DeleteFunc(order, func(v *graph.Value) bool {
		for _, w := range uses[v][1:] {
			if !alike(g, uses[v][0], w) {
				return false
			}
		}
		return true
	})
}

// alike reports whether two uses of an initializer lose the same channels.
func alike(g *depgraph.Graph, a, b *depgraph.Weight) bool {
	for axis, d := range g.Witness.Values[a.Value.ID].Shape {
		x, y := channelGroups(g, a, axis, d), channelGroups(g, b, axis, d)
		if !slices.EqualFunc(x, y, func(p, q []int32) bool { return slices.Equal(p, q) }) {
			return false
		}
	}
	return true
}
