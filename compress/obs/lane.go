package obs

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"onnxcompress/compress"
	"onnxcompress/depgraph"
	"onnxcompress/graph"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

// lane runs a model on all samples in step with its nodes: each node once, and
// what later nodes need is kept. Weights may change ahead of where it stands.
type lane struct {
	g      *depgraph.Graph
	model  *onnx.Model
	runner compress.Runner
	nodes  []*onnx.NodeProto
	consts map[string]*onnx.TensorProto
	// makes is the node that computes a constant.
	makes map[string]int
	// last is the last node that reads a value.
	last map[string]int
	at   int
	// live are the values by batch.
	live []compress.Inputs
}

// newLane starts a model whose nodes are those of g, in their order.
func newLane(g *depgraph.Graph, m *onnx.Model, runner compress.Runner, batches []compress.Inputs) *lane {
	l := &lane{g: g, model: m, runner: runner, consts: map[string]*onnx.TensorProto{}, makes: map[string]int{}, last: map[string]int{}}
	p := m.Proto.GetGraph()
	l.nodes = slices.Clone(p.GetNode())
	for _, t := range p.GetInitializer() {
		l.consts[t.GetName()] = t
	}
	for i, n := range l.nodes {
		if g.Constant(g.Nodes[i]) {
			for _, out := range n.GetOutput() {
				l.makes[out] = i
			}
		}
		for _, in := range reads(n) {
			l.last[in] = i
		}
	}
	for _, out := range g.Outputs {
		if out.Producer != nil {
			l.last[out.Name] = max(l.last[out.Name], out.Producer.Index+1)
		}
	}
	for _, in := range batches {
		own := compress.Inputs{}
		for name, t := range in {
			own[name] = t
		}
		l.live = append(l.live, own)
	}
	return l
}

// reads lists what a node reads, its subgraphs included.
func reads(n *onnx.NodeProto) []string {
	return append(slices.Clone(n.GetInput()), graph.Captures(n)...)
}

// replace gives input slot of a node a new content.
func (l *lane) replace(n *graph.Node, slot int, t *tensor.Tensor) {
	p := proto.Clone(l.nodes[n.Index]).(*onnx.NodeProto)
	name := fmt.Sprintf("%s/refit/%d/%d", n.In[slot].Name, n.Index, slot)
	l.consts[name] = tensorProto(name, t)
	p.Input[slot] = name
	l.nodes[n.Index] = p
}

func tensorProto(name string, t *tensor.Tensor) *onnx.TensorProto {
	p := &onnx.TensorProto{Name: proto.String(name), DataType: proto.Int32(int32(t.DType)), Dims: t.Shape}
	onnx.SetData(p, t.Data)
	return p
}

// advance runs the nodes before to.
func (l *lane) advance(to int) error {
	if to <= l.at {
		return nil
	}
	m, wanted := l.segment(to)
	if len(wanted) > 0 {
		b, err := proto.Marshal(m)
		if err != nil {
			return err
		}
		s, err := l.runner.Open(b)
		if err != nil {
			return err
		}
		defer s.Close()
		for i, in := range l.live {
			out, err := s.Run(in)
			if err != nil {
				return err
			}
			for _, name := range wanted {
				l.live[i][name] = out[name]
			}
		}
	}
	for _, values := range l.live {
		for name := range values {
			if l.last[name] < to {
				delete(values, name)
			}
		}
	}
	l.at = to
	return nil
}

// segment is a model of the nodes from where the lane stands up to to, and the
// values that it gives: those that are read later.
func (l *lane) segment(to int) (*onnx.ModelProto, []string) {
	s := &segment{lane: l, used: make([]bool, len(l.nodes)), known: map[string]bool{}}
	var wanted []string
	for i := l.at; i < to; i++ {
		if l.g.Constant(l.g.Nodes[i]) {
			continue
		}
		s.take(i)
		for _, out := range l.nodes[i].GetOutput() {
			if out != "" && l.last[out] >= to {
				wanted = append(wanted, out)
			}
		}
	}
	p := &onnx.GraphProto{Name: proto.String("segment"), Initializer: s.tensors, Input: s.inputs}
	for i, n := range l.nodes {
		if s.used[i] {
			p.Node = append(p.Node, n)
		}
	}
	for _, name := range wanted {
		p.Output = append(p.Output, port(name, l.dtype(name)))
	}
	const unlisted = graph.ListedUntil + 1 // initializers are not inputs
	return &onnx.ModelProto{
		IrVersion: proto.Int64(max(l.model.Proto.GetIrVersion(), unlisted)), OpsetImport: l.model.Proto.GetOpsetImport(),
		Functions: l.model.Proto.GetFunctions(), Graph: p,
	}, wanted
}

func (l *lane) dtype(name string) tensor.DType {
	return l.g.Witness.Values[l.g.Value(name).ID].DType
}

// port declares a value of any shape.
func port(name string, dt tensor.DType) *onnx.ValueInfoProto {
	return &onnx.ValueInfoProto{Name: proto.String(name), Type: &onnx.TypeProto{Value: &onnx.TypeProto_TensorType{
		TensorType: &onnx.TypeProto_Tensor{ElemType: proto.Int32(int32(dt))},
	}}}
}

// segment gathers what some nodes need.
type segment struct {
	*lane
	used    []bool
	known   map[string]bool
	inputs  []*onnx.ValueInfoProto
	tensors []*onnx.TensorProto
}

// take adds a node and the constants it reads; other values that it reads are
// made in the segment or come in from outside.
func (s *segment) take(i int) {
	if s.used[i] {
		return
	}
	s.used[i] = true
	for _, name := range reads(s.nodes[i]) {
		if name == "" || s.known[name] {
			continue
		}
		s.known[name] = true
		if t := s.consts[name]; t != nil {
			s.tensors = append(s.tensors, s.stored(t))
		} else if at, ok := s.makes[name]; ok {
			s.take(at)
		} else if t := s.live[0][name]; t != nil {
			s.inputs = append(s.inputs, port(name, t.DType))
		}
	}
}

// stored is an initializer that holds its own bytes.
func (s *segment) stored(t *onnx.TensorProto) *onnx.TensorProto {
	data, err := s.model.Data(t)
	if err != nil {
		return t // strings and what only onnxruntime reads
	}
	out := &onnx.TensorProto{Name: t.Name, DataType: t.DataType, Dims: t.Dims}
	onnx.SetData(out, data)
	return out
}
