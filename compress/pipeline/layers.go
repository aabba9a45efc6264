package pipeline

import (
	"onnxcompress/depgraph"
	"onnxcompress/graph/op"
)

// Layer is a family of groups, the channels or heads or hidden units of one
// layer, by the node whose weight has it first.
type Layer struct {
	// Name is the node's or, where it has none, the weight's.
	Name     string `json:"name"`
	Operator string `json:"operator"`
	Kept     int    `json:"kept"`
	Total    int    `json:"total"`
}

// Percent is the share that stays.
func (l Layer) Percent() float64 { return 100 * share(int64(l.Kept), int64(l.Total)) }

// layers lists the families of a graph in the order of their weights. A family
// that several layers make up goes by the first weight that has all of it.
func layers(cut *depgraph.Cut) []Layer {
	g := cut.Graph()
	at := map[int]int{}
	var whole []bool
	var list []Layer
	for _, w := range g.Weights {
		for axis, size := range g.Witness.Values[w.Value.ID].Shape {
			ref := op.In(w.Slot, axis)
			if !g.Prunable(w.Node, ref) {
				continue
			}
			for _, f := range families(g, w, ref, size) {
				has := f.groups == len(g.Families[f.family].Groups)
				i, known := at[f.family]
				switch {
				case !known:
					i = len(list)
					at[f.family] = i
					list, whole = append(list, Layer{}), append(whole, has)
				case whole[i] || !has:
					continue
				}
				whole[i] = has
				list[i] = Layer{w.Node.Proto.GetName(), w.Node.Proto.GetOpType(), int(cut.Kept(f.family)), len(g.Families[f.family].Groups)}
				if list[i].Name == "" {
					list[i].Name = w.Value.Name
				}
			}
		}
	}
	return list
}

// member is a family with the number of its groups that an axis has.
type member struct{ family, groups int }

// families are those that take channels of an axis of a weight, in the order of
// its channels.
func families(g *depgraph.Graph, w *depgraph.Weight, ref op.Ref, size int64) []member {
	seen := map[int]bool{}
	at := map[int]int{}
	var list []member
	g.Spread(w.Node, ref, make([]float64, size), func(group int, _ float64) {
		if seen[group] {
			return
		}
		seen[group] = true
		for _, f := range g.Groups[group].Families {
			i, known := at[f]
			if !known {
				i = len(list)
				at[f] = i
				list = append(list, member{family: f})
			}
			list[i].groups++
		}
	})
	return list
}
