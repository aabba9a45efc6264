package runtime

import (
	"errors"
	"slices"

	"onnxcompress/graph"
	"onnxcompress/graph/op"
	"onnxcompress/graph/tensor"
)

// node makes the steps of one node.
func (p *planner) node(n *graph.Node) error {
	view := *p.facts.Nodes[n.Index]
	view.Train = p.train
	view.Pool = p.session.pool
	view.Rand = p.session.rand
	if n.Function {
		return p.call(n, &view)
	}
	if n.Spec == nil || n.Spec.Forward == nil && n.Spec.Compile == nil {
		return errors.New("is not supported")
	}
	if p.fixed(n) {
		layout, turned := p.layout(n, &view)
		view.Last = turned
		if r, err := n.Spec.Compile(&view); err != nil || r != nil {
			if err != nil {
				return err
			}
			return p.compiled(n.Label(), r, n.In, n.Out, view.Last, layout.In, n)
		}
	}
	if n.Spec.Forward == nil {
		return errors.New("is not supported for these types")
	}
	view.Last = false
	return p.defined(n, &view)
}

// fixed reports whether a routine may serve: all shapes are known before the
// program runs, and outputs are floats.
func (p *planner) fixed(n *graph.Node) bool {
	if n.Spec == nil || n.Spec.Compile == nil || len(n.Captures) > 0 {
		return false
	}
	for _, v := range n.In {
		if v != nil && p.loose[v.ID] {
			return false
		}
	}
	for _, v := range n.Out {
		if v != nil && (p.loose[v.ID] || p.facts.Values[v.ID].DType != tensor.Float32) {
			return false
		}
	}
	return len(n.Out) > 0
}

// layout decides whether the node runs with channels last.
func (p *planner) layout(n *graph.Node, view *op.Node) (op.Layout, bool) {
	if n.Spec.Layout == nil {
		return op.Layout{}, false
	}
	l, ok := n.Spec.Layout(view)
	if !ok {
		return l, false
	}
	turned := l.Prefers
	for _, slot := range l.In {
		if v := n.In[slot]; v != nil && p.home[v.ID] != nil && len(p.home[v.ID].shape) > 2 {
			turned = turned || p.last[v.ID]
		}
	}
	return l, turned
}

// compiled adds the step of a routine that reads some values and makes others. It
// runs with channels last if last is set: the inputs that turned lists, and all
// outputs. It does the work of nodes.
func (p *planner) compiled(label string, r *op.Routine, in, out []*graph.Value, last bool, turned []int, nodes ...*graph.Node) error {
	s := &step{label: label, routine: r, in: make([]*slot, len(in)), out: make([]*slot, len(out)), macs: p.macs(nodes), single: p.follows(nodes)}
	needs := false
	for i, v := range in {
		if v == nil {
			continue
		}
		slot, err := p.slot(v, last && slices.Contains(turned, i))
		if err != nil {
			return err
		}
		s.in[i] = slot
		needs = needs || slot.needs
	}
	for i, v := range out {
		if v == nil {
			continue
		}
		f := &p.facts.Values[v.ID]
		made := &slot{name: v.Name, dtype: f.DType, shape: f.Shape, needs: needs}
		if last && len(f.Shape) > 2 {
			made.shape, p.last[v.ID] = op.Rotate(f.Shape), true
		}
		var first *slot
		if len(s.in) > 0 {
			first = s.in[0]
		}
		p.place(made, r, first)
		p.home[v.ID], s.out[i] = made, made
	}
	p.steps = append(p.steps, s)
	return nil
}

// follows reports whether nodes read running statistics that others change.
func (p *planner) follows(nodes []*graph.Node) bool {
	for _, n := range nodes {
		for i, v := range n.In {
			if v != nil && p.session.running[v.Name] && !slices.Contains(n.Spec.Running, i) {
				return true
			}
		}
	}
	return false
}

// defined adds the step of a node that runs by its definition.
func (p *planner) defined(n *graph.Node, view *op.Node) error {
	s := &step{label: n.Label(), spec: n.Spec, view: view, limit: p.session.limit}
	if err := p.plain(n, s); err != nil {
		return err
	}
	facts := make([]op.Fact, len(s.in))
	view.In = make([]*op.Fact, len(n.In))
	for i := range n.In {
		if s.in[i] != nil {
			view.In[i] = &facts[i]
		}
	}
	s.args = make([]*tensor.Tensor, len(n.In))
	if len(n.Captures) > 0 || hasGraph(view) {
		if err := p.subgraphs(n, view, s.in[len(n.In):]); err != nil {
			return err
		}
	}
	p.steps = append(p.steps, s)
	return nil
}

// plain gives a step the slots of a node's inputs, its captures and its
// outputs, whose memory is found as it runs.
func (p *planner) plain(n *graph.Node, s *step) error {
	for _, v := range slices.Concat(n.In, n.Captures) {
		var in *slot
		if v != nil {
			var err error
			if in, err = p.slot(v, false); err != nil {
				return err
			}
		}
		s.in = append(s.in, in)
	}
	needs := slices.ContainsFunc(s.in, func(in *slot) bool { return in != nil && in.needs })
	for _, v := range n.Out {
		var out *slot
		if v != nil {
			f := &p.facts.Values[v.ID]
			out = &slot{name: v.Name, dtype: f.DType, shape: f.Shape, loose: true, needs: needs && f.DType == tensor.Float32}
			p.home[v.ID] = out
		}
		s.out = append(s.out, out)
	}
	return nil
}

func hasGraph(view *op.Node) bool {
	for _, a := range view.Attrs {
		if a.Graph {
			return true
		}
	}
	return false
}

// call adds the step of a node that calls a function of the model.
func (p *planner) call(n *graph.Node, view *op.Node) error {
	body, err := n.Call()
	if err != nil {
		return err
	}
	child := p.session.child(body)
	given := len(n.In)
	s := &step{label: n.Label(), view: view, spec: &op.Spec{
		Lists: true,
		Forward: func(_ *op.Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
			return child.evaluate(in[:given])
		},
	}}
	if err := p.plain(n, s); err != nil {
		return err
	}
	view.In = make([]*op.Fact, len(s.in))
	for i := range view.In {
		view.In[i] = new(op.Fact)
	}
	s.args = make([]*tensor.Tensor, len(s.in))
	p.steps = append(p.steps, s)
	return nil
}
