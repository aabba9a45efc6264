package graph

import (
	"fmt"

	"onnxcompress/graph/op"
	"onnxcompress/graph/tensor"
)

// foldLimit bounds, in elements, the contents that inference computes itself:
// shape arithmetic and per-channel vectors, not weights.
const foldLimit = 1 << 14

// evalFloor is the number of elements that any constant of a model may be
// computed to have; a larger one needs a larger file. Otherwise a few bytes
// that speak of a large shape would be paid for in memory.
const evalFloor = 1 << 20

// Facts are what inference found under one binding.
type Facts struct {
	// Values has one fact for each of Graph.Values, by ID.
	Values []op.Fact
	// Nodes has the operator's view of each of Graph.Nodes, by Index.
	Nodes []*op.Node
	// Problems names the nodes that the binding does not suit, and Failed marks
	// them by Index.
	Problems []error
	Failed   []bool
	// Invented marks, by Index, the nodes for which a size was invented.
	Invented []bool

	graph *Graph
	fresh int64
	alike bool
	// params are the sizes that named dimensions took.
	params map[string]int64
}

// Infer finds shapes and the contents that follow from constants and shapes.
// A node whose operator has no meaning here, or refuses the shapes it is
// given, gets the declared types of its outputs.
func (g *Graph) Infer(b Binding) *Facts {
	f := &Facts{
		Values:   make([]op.Fact, len(g.Values)),
		Nodes:    make([]*op.Node, len(g.Nodes)),
		Failed:   make([]bool, len(g.Nodes)),
		Invented: make([]bool, len(g.Nodes)),
		graph:    g,
		fresh:    b.Fresh,
		alike:    b.Alike,
		params:   map[string]int64{},
	}
	for _, v := range g.Values {
		switch {
		case v.Init != nil:
			f.Values[v.ID] = f.constant(v)
			if b.Variable[v.Name] {
				f.Values[v.ID].Value, f.Values[v.ID].Static = nil, false
			}
		case v.Sparse != nil:
			t := v.Sparse.GetValues()
			f.Values[v.ID] = op.Of(tensor.DType(t.GetDataType()), v.Sparse.GetDims()...)
		case v.Input:
			f.Values[v.ID] = f.input(v, b)
		}
	}
	for _, n := range g.Nodes {
		f.node(n)
	}
	return f
}

func (f *Facts) constant(v *Value) op.Fact {
	t, err := Decode(f.graph.Model, v.Init)
	if err != nil {
		f.Problems = append(f.Problems, fmt.Errorf("initializer %s: %w", v.Name, err))
		return op.Unknown(tensor.DType(v.Init.GetDataType()))
	}
	fact := op.Of(t.DType, t.Shape...)
	fact.Value, fact.Static = t, true
	return fact
}

func (f *Facts) input(v *Value, b Binding) op.Fact {
	tt := v.Type.GetTensorType()
	if tt == nil || tt.GetShape() == nil {
		fact := op.Unknown(tensor.DType(tt.GetElemType()))
		if dt, ok := b.Types[v.Name]; ok && fact.DType == tensor.Undefined {
			fact.DType = dt
		}
		if s, ok := b.Shapes[v.Name]; ok {
			fact = op.Of(fact.DType, s...)
		}
		return fact
	}
	dims := tt.GetShape().GetDim()
	shape := make([]int64, len(dims))
	for axis, d := range dims {
		shape[axis] = b.size(v.Name, axis, d, len(dims), f.params)
	}
	return op.Of(tensor.DType(tt.GetElemType()), shape...)
}

// declared is the fact of a value of which only the declared type is known:
// named dimensions take the size they have elsewhere, others a fresh one.
func (f *Facts) declared(v *Value) op.Fact {
	tt := v.Type.GetTensorType()
	if tt == nil || tt.GetShape() == nil {
		return op.Unknown(tensor.DType(tt.GetElemType()))
	}
	shape := make([]int64, len(tt.GetShape().GetDim()))
	for axis, d := range tt.GetShape().GetDim() {
		switch size, named := f.params[d.GetDimParam()]; {
		case d.GetDimValue() > 0:
			shape[axis] = d.GetDimValue()
		case named:
			shape[axis] = size
		default:
			shape[axis] = f.next()
		}
	}
	return op.Of(tensor.DType(tt.GetElemType()), shape...)
}

// next invents a size; the steps keep two of them from being equal or from
// dividing each other in practice, unless they are to be alike.
func (f *Facts) next() int64 {
	if !f.alike {
		f.fresh += 2
	}
	return f.fresh
}

func (f *Facts) node(n *Node) {
	view := n.View()
	view.Fresh = func() int64 {
		f.Invented[n.Index] = true
		return f.next()
	}
	f.Nodes[n.Index] = view
	for i, v := range n.In {
		if v != nil {
			view.In[i] = &f.Values[v.ID]
		}
	}
	facts, err := n.Infer(view)
	if err != nil {
		f.Problems = append(f.Problems, fmt.Errorf("%s: %w", n.Label(), err))
		f.Failed[n.Index] = true
		facts = nil
	}
	for i, v := range n.Out {
		if v == nil {
			continue
		}
		fact := &f.Values[v.ID]
		if i < len(facts) {
			*fact = facts[i]
		}
		if !fact.Known {
			d := f.declared(v)
			if fact.DType != tensor.Undefined {
				d.DType = fact.DType
			}
			*fact = d
		}
		view.Out[i] = fact
	}
}

// View is the node as its operator sees it, with nothing known of its inputs
// and outputs. Its Attrs are shared between all views of the node.
func (n *Node) View() *op.Node {
	return &op.Node{
		Name: n.Proto.GetName(), Type: n.Proto.GetOpType(), Domain: canonical(n.Proto.GetDomain()),
		Version: n.version, Attrs: n.attrs, Outputs: len(n.Out), Fresh: func() int64 { return evalFloor },
		In: make([]*op.Fact, len(n.In)), Out: make([]*op.Fact, len(n.Out)),
	}
}

// Infer finds the facts of the node's outputs from those of its inputs; nil
// where the operator has no meaning here.
func (n *Node) Infer(view *op.Node) ([]op.Fact, error) {
	if n.Spec == nil || n.Spec.Infer == nil {
		return nil, nil
	}
	facts, err := n.Spec.Infer(view)
	if err != nil {
		return nil, err
	}
	for _, fact := range facts {
		if _, err := tensor.Count(fact.Shape); err != nil {
			return nil, err
		}
	}
	facts = facts[:min(len(facts), len(n.Out))]
	n.fold(view, facts)
	return facts, nil
}

// fold fills the contents of outputs where those of all inputs are known.
func (n *Node) fold(view *op.Node, facts []op.Fact) {
	if !n.Spec.Folds(view) || len(n.Captures) > 0 {
		return
	}
	static, known, size := true, true, int64(0)
	args := make([]*tensor.Tensor, len(view.In))
	for i, in := range view.In {
		if in == nil {
			continue
		}
		static = static && in.Static
		known = known && in.Value != nil
		args[i] = in.Value
		if in.Value != nil {
			size = max(size, tensor.Extent(in.Value.Shape))
		}
	}
	for _, out := range facts {
		if !out.Known {
			return
		}
		size = max(size, tensor.Extent(out.Shape))
	}
	for i := range facts {
		facts[i].Static = static && facts[i].DType != tensor.Undefined
	}
	if size > n.limit {
		for i := range facts {
			facts[i].Static = false
		}
	}
	if !known || size > foldLimit {
		return
	}
	results, err := n.Spec.Forward(view, args)
	for i := range facts {
		out := &facts[i]
		switch {
		case out.Value != nil:
		case err != nil || i >= len(results) || results[i] == nil:
			out.Static = false
		default:
			out.Value, out.DType, out.Shape = results[i], results[i].DType, results[i].Shape
		}
	}
}

// Tensor evaluates a Static value, whatever its size.
func (f *Facts) Tensor(v *Value) (*tensor.Tensor, error) {
	return f.evaluate(v, map[*Value]*tensor.Tensor{})
}

// evaluate remembers what it computed, because values may be read many times.
func (f *Facts) evaluate(v *Value, done map[*Value]*tensor.Tensor) (*tensor.Tensor, error) {
	fact := &f.Values[v.ID]
	if fact.Value != nil {
		return fact.Value, nil
	}
	if t := done[v]; t != nil {
		return t, nil
	}
	if !fact.Static || v.Producer == nil {
		return nil, fmt.Errorf("value %s is not a constant", v.Name)
	}
	n := v.Producer
	args := make([]*tensor.Tensor, len(n.In))
	for i, in := range n.In {
		if in == nil {
			continue
		}
		t, err := f.evaluate(in, done)
		if err != nil {
			return nil, err
		}
		args[i] = t
	}
	results, err := n.Spec.Forward(f.Nodes[n.Index], args)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", n.Label(), err)
	}
	if v.Index >= len(results) || results[v.Index] == nil {
		return nil, fmt.Errorf("%s: output %d is not computed", n.Label(), v.Index)
	}
	done[v] = results[v.Index]
	return done[v], nil
}
