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
func (p *planner) chains(wanted []bool) {
	p.chain = map[*graph.Node][]*graph.Node{}
	for _, n := range slices.Backward(p.session.graph.Nodes) {
		if !wanted[n.Index] || p.absorbed[n.Index] || p.tail[n] != nil || !p.fuses(n) {
			continue
		}
		members := p.grow(n, wanted)
		if len(members) < 2 || !p.alike(members) {
			continue
		}
		p.chain[n] = members
		for _, m := range members[:len(members)-1] {
			p.absorbed[m.Index] = true
		}
	}
}

func (p *planner) fuses(n *graph.Node) bool {
	return len(n.Out) == 1 && n.Out[0] != nil && p.fixed(n) && n.Spec.Fuses(p.facts.Nodes[n.Index])
}

// grow collects the chain that ends with last, in order.
func (p *planner) grow(last *graph.Node, wanted []bool) []*graph.Node {
	members := []*graph.Node{last}
	shape := p.facts.Values[last.Out[0].ID].Shape
	for more := true; more && len(members) < longest; {
		more = false
		for _, m := range members {
			for _, v := range m.In {
				if v == nil || v.Producer == nil || v.Output || v.Captured || slices.Contains(members, v.Producer) {
					continue
				}
				q := v.Producer
				if p.constant(v) || !wanted[q.Index] || p.absorbed[q.Index] || p.tail[q] != nil || !p.fuses(q) ||
					!sameShape(p.facts.Values[v.ID].Shape, shape) || !p.within(v, members, wanted) {
					continue
				}
				members, more = append(members, q), true
				break
			}
			if more {
				break
			}
		}
	}
	slices.SortFunc(members, func(a, b *graph.Node) int { return a.Index - b.Index })
	return members
}

// within reports whether all nodes that read a value, and run, are members.
func (p *planner) within(v *graph.Value, members []*graph.Node, wanted []bool) bool {
	for _, u := range v.Uses {
		if wanted[u.Node.Index] && !slices.Contains(members, u.Node) {
			return false
		}
	}
	return true
}

// alike reports whether all members can run in one layout: either all may have
// channels last, or none needs to.
func (p *planner) alike(members []*graph.Node) bool {
	rank := len(p.facts.Values[members[0].Out[0].ID].Shape)
	if rank < 3 {
		return true
	}
	for _, m := range members {
		if _, ok := op.LayoutChain(p.facts.Nodes[m.Index]); !ok {
			return false
		}
	}
	return true
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
	shapes := make([][]int64, len(operands))
	for i, v := range operands {
		shapes[i] = p.facts.Values[v.ID].Shape
	}
	r := op.Fuse(chain, shapes)
	if r == nil {
		return false, nil
	}
	s := &step{label: "Chain " + last.Label(), routine: r}
	return true, p.emit(s, operands, last.Out, func(i int) bool { return turned && len(shapes[i]) == rank }, turned)
}
