package train

import (
	"encoding/json"
	"slices"

	"onnxcompress/depgraph"
	"onnxcompress/graph"
	"onnxcompress/graph/op"
)

// Given removes groups that were chosen beforehand, all in the first step, and
// leaves the rest of the training to make up for them.
type Given struct {
	Groups []int `json:"groups"`
	Gone   bool  `json:"gone"`
}

// Observe implements Method: the groups go before anything moves.
func (g *Given) Observe(s *Step) error {
	if !g.Gone {
		s.Remove(g.Groups...)
		s.Net.SilenceGradients()
		g.Gone = true
	}
	return nil
}

// Move implements Method.
func (g *Given) Move(*Step) error { return nil }

// Done implements Method.
func (g *Given) Done() bool { return g.Gone }

// State implements Method.
func (g *Given) State() any { return g }

// Restore implements Method.
func (g *Given) Restore(b []byte) error { return json.Unmarshal(b, g) }

// Match lists the groups that are what a cut takes of another graph: of the same
// model before it was readied, or before its weights became others. Groups are
// told by the channels that they take of values of the same names: all of them
// must go with the cut. What else is zero in the weights does not matter.
func (n *Net) Match(cut *depgraph.Cut) []int {
	gone := lost(cut)
	seen, hit := make([]int, len(n.Graph.Groups)), make([]int, len(n.Graph.Groups))
	channels(n.Graph, func(at spot, node *graph.Node, out op.Ref, size int64) {
		there, known := gone[at]
		if !known || there != nil && int64(len(there)) != size {
			return
		}
		eachChannel(n.Graph, node, out, size, func(group, channel int) {
			seen[group]++
			if there != nil && there[channel] {
				hit[group]++
			}
		})
	})
	var list []int
	for g, count := range seen {
		if count > 0 && hit[g] == count {
			list = append(list, g)
		}
	}
	return list
}

// spot is an axis of a value.
type spot struct {
	value string
	axis  int
}

// lost tells for every axis of what the nodes of a cut's graph give which channels
// go; nil for an axis that loses none.
func lost(cut *depgraph.Cut) map[spot][]bool {
	all := map[spot][]bool{}
	channels(cut.Graph(), func(at spot, node *graph.Node, out op.Ref, size int64) {
		all[at] = nil
		kept := cut.Channels(node, out)
		if kept == nil {
			return
		}
		gone := slices.Repeat([]bool{true}, int(size))
		for _, c := range kept {
			gone[c] = false
		}
		all[at] = gone
	})
	return all
}

// channels visits the axes of what the nodes of a graph give.
func channels(g *depgraph.Graph, visit func(at spot, node *graph.Node, out op.Ref, size int64)) {
	for _, node := range g.Nodes {
		for o, v := range node.Out {
			if v == nil || !g.Witness.Values[v.ID].Known {
				continue
			}
			for axis, d := range g.Witness.Values[v.ID].Shape {
				visit(spot{v.Name, axis}, node, op.Out(o, axis), d)
			}
		}
	}
}
