package compact_test

import (
	"bytes"

	"google.golang.org/protobuf/proto"

	"onnxcompress/depgraph"
	"onnxcompress/graph"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

// onlyZeros checks that the masked model is the original but for zeros in
// constants, and for copies of constants that several nodes read.
func (tr *trial) onlyZeros(masked *onnx.Model) {
	tr.Helper()
	before, after := tr.constants(tr.model), tr.constants(masked)
	p, q := tr.model.Proto.GetGraph(), masked.Proto.GetGraph()
	if len(p.Node) != len(q.Node) {
		tr.Fatalf("masked model has %d nodes, not %d", len(q.Node), len(p.Node))
	}
	for i, n := range p.Node {
		m := proto.Clone(q.Node[i]).(*onnx.NodeProto)
		for slot, name := range m.Input {
			if slot < len(n.Input) && (name == n.Input[slot] || before[n.Input[slot]] != nil && before[name] == nil) {
				tr.zeroedOnly(n.Input[slot], before[n.Input[slot]], after[name])
				m.Input[slot] = n.Input[slot]
			}
		}
		if len(n.Input) == 0 && before[n.Output[0]] != nil {
			m.Attribute = n.Attribute
		}
		if !proto.Equal(n, m) {
			tr.Errorf("masked model changes node %v to %v", n, m)
		}
	}
}

func (tr *trial) zeroedOnly(name string, before, after *tensor.Tensor) {
	tr.Helper()
	switch {
	case before == nil:
		return
	case after == nil || after.DType != before.DType || after.Len() != before.Len():
		tr.Errorf("masked model changes constant %s to %v", name, after)
		return
	case bytes.Equal(before.Data, after.Data):
		return
	}
	size := before.DType.Size()
	zero := make([]byte, size)
	for i := 0; i < len(before.Data); i += size {
		is, was := after.Data[i:i+size], before.Data[i:i+size]
		if !bytes.Equal(is, was) && !bytes.Equal(is, zero) {
			tr.Errorf("masked model writes %x to element %d of constant %s", is, i/size, name)
			return
		}
	}
}

// constants are the contents of initializers and of Constant nodes by name.
func (tr *trial) constants(m *onnx.Model) map[string]*tensor.Tensor {
	tr.Helper()
	g, err := graph.Import(m)
	if err != nil {
		tr.Fatal(err)
	}
	list := map[string]*tensor.Tensor{}
	facts := g.Infer(graph.Nominal(nil))
	for _, v := range g.Values {
		if v.Init != nil || v.Producer != nil && len(v.Producer.In) == 0 {
			list[v.Name] = facts.Values[v.ID].Value
		}
	}
	return list
}

// smaller checks the compact model by itself: it keeps the interface, is
// valid, has fewer weights where groups went, and no node of it is dearer.
func (tr *trial) smaller(small *onnx.Model) {
	tr.Helper()
	if err := small.Check(); err != nil {
		tr.Error(err)
	}
	tr.sameInterface(small)
	_, g := analyse(tr, small.Proto)
	if before, after := weights(tr.graph), weights(g); tr.cut.Len > 0 && after >= before || after > before {
		tr.Errorf("compact model has %d weights of %d, without %d groups", after, before, tr.cut.Len)
	}
	cost := costs(tr.graph)
	for name, now := range costs(g) {
		if was, ok := cost[name]; ok && now > was {
			tr.Errorf("the node that makes %s takes %d multiplications, not %d", name, now, was)
		}
	}
}

func (tr *trial) sameInterface(small *onnx.Model) {
	tr.Helper()
	p, q := tr.model.Proto.GetGraph(), small.Proto.GetGraph()
	if len(p.Output) != len(q.Output) {
		tr.Fatalf("compact model has %d outputs, not %d", len(q.Output), len(p.Output))
	}
	for i := range p.Output {
		if !proto.Equal(p.Output[i], q.Output[i]) {
			tr.Errorf("output %v became %v", p.Output[i], q.Output[i])
		}
	}
	a, b := required(p), required(q)
	if len(a) != len(b) {
		tr.Fatalf("compact model has %d inputs, not %d", len(b), len(a))
	}
	for i := range a {
		if !proto.Equal(a[i], b[i]) {
			tr.Errorf("input %v became %v", a[i], b[i])
		}
	}
}

// required are the inputs that are no initializers.
func required(g *onnx.GraphProto) []*onnx.ValueInfoProto {
	constant := map[string]bool{}
	for _, t := range g.Initializer {
		constant[t.GetName()] = true
	}
	var list []*onnx.ValueInfoProto
	for _, in := range g.Input {
		if !constant[in.GetName()] {
			list = append(list, in)
		}
	}
	return list
}

// weights counts the elements of all uses of trained constants.
func weights(g *depgraph.Graph) int64 {
	total := int64(0)
	for _, w := range g.Weights {
		n, _ := tensor.Count(g.Nominal.Values[w.Value.ID].Shape)
		total += n
	}
	return total
}

// costs are the multiplications of every node, by its first output.
func costs(g *depgraph.Graph) map[string]int64 {
	list := map[string]int64{}
	for _, n := range g.Nodes {
		if n.Spec != nil && n.Spec.Cost != nil && n.Out[0] != nil {
			list[n.Out[0].Name] = n.Spec.Cost(g.Nominal.Nodes[n.Index])
		}
	}
	return list
}
