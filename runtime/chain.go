package runtime

import (
	"slices"

	"onnxcompress/graph"
	"onnxcompress/graph/op"
)

// longest is the most nodes of a chain.
const longest = 16

// chains finds nodes that compute element by element and whose results only
// such nodes read, and ties them to the last of them: what lies between never
// leaves the cache.
func (p *planner) chains() {
	p.chain = map[*graph.Node][]*graph.Node{}
	for _, n := range slices.Backward(p.session.graph.Nodes) {
		if !p.free(n) || !p.fuses(n) {
			continue
		}
		members := []*graph.Node{n}
		for len(members) < longest {
			next := p.joins(members)
			if next == nil {
				break
			}
			members = append(members, next)
		}
		slices.SortFunc(members, func(a, b *graph.Node) int { return a.Index - b.Index })
		if len(members) > 1 && p.alike(members) {
			p.chain[n] = members
			p.absorb(members)
		}
	}
}

func (p *planner) fuses(n *graph.Node) bool {
	return len(n.Out) == 1 && n.Out[0] != nil && p.fixed(n) && n.Spec.Fuses(p.facts.Nodes[n.Index])
}

// joins finds a node that only members read, and that computes as they do; nil
// where there is none.
func (p *planner) joins(members []*graph.Node) *graph.Node {
	shape := p.facts.Values[members[0].Out[0].ID].Shape
	for _, m := range members {
		for _, v := range m.In {
			if v == nil || v.Producer == nil || v.Output || v.Captured || p.constant(v) || slices.Contains(members, v.Producer) {
				continue
			}
			n := v.Producer
			if p.free(n) && p.fuses(n) && slices.Equal(p.facts.Values[v.ID].Shape, shape) && p.within(v, members) {
				return n
			}
		}
	}
	return nil
}

// within reports whether all nodes that read a value, and run, are members.
func (p *planner) within(v *graph.Value, members []*graph.Node) bool {
	return !slices.ContainsFunc(v.Uses, func(u graph.Use) bool {
		return p.wanted[u.Node.Index] && !slices.Contains(members, u.Node)
	})
}

// alike reports whether all members can run in the layout of any: with axes to
// turn, all of them may have channels last.
func (p *planner) alike(members []*graph.Node) bool {
	if len(p.facts.Values[members[0].Out[0].ID].Shape) < 3 {
		return true
	}
	return !slices.ContainsFunc(members, func(m *graph.Node) bool {
		_, ok := m.Spec.Layout(p.facts.Nodes[m.Index])
		return !ok
	})
}

// fused adds the step of a chain; it returns false where the chain does not pay.
func (p *planner) fused(members []*graph.Node) (bool, error) {
	last := members[len(members)-1]
	place, operands := map[*graph.Value]int{}, []*graph.Value{}
	made := map[*graph.Value]int{}
	for j, m := range members {
		made[m.Out[0]] = j
		for _, v := range m.In {
			if _, inner := made[v]; v == nil || inner {
				continue
			}
			if _, ok := place[v]; !ok {
				place[v] = len(operands)
				operands = append(operands, v)
			}
		}
	}
	rank := len(p.facts.Values[last.Out[0].ID].Shape)
	turned := false
	for _, v := range operands {
		turned = turned || rank > 2 && len(p.facts.Values[v.ID].Shape) == rank && p.home[v.ID] != nil && p.last[v.ID]
	}
	var chain []op.Member
	for _, m := range members {
		view := *p.facts.Nodes[m.Index]
		view.Last, view.Train, view.Pool = turned, p.train, p.session.pool
		member := op.Member{Spec: m.Spec, Node: &view}
		for _, v := range m.In {
			if v == nil {
				continue
			}
			if j, ok := made[v]; ok {
				member.From = append(member.From, ^j)
			} else {
				member.From = append(member.From, place[v])
			}
		}
		chain = append(chain, member)
	}
	shapes, whole := make([][]int64, len(operands)), []int{}
	for i, v := range operands {
		if shapes[i] = p.facts.Values[v.ID].Shape; len(shapes[i]) == rank {
			whole = append(whole, i)
		}
	}
	r := op.Fuse(chain, shapes)
	if r == nil {
		return false, nil
	}
	return true, p.compiled("Chain "+last.Label(), r, operands, last.Out, turned, whole, members...)
}
