package compress

import (
	"onnxcompress/depgraph"
	"onnxcompress/graph"
	"onnxcompress/graph/op"
)

// Size is what a model costs.
type Size struct {
	// MACs are multiply-accumulates of Conv, ConvTranspose, Gemm, MatMul,
	// LSTM, GRU and RNN under the nominal binding.
	MACs int64
	// Params are the elements of trained constants, a shared one counted once
	// for each use that is cut by itself.
	Params int64
	// Bytes are those of the same constants.
	Bytes int64
}

func (s Size) minus(t Size) Size {
	return Size{s.MACs - t.MACs, s.Params - t.Params, s.Bytes - t.Bytes}
}

func (s Size) plus(t Size) Size { return Size{s.MACs + t.MACs, s.Params + t.Params, s.Bytes + t.Bytes} }

// meter follows the size of a model under a cut that grows and shrinks.
type meter struct {
	g     *depgraph.Graph
	cut   *depgraph.Cut
	nodes []Size // by node
	total Size
	// weights are the constants that each node counts.
	weights [][]*depgraph.Weight
	// touched are the nodes whose size each family changes, by first space.
	touched map[int][]int32
}

func newMeter(g *depgraph.Graph) *meter {
	m := &meter{
		g: g, cut: g.NewCut(), nodes: make([]Size, len(g.Nodes)),
		weights: make([][]*depgraph.Weight, len(g.Nodes)), touched: map[int][]int32{},
	}
	counted := map[*graph.Value]bool{}
	for _, w := range g.Weights {
		if !counted[w.Value] {
			counted[w.Value] = true
			m.weights[w.Node.Index] = append(m.weights[w.Node.Index], w)
		}
	}
	for _, n := range g.Nodes {
		m.nodes[n.Index] = m.measure(n)
		m.total = m.total.plus(m.nodes[n.Index])
	}
	return m
}

// measure is the size of one node under the cut.
func (m *meter) measure(n *graph.Node) Size {
	var s Size
	for _, w := range m.weights[n.Index] {
		fact := &m.g.Witness.Values[w.Value.ID]
		count := int64(1)
		for axis, d := range fact.Shape {
			count *= m.cut.Size(n, op.In(w.Slot, axis), d)
		}
		s.Params += count
		s.Bytes += count * int64(fact.DType.Bits()) / 8
	}
	if n.Spec != nil && n.Spec.Cost != nil {
		s.MACs = n.Spec.Cost(m.view(n))
	}
	return s
}

// view is the node with the shapes that the cut leaves, under the nominal
// binding.
func (m *meter) view(n *graph.Node) *op.Node {
	old := m.g.Nominal.Nodes[n.Index]
	if m.cut.Len == 0 {
		return old
	}
	v := *old
	v.In, v.Out = make([]*op.Fact, len(old.In)), make([]*op.Fact, len(old.Out))
	for i, f := range old.In {
		v.In[i] = m.narrow(n, op.In(i, 0), f, m.g.Witness.Nodes[n.Index].In[i])
	}
	for o, f := range old.Out {
		v.Out[o] = m.narrow(n, op.Out(o, 0), f, m.g.Witness.Nodes[n.Index].Out[o])
	}
	return &v
}

func (m *meter) narrow(n *graph.Node, r op.Ref, nominal, witness *op.Fact) *op.Fact {
	if nominal == nil || !nominal.Known || len(nominal.Shape) != len(witness.Shape) {
		return nominal
	}
	f := op.Of(nominal.DType, make([]int64, len(nominal.Shape))...)
	for axis, d := range nominal.Shape {
		r.Axis = axis
		full := witness.Shape[axis]
		f.Shape[axis] = d
		if full > 0 {
			f.Shape[axis] = d * m.cut.Size(n, r, full) / full
		}
	}
	return &f
}

// nodesOf lists the nodes whose size a group's removal changes.
func (m *meter) nodesOf(group int) []int32 {
	family := m.g.Groups[group].Families[0]
	single := len(m.g.Groups[group].Families) == 1
	if list, ok := m.touched[family]; ok && single {
		return list
	}
	var list []int32
	for _, i := range m.g.Touches(group) {
		n := m.g.Nodes[i]
		if len(m.weights[i]) > 0 || n.Spec != nil && n.Spec.Cost != nil {
			list = append(list, i)
		}
	}
	if single {
		m.touched[family] = list
	}
	return list
}

func (m *meter) add(group int)  { m.cut.Add(group); m.refresh(group) }
func (m *meter) drop(group int) { m.cut.Drop(group); m.refresh(group) }

func (m *meter) refresh(group int) {
	for _, i := range m.nodesOf(group) {
		now := m.measure(m.g.Nodes[i])
		m.total = m.total.plus(now.minus(m.nodes[i]))
		m.nodes[i] = now
	}
}

// SizeOf is the size of the whole model.
func SizeOf(g *depgraph.Graph) Size { return newMeter(g).total }

// SizeWithout is the size of the model without the groups of a cut.
func SizeWithout(g *depgraph.Graph, cut *depgraph.Cut) Size {
	m := newMeter(g)
	m.cut, m.total = cut, Size{}
	for _, n := range g.Nodes {
		m.total = m.total.plus(m.measure(n))
	}
	return m.total
}
