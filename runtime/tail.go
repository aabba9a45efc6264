package runtime

import (
	"slices"

	"onnxcompress/graph"
	"onnxcompress/graph/op"
	"onnxcompress/graph/tensor"
)

// tailed is a node with those after it whose work its routine does.
type tailed struct {
	node     *graph.Node
	tail     op.Tail
	residual *graph.Value
	// last is the node whose output the routine writes, members all from node to
	// last.
	last    *graph.Node
	members []*graph.Node
}

// tails finds what the routines of nodes can do as they write their output. The
// step of such a node stands where the last of those it stands for was.
func (p *planner) tails() {
	p.tail = map[*graph.Node]*tailed{}
	for _, n := range slices.Backward(p.session.graph.Nodes) {
		if !p.free(n) || p.arranged[n] != nil || n.Spec == nil || n.Spec.Tails == nil || !p.fixed(n) {
			continue
		}
		view := *p.facts.Nodes[n.Index]
		view.Train = p.train
		if n.Spec.Layout != nil {
			if l, ok := n.Spec.Layout(&view); !ok || !l.Prefers {
				continue
			}
		}
		t := &tailed{node: n, last: n}
		p.extend(t, n.Spec.Tails(&view))
		if t.last == n {
			continue
		}
		p.tail[t.last] = t
		p.absorb(t.members)
	}
}

// free reports whether a node runs and no step stands for it yet.
func (p *planner) free(n *graph.Node) bool {
	return p.wanted[n.Index] && !p.absorbed[n.Index] && p.tail[n] == nil
}

// absorb lets the last of some nodes stand for all.
func (p *planner) absorb(members []*graph.Node) {
	for _, m := range members[:len(members)-1] {
		p.absorbed[m.Index] = true
	}
}

// extend adds nodes to a tail, as long as each is all that reads what is before
// it.
func (p *planner) extend(t *tailed, can op.TailKind) {
	t.members = []*graph.Node{t.node}
	for {
		v := t.last.Out[0]
		n := p.only(v)
		if n == nil || !p.free(n) || !p.fixed(n) || len(n.Out) != 1 && !p.soleOutput(n) ||
			!slices.Equal(p.facts.Values[v.ID].Shape, p.facts.Values[n.Out[0].ID].Shape) {
			return
		}
		switch {
		case can.Affine && p.affine(t, n, v):
			can.Affine = false
		case can.Bias && p.bias(t, n, v):
			can.Bias = false
		case can.Residual && p.sum(t, n, v):
			can.Affine, can.Bias, can.Residual = false, false, false
		case can.Relu && n.Spec.Rectifier:
			t.tail.Relu = true
			can = op.TailKind{}
		case can.Act && p.activation(t, n):
			can = op.TailKind{}
		default:
			return
		}
		t.last, t.members = n, append(t.members, n)
	}
}

// soleOutput reports whether a node has one output that is there.
func (p *planner) soleOutput(n *graph.Node) bool {
	return !slices.ContainsFunc(n.Out[1:], func(v *graph.Value) bool { return v != nil })
}

// only is the one node that reads a value once, nil where there is none.
func (p *planner) only(v *graph.Value) *graph.Node {
	if v.Output || v.Captured {
		return nil
	}
	var one *graph.Node
	for _, u := range v.Uses {
		if !p.wanted[u.Node.Index] {
			continue
		}
		if one != nil {
			return nil
		}
		one = u.Node
	}
	return one
}

// affine takes the scale and shift of a node for the tail.
func (p *planner) affine(t *tailed, n *graph.Node, v *graph.Value) bool {
	if n.Spec.Affine == nil || n.In[0] != v || p.facts.Values[v.ID].Rank() < 3 {
		return false
	}
	args := make([]*tensor.Tensor, len(n.In))
	for i, in := range n.In[1:] {
		if in == nil || !p.constant(in) {
			return false
		}
		c, err := p.content(in)
		if err != nil {
			return false
		}
		args[i+1] = c
	}
	a, ok := n.Spec.Affine(p.facts.Nodes[n.Index], args)
	if !ok || a.Axis != 1 {
		return false
	}
	for i, s := range a.Scale {
		t.tail.Scale, t.tail.Shift = append(t.tail.Scale, float32(s)), append(t.tail.Shift, float32(a.Shift[i]))
	}
	return true
}

// addend is what a node adds to a value, nil where it does something else.
func addend(n *graph.Node, v *graph.Value) *graph.Value {
	if !n.Spec.Sum || len(n.In) != 2 || n.In[0] == n.In[1] {
		return nil
	}
	if n.In[0] == v {
		return n.In[1]
	}
	return n.In[0]
}

// bias takes a constant that is added along the last axis for the tail.
func (p *planner) bias(t *tailed, n *graph.Node, v *graph.Value) bool {
	other := addend(n, v)
	if other == nil {
		return false
	}
	shape := p.facts.Values[v.ID].Shape
	f := &p.facts.Values[other.ID]
	if !p.constant(other) || len(shape) == 0 || len(f.Shape) != 1 || f.Shape[0] != shape[len(shape)-1] {
		return false
	}
	c, err := p.content(other)
	if err != nil || c.DType != tensor.Float32 {
		return false
	}
	t.tail.Bias = settled(c).Float32s()
	return true
}

// sum takes what is added to a value for the tail.
func (p *planner) sum(t *tailed, n *graph.Node, v *graph.Value) bool {
	other := addend(n, v)
	if other == nil {
		return false
	}
	if f := &p.facts.Values[other.ID]; p.loose[other.ID] || f.DType != tensor.Float32 || !slices.Equal(f.Shape, p.facts.Values[v.ID].Shape) {
		return false
	}
	t.tail.Residual, t.residual = true, other
	return true
}

// activation takes a function of one number for the tail.
func (p *planner) activation(t *tailed, n *graph.Node) bool {
	act, ok := n.Spec.Activation(p.facts.Nodes[n.Index])
	t.tail.Act = act
	return ok
}

// finished adds the step of a node with a tail.
func (p *planner) finished(t *tailed) error {
	n := t.node
	view := *p.facts.Nodes[n.Index]
	view.Train, view.Pool, view.Tail = p.train, p.session.pool, &t.tail
	layout, turned := p.layout(n, &view)
	view.Last = turned
	r, err := n.Spec.Compile(&view)
	if err != nil {
		return err
	}
	if r == nil {
		for _, m := range t.members {
			if err := p.node(m); err != nil {
				return err
			}
		}
		return nil
	}
	in, last := n.In, layout.In
	if t.residual != nil {
		in, last = append(slices.Clone(in), t.residual), append(slices.Clone(last), len(n.In))
	}
	return p.compiled(n.Label(), r, in, t.last.Out[:1], view.Last, last, t.members...)
}
