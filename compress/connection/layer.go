package connection

import (
	"slices"

	"onnxcompress/compress/train"
	"onnxcompress/depgraph"
	"onnxcompress/graph/tensor"
)

// Layer is a variable whose elements are connections: factors of a product that
// sums over one of its axes.
type Layer struct {
	// Var is the number of the variable, Size that of its elements.
	Var, Size int
	// Uses is how often a sample uses each connection.
	Uses float64
	// Out and In lay the features along the variable that connections lead to and
	// come from. In a grouped product In counts within a group.
	Out, In Axis
}

// Axis lays features along a variable: element i has feature i/Inner%Count.
type Axis struct{ Count, Inner int }

// Runs calls do for the elements [lo, hi) of each run that has one feature.
func (a Axis) Runs(length int, do func(feature, lo, hi int)) {
	for lo, f := 0, 0; lo < length; lo += a.Inner {
		do(f, lo, lo+a.Inner)
		if f++; f == a.Count {
			f = 0
		}
	}
}

// matrix is a Layer of the full model, by the name of the initializer. An axis
// is negative where the initializer is not itself what the product reads.
type matrix struct {
	name    string
	size    int
	out, in int
	uses    float64
}

// matrices finds those of a graph. One that several nodes use has the axes of
// the first and the uses of all.
func matrices(g *depgraph.Graph) []matrix {
	of := make([][]matrix, len(g.Nodes))
	for _, w := range g.Weights {
		if w.Node.Spec != nil && w.Node.Spec.Cost != nil {
			of[w.Node.Index] = append(of[w.Node.Index], ofWeight(g, w)...)
		}
	}
	var list []matrix
	place := map[string]int{}
	for i, found := range of {
		size := 0
		for _, m := range found {
			size += m.size
		}
		for _, m := range found {
			m.uses = float64(g.Nodes[i].Spec.Cost(g.Nominal.Nodes[i])) / float64(max(size, 1))
			if at, ok := place[m.name]; ok {
				list[at].uses += m.uses
				continue
			}
			place[m.name] = len(list)
			list = append(list, m)
		}
	}
	return list
}

// ofWeight are the initializers of a weight, if its node sums over it.
func ofWeight(g *depgraph.Graph, w *depgraph.Weight) []matrix {
	rank := g.Witness.Values[w.Value.ID].Rank()
	in := 0
	for in < rank && !g.Reads(w, in) {
		in++
	}
	if rank < 2 || in == rank || w.Follow {
		return nil
	}
	out := in + 1
	if out == rank {
		out = in - 1
	}
	if product := w.Node.Spec.Product; product != nil {
		if p, ok := product(g.Witness.Nodes[w.Node.Index]); ok {
			in, out = p.In, p.Out
		}
	}
	if w.Elements() != nil {
		in, out = -1, -1
	}
	var list []matrix
	for _, leaf := range w.Leaves {
		size := int(tensor.Extent(g.Witness.Values[leaf.Value.ID].Shape))
		list = append(list, matrix{name: leaf.Value.Name, size: size, out: out, in: in})
	}
	return list
}

// Layers lists those of a net as it is until it shrinks.
func Layers(n *train.Net) []Layer {
	all := matrices(n.Graph)
	var list []Layer
	for i, v := range n.Variables() {
		name := n.Initializer(i)
		at := slices.IndexFunc(all, func(m matrix) bool { return m.name == name })
		if at < 0 {
			continue
		}
		m := all[at]
		list = append(list, Layer{
			Var: i, Size: len(v.Value), Uses: m.uses, Out: along(v.Shape, m.out), In: along(v.Shape, m.in),
		})
	}
	return list
}

// along lays features along an axis of a shape; one feature where it is negative.
func along(shape []int64, axis int) Axis {
	a := Axis{Count: 1, Inner: 1}
	if axis >= 0 {
		a.Count = int(shape[axis])
	}
	for _, d := range shape[axis+1:] {
		a.Inner *= int(d)
	}
	return a
}
