package runtime

import (
	"fmt"
	"slices"

	"onnxcompress/graph"
	"onnxcompress/graph/op"
	"onnxcompress/graph/tensor"
)

// held is where a value lies that has no memory of its own: in that of another.
type held struct {
	in  *graph.Value
	lie op.Lie
}

// arranged is a node, or several that one routine stands for, whose routine may
// read and write tensors where they lie.
type arranged struct {
	spec *op.Spec
	view op.Node
	in   []*graph.Value
	// out is what the routine writes, lie how where that is not the output of the
	// node itself but of one that orders its elements anew.
	out  *graph.Value
	lie  *op.Lie
	last *graph.Node
	name string
}

// views finds values that need no memory of their own: those that nodes, which
// only order elements anew, make for routines that read them where they are, and
// those that only such a node reads.
func (p *planner) views() {
	g := p.session.graph
	for _, n := range g.Nodes {
		if p.arranged[n] == nil && p.free(n) && n.Spec != nil && n.Spec.Reads != nil && p.fixed(n) {
			a := &arranged{spec: n.Spec, view: *p.facts.Nodes[n.Index], in: n.In, out: n.Out[0], last: n, name: n.Label()}
			a.view.Train = p.train
			p.arranged[n] = a
		}
	}
	for _, v := range g.Values {
		if v.Producer == nil {
			p.hold(v)
		}
	}
	for _, n := range g.Nodes {
		for _, v := range n.Out {
			if v != nil && p.wanted[n.Index] {
				p.hold(v)
			}
		}
	}
	for _, n := range g.Nodes {
		if a := p.arranged[n]; a != nil && a.last == n {
			p.direct(a)
			if !p.moved(a) {
				delete(p.arranged, n)
			}
		}
	}
}

// moved reports whether a is other than a node that reads and writes row by row.
func (p *planner) moved(a *arranged) bool {
	return a.lie != nil || a.spec != a.last.Spec || slices.ContainsFunc(a.in, func(v *graph.Value) bool { return v != nil && p.held[v.ID] != nil })
}

// hold lets the nodes that order the elements of v anew do so by telling where
// they are, where all that read what these give can be told.
func (p *planner) hold(v *graph.Value) {
	f := &p.facts.Values[v.ID]
	if p.held[v.ID] != nil || p.loose[v.ID] || !f.Known || f.DType != tensor.Float32 || slices.Contains(f.Shape, 0) {
		return
	}
	for _, u := range v.Uses {
		if found, ok := p.follow(u, op.RowByRow(f.Shape), nil); ok {
			for _, h := range found {
				p.held[h.value.ID] = &held{v, h.lie}
				p.absorbed[h.value.Producer.Index] = true
			}
		}
	}
}

// lain is a value with how it lies.
type lain struct {
	value *graph.Value
	lie   op.Lie
}

// follow adds to found what the reader of a value that lies as given makes of it,
// and what is made of that; ok is false where something needs it row by row.
func (p *planner) follow(u graph.Use, lie op.Lie, found []lain) ([]lain, bool) {
	lies := p.lies(u, lie)
	if lies == nil {
		return nil, false
	}
	for i, v := range u.Node.Out {
		if v == nil {
			continue
		}
		if v.Output || v.Captured {
			return nil, false
		}
		found = append(found, lain{v, lies[i]})
		for _, next := range v.Uses {
			if !p.wanted[next.Node.Index] || p.reads(v, next, lies[i]) {
				continue
			}
			var ok bool
			if found, ok = p.follow(next, lies[i], found); !ok {
				return nil, false
			}
		}
	}
	return found, true
}

// lies tells how what the reader of a value gives lies in the value's memory, nil
// where the reader does other things than to order elements anew.
func (p *planner) lies(u graph.Use, lie op.Lie) []op.Lie {
	n := u.Node
	if u.Slot != 0 || n.Spec == nil || n.Spec.Lies == nil || !p.free(n) || !p.fixed(n) {
		return nil
	}
	view := *p.facts.Nodes[n.Index]
	view.Train = p.train
	return n.Spec.Lies(&view, lie)
}

// reads reports whether a routine reads v where it lies.
func (p *planner) reads(v *graph.Value, u graph.Use, lie op.Lie) bool {
	a := p.arranged[u.Node]
	if a == nil || !slices.Contains(a.in, v) {
		return false
	}
	for i, in := range a.in {
		if in == v && !a.spec.Reads(&a.view, i, lie) {
			return false
		}
	}
	return true
}

// direct lets a write what the only node that reads its output would make of it.
func (p *planner) direct(a *arranged) {
	if a.spec.Writes == nil {
		return
	}
	shape := p.facts.Values[a.out.ID].Shape
	lie := op.RowByRow(shape)
	var nodes []*graph.Node
	for v, from := a.out, a.last; ; {
		n := p.only(v)
		if n == nil || len(n.Out) == 0 || n.Out[0] == nil || !p.soleOutput(n) {
			return
		}
		lies := p.lies(graph.Use{Node: n, Slot: slices.Index(n.In, v)}, lie)
		if lies == nil {
			return
		}
		nodes = append(nodes, from)
		v, from, lie = n.Out[0], n, lies[0]
		to := p.facts.Values[v.ID].Shape
		if inverse, ok := lie.Inverse(shape, to); ok && !lie.Plain(to) && a.spec.Writes(&a.view, inverse) {
			a.out, a.lie = v, &inverse
			for _, m := range nodes {
				p.absorbed[m.Index] = true
			}
			p.arranged[n], a.last, nodes = a, n, nil
		}
	}
}

// arrange adds the step of a.
func (p *planner) arrange(a *arranged) error {
	view := a.view
	view.Pool, view.OutLie = p.session.pool, a.lie
	view.Places = make([]op.Place, len(a.in))
	var in []*graph.Value
	for i, v := range a.in {
		if v == nil {
			continue
		}
		base, lie := v, op.RowByRow(p.facts.Values[v.ID].Shape)
		if h := p.held[v.ID]; h != nil {
			base, lie = h.in, h.lie
		}
		at := slices.Index(in, base)
		if at < 0 {
			at, in = len(in), append(in, base)
		}
		size := int64(1)
		for _, d := range p.facts.Values[base.ID].Shape {
			size *= d
		}
		view.Places[i] = op.Place{In: at, Size: size, Lie: lie}
	}
	r, err := a.spec.Compile(&view)
	if err != nil {
		return err
	}
	if r == nil {
		return fmt.Errorf("%s has no routine where its operands lie", a.name)
	}
	return p.compiled(a.name, r, in, []*graph.Value{a.out}, false, nil)
}
