package runtime

import (
	"slices"

	"onnxcompress/graph"
	"onnxcompress/graph/op"
)

// spelled is attention that several nodes spell out, as far as it is read.
type spelled struct {
	scores  op.Scores
	q, k, v *graph.Value
	mask    *graph.Value
	// by are the nodes that one step stands for.
	by []*graph.Node
}

// attention finds nodes that together compute attention: products of queries and
// keys, scaled and masked, shares of those, and the products of these with values.
func (p *planner) attention() {
	for _, n := range p.session.graph.Nodes {
		if !p.free(n) || !p.fixed(n) || n.Spec.Shares == nil || !n.Spec.Shares(p.facts.Nodes[n.Index]) {
			continue
		}
		s := spelled{scores: op.Scores{Scale: 1}, by: []*graph.Node{n}}
		last := p.weighed(&s, n)
		if last == nil {
			continue
		}
		s, ok := p.scored(s, n.In[0], true)
		if !ok {
			continue
		}
		s.q, s.k = p.unscaled(&s, s.q), p.unscaled(&s, s.k)
		a := &arranged{spec: op.Spelled(s.scores), in: []*graph.Value{s.q, s.k, s.v}, out: last.Out[0], last: last}
		if s.mask != nil {
			a.in = append(a.in, s.mask)
		}
		for _, v := range a.in {
			a.view.In = append(a.view.In, &p.facts.Values[v.ID])
		}
		a.view.Out, a.view.Outputs, a.view.Train = []*op.Fact{&p.facts.Values[a.out.ID]}, 1, p.train
		a.name = "attention " + last.Label()
		if r, err := a.spec.Compile(&a.view); err != nil || r == nil {
			continue
		}
		for _, m := range s.by {
			p.arranged[m] = a
			p.absorbed[m.Index] = m != last
		}
	}
}

// takes reports whether a node may become part of attention, and nothing but a
// part.
func (p *planner) takes(n *graph.Node) bool {
	return n != nil && p.free(n) && p.arranged[n] == nil && p.fixed(n) && p.soleOutput(n)
}

// weighed finds the product of shares with values; nil where they are read
// otherwise.
func (p *planner) weighed(s *spelled, n *graph.Node) *graph.Node {
	v := n.Out[0]
	for {
		next := p.only(v)
		if mends := p.mends(s, v); mends != nil {
			v = mends.Out[0]
			continue
		}
		if !p.takes(next) {
			return nil
		}
		s.by = append(s.by, next)
		if next.Spec.Stacks {
			if s.v = next.In[1]; next.In[0] != v {
				return nil
			}
			return next
		}
		if !p.still(next, v) {
			return nil
		}
		v = next.Out[0]
	}
}

// mends finds a node that puts zeros in the place of shares that are no numbers,
// which another tells it; nil where those two are not all that reads them.
func (p *planner) mends(s *spelled, v *graph.Value) *graph.Node {
	var readers []*graph.Node
	for _, u := range v.Uses {
		if p.wanted[u.Node.Index] {
			readers = append(readers, u.Node)
		}
	}
	if v.Output || v.Captured || len(readers) != 2 {
		return nil
	}
	for i, tells := range readers {
		n := readers[1-i]
		if tells.Spec == nil || !tells.Spec.Broken || p.only(tells.Out[0]) != n || !p.free(tells) || !p.takes(n) || n.Spec.Hides == nil {
			continue
		}
		at, h, ok := n.Spec.Hides(p.facts.Nodes[n.Index])
		if ok && n.In[at] == v && n.In[0] == tells.Out[0] && h == (op.Hiding{Fill: 0, When: true}) {
			s.scores.Mends, s.by = true, append(s.by, tells, n)
			return n
		}
	}
	return nil
}

// still reports whether all that a node does is to hand v on.
func (p *planner) still(n *graph.Node, v *graph.Value) bool {
	shape := p.facts.Values[v.ID].Shape
	lies := p.lies(graph.Use{Node: n, Slot: slices.Index(n.In, v)}, op.RowByRow(shape))
	return len(lies) == 1 && slices.Equal(shape, p.facts.Values[n.Out[0].ID].Shape) && lies[0].Plain(shape)
}

// scored reads v, which only one node does, as scores. maskable says that what
// they are multiplied by and what masks them may still come.
func (p *planner) scored(s spelled, v *graph.Value, maskable bool) (spelled, bool) {
	n := v.Producer
	if !p.takes(n) || p.only(v) == nil {
		return s, false
	}
	view := p.facts.Nodes[n.Index]
	s.by = append(slices.Clip(s.by), n)
	if n.Spec.Stacks {
		s.q, s.k = n.In[0], n.In[1]
		return s, true
	}
	if n.Spec.Scales != nil {
		if i, by, ok := n.Spec.Scales(view); ok {
			// A mask that is scaled, too, is none that can be added.
			s.scores.Scale *= by
			return p.scored(s, n.In[i], false)
		}
	}
	if n.Spec.Hides != nil && maskable {
		if i, h, ok := n.Spec.Hides(view); ok {
			s.mask, s.scores.Hides = n.In[0], &h
			return p.scored(s, n.In[i], false)
		}
	}
	if n.Spec.Sum && len(n.In) == 2 && maskable && n.In[0] != n.In[1] {
		for i, in := range n.In {
			if s.mask = n.In[1-i]; !slices.Equal(p.facts.Values[in.ID].Shape, p.facts.Values[v.ID].Shape) {
				continue
			}
			if whole, ok := p.scored(s, in, false); ok {
				return whole, true
			}
		}
		return s, false
	}
	if len(n.In) == 0 || n.In[0] == nil || !p.still(n, n.In[0]) {
		return s, false
	}
	return p.scored(s, n.In[0], maskable)
}

// unscaled takes the scale of queries or keys for that of the scores.
func (p *planner) unscaled(s *spelled, v *graph.Value) *graph.Value {
	for {
		n := v.Producer
		if !p.takes(n) || p.only(v) == nil || n.Spec.Scales == nil {
			return v
		}
		i, by, ok := n.Spec.Scales(p.facts.Nodes[n.Index])
		if !ok {
			return v
		}
		s.scores.Scale *= by
		s.by, v = append(s.by, n), n.In[i]
	}
}
