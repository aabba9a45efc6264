package runtime

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"unsafe"

	"onnxcompress/graph"
	"onnxcompress/graph/op"
	"onnxcompress/graph/tensor"
)

// planner turns a graph into the steps of a program for inputs of given shapes.
type planner struct {
	session *Session
	facts   *graph.Facts
	// loose marks values whose shape depends on data, by ID.
	loose []bool
	// variable marks values whose content changes from step to step although
	// constants are all that it follows from: variables and what depends on them.
	variable []bool
	// home is each value's slot in the layout that its producer gives it, other
	// the slot in the layout that it was converted to.
	home, other []*slot
	last        []bool // whether home has its channels last
	steps       []*step
	train       bool
	// wanted marks the nodes that run.
	wanted []bool
	// chain lists the members of chains by the last of them; absorbed marks the
	// others.
	chain    map[*graph.Node][]*graph.Node
	absorbed []bool
	tail     map[*graph.Node]*tailed
	// held are the values that lie in the memory of others, by ID; arranged has
	// what reads or writes at any place, by each of the nodes that it stands for.
	held     []*held
	arranged map[*graph.Node]*arranged
}

// The sizes that axes take whose size depends on data, in two rounds: what
// differs between them depends on data too.
const (
	firstFresh = 9001
	otherFresh = 15013
)

func (s *Session) plan(shapes map[string][]int64, types map[string]tensor.DType) (*planner, error) {
	b := graph.Binding{Shapes: shapes, Types: types, Batch: 1, Image: [2]int64{64, 64}, Sequence: 8, Fresh: firstFresh, Variable: union(s.variables, s.running)}
	p := &planner{session: s, facts: s.graph.Infer(b), train: s.train}
	b.Fresh = otherFresh
	again := s.graph.Infer(b)
	n := len(s.graph.Values)
	p.loose, p.variable = make([]bool, n), make([]bool, n)
	p.home, p.other, p.last = make([]*slot, n), make([]*slot, n), make([]bool, n)
	for id := range p.loose {
		f, g := &p.facts.Values[id], &again.Values[id]
		p.loose[id] = !f.Known || !g.Known || !slices.Equal(f.Shape, g.Shape)
		if p.loose[id] || (f.Value == nil) != (g.Value == nil) || f.Value != nil && !f.Static && !equal(f.Value, g.Value) {
			f.Value = nil
		}
	}
	if err := p.refused(); err != nil {
		return nil, err
	}
	if err := p.affordable(); err != nil {
		return nil, err
	}
	for _, v := range s.graph.Values {
		p.variable[v.ID] = s.changes(v.Name)
		if v.Producer != nil {
			for _, in := range v.Producer.In {
				p.variable[v.ID] = p.variable[v.ID] || in != nil && p.variable[in.ID] && p.facts.Values[v.ID].Value == nil
			}
		}
	}
	return p, p.build()
}

// union is the set of what two sets hold.
func union(a, b map[string]bool) map[string]bool {
	u := maps.Clone(a)
	if u == nil {
		return b
	}
	maps.Copy(u, b)
	return u
}

// refused tells of the nodes that the shapes do not suit. Where sizes depend on
// data it is too early to say: those that were invented may be what is not
// suitable, and the node finds out when it runs.
func (p *planner) refused() error {
	failed, early := 0, map[int]bool{}
	for _, n := range p.session.graph.Nodes {
		if !p.facts.Failed[n.Index] {
			continue
		}
		early[failed] = p.facts.Invented[n.Index]
		for _, v := range n.In {
			early[failed] = early[failed] || v != nil && p.loose[v.ID]
		}
		failed++
	}
	others := len(p.facts.Problems) - failed
	var problems []error
	for i, err := range p.facts.Problems {
		if i < others || !early[i-others] {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// equal reports whether two tensors have the same content.
func equal(a, b *tensor.Tensor) bool {
	return a.DType == b.DType && a.Items == nil && slices.Equal(a.Shape, b.Shape) && string(a.Data) == string(b.Data)
}

// build makes the steps of the nodes that outputs depend on.
func (p *planner) build() error {
	g := p.session.graph
	for _, v := range g.Inputs {
		p.home[v.ID] = p.input(v)
	}
	p.wanted, p.absorbed = p.needed(), make([]bool, len(g.Nodes))
	p.held, p.arranged = make([]*held, len(g.Values)), map[*graph.Node]*arranged{}
	if !p.session.apart {
		p.attention()
		p.views()
		p.tails()
		p.chains()
	}
	var problems []error
	for _, n := range g.Nodes {
		if !p.wanted[n.Index] || p.absorbed[n.Index] {
			continue
		}
		if err := p.step(n); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", n.Label(), err))
		}
	}
	return errors.Join(problems...)
}

// step adds the step of a node, or of the chain that it ends.
func (p *planner) step(n *graph.Node) error {
	if t := p.tail[n]; t != nil {
		return p.finished(t)
	}
	if a := p.arranged[n]; a != nil {
		return p.arrange(a)
	}
	members := p.chain[n]
	if len(members) > 0 {
		if ok, err := p.fused(members); ok || err != nil {
			return err
		}
		for _, m := range members[:len(members)-1] {
			if err := p.node(m); err != nil {
				return err
			}
		}
	}
	return p.node(n)
}

// needed marks the nodes that run: those that outputs depend on and that
// are not constant.
func (p *planner) needed() []bool {
	marks := make([]bool, len(p.session.graph.Nodes))
	var visit func(v *graph.Value)
	visit = func(v *graph.Value) {
		if v == nil || v.Producer == nil || p.constant(v) || marks[v.Producer.Index] {
			return
		}
		marks[v.Producer.Index] = true
		for _, in := range v.Producer.In {
			visit(in)
		}
		for _, in := range v.Producer.Captures {
			visit(in)
		}
	}
	for _, v := range p.session.graph.Outputs {
		visit(v)
	}
	return marks
}

// constant reports whether the content of a value is known before the program
// runs.
func (p *planner) constant(v *graph.Value) bool {
	f := &p.facts.Values[v.ID]
	given := v.Producer == nil && v.Init == nil && v.Sparse == nil
	return !given && !p.loose[v.ID] && !p.variable[v.ID] && (f.Value != nil || f.Static)
}

func (p *planner) input(v *graph.Value) *slot {
	f := &p.facts.Values[v.ID]
	s := &slot{name: v.Name, dtype: f.DType, shape: f.Shape, loose: p.loose[v.ID]}
	if !s.loose && f.DType != tensor.Undefined {
		s.tensor = blank(f.DType, f.Shape)
	}
	return s
}

// blank is a tensor of zeros, its floats aligned.
func blank(dt tensor.DType, shape []int64) *tensor.Tensor {
	if dt != tensor.Float32 {
		return tensor.New(dt, shape...)
	}
	n := int64(1)
	for _, d := range shape {
		n *= d
	}
	return tensor.FromFloat32s(shape, aligned(n))
}

// slot is the place of a value in a layout, made where there is none yet.
func (p *planner) slot(v *graph.Value, last bool) (*slot, error) {
	if p.home[v.ID] == nil {
		t, err := p.content(v)
		if err != nil {
			return nil, err
		}
		t = settled(t)
		s := p.session
		p.home[v.ID] = &slot{name: v.Name, dtype: t.DType, shape: t.Shape, tensor: t, needs: s.variables[v.Name], constant: !s.changes(v.Name)}
	}
	home := p.home[v.ID]
	if len(home.shape) < 3 || p.last[v.ID] == last {
		return home, nil
	}
	if p.other[v.ID] == nil {
		p.other[v.ID] = p.convert(home, last)
	}
	return p.other[v.ID], nil
}

// settled is t with its elements at addresses that they can be read from in
// place: in a file they may lie anywhere.
func settled(t *tensor.Tensor) *tensor.Tensor {
	if size := t.DType.Size(); size < 2 || len(t.Data) == 0 || uintptr(unsafe.Pointer(unsafe.SliceData(t.Data)))%uintptr(size) == 0 {
		return t
	}
	return copied(t)
}

// copied is a copy of t, its floats aligned.
func copied(t *tensor.Tensor) *tensor.Tensor {
	own := blank(t.DType, t.Shape)
	copy(own.Data, t.Data)
	return own
}

// content is the tensor of a constant or a variable.
func (p *planner) content(v *graph.Value) (*tensor.Tensor, error) {
	if p.session.changes(v.Name) {
		return p.session.variable(v)
	}
	if v.Sparse != nil {
		return graph.Dense(p.session.graph.Model, v.Sparse)
	}
	return p.facts.Tensor(v)
}

// convert moves the channels of a slot last, or back.
func (p *planner) convert(from *slot, last bool) *slot {
	shape := op.Rotate(from.shape)
	if !last {
		shape = op.Unrotate(from.shape)
	}
	to := &slot{name: from.name, dtype: from.dtype, shape: shape, needs: from.needs}
	r := op.Turn(from.shape, last)
	if from.constant {
		to.constant, to.tensor = true, &tensor.Tensor{DType: to.dtype, Shape: shape, Data: from.tensor.Data}
		if !r.View {
			to.tensor = blank(to.dtype, shape)
			r.Forward(&op.Frame{Pool: p.session.pool, In: []*tensor.Tensor{from.tensor}, Out: []*tensor.Tensor{to.tensor}})
		}
		return to
	}
	p.place(to, r, from)
	p.steps = append(p.steps, &step{label: "layout of " + from.name, routine: r, in: []*slot{from}, out: []*slot{to}})
	return to
}

// place gives the output of a routine a buffer, the input's where it is a view.
func (p *planner) place(out *slot, r *op.Routine, in *slot) {
	if !r.View {
		out.buffer = &buffer{floats: out.floats(), first: -1, last: -1}
		return
	}
	out.loose = in.loose
	out.buffer = in.buffer
	if in.tensor != nil {
		out.tensor = &tensor.Tensor{DType: out.dtype, Shape: out.shape, Data: in.tensor.Data}
	}
}
