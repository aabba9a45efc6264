package train

import (
	"errors"

	"onnxcompress/compress"
	"onnxcompress/compress/compact"
)

// Limit sets what must stay, whatever a method would remove: groups to keep, and a
// share of every family. Step.Select keeps to limits of its own.
func (n *Net) Limit(l compress.Limits) { n.limits = l }

// Stays reports whether a group must stay.
func (n *Net) Stays(group int) bool { return n.limits.Keep[group] || n.stuck[group] }

// Least is how many groups of a family must stay: one at least.
func (n *Net) Least(family int) int { return n.limits.Least(len(n.Graph.Families[family].Groups)) }

// Removable are those of some groups that can go, the first ones where a family
// would keep too few: none that must stay, and none whose going cannot be carried
// through the nodes, which must stay from now on.
func (n *Net) Removable(groups []int) ([]int, error) {
	for {
		list := n.within(groups)
		cut := n.gone.Clone()
		for _, g := range list {
			cut.Add(g)
		}
		m, _, err := compact.Trace(n.Graph, cut)
		if err == nil {
			return list, m.Close()
		}
		var node *compact.NodeError
		if !errors.As(err, &node) || !n.spare(list, node) {
			return nil, err
		}
	}
}

// within are those of some groups that may go by the limits.
func (n *Net) within(groups []int) []int {
	kept := make([]int, len(n.Graph.Families))
	for f := range kept {
		kept[f] = int(n.gone.Kept(f)) - n.Least(f)
	}
	var list []int
	for _, g := range groups {
		may := !n.Gone(g) && !n.Stays(g)
		for _, f := range n.Graph.Groups[g].Families {
			may = may && kept[f] > 0
		}
		if !may {
			continue
		}
		for _, f := range n.Graph.Groups[g].Families {
			kept[f]--
		}
		list = append(list, g)
	}
	return list
}

// spare lets those of some groups stay that a node takes channels of, and
// reports whether there is one.
func (n *Net) spare(groups []int, e *compact.NodeError) bool {
	found := false
	for _, g := range groups {
		for _, i := range n.Graph.Touches(g) {
			if n.Graph.Nodes[i] == e.Node {
				n.stuck[g], found = true, true
			}
		}
	}
	return found
}
