package pipeline

import (
	"errors"
	"fmt"
	"regexp"

	"google.golang.org/protobuf/proto"

	"onnxcompress/compress"
	"onnxcompress/compress/dataset"
	"onnxcompress/depgraph"
	"onnxcompress/graph"
	"onnxcompress/graph/op"
	"onnxcompress/graph/pass"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

// Subject is a loaded model with its dependency graph, which is that of the
// model as pass.Prepare makes it.
type Subject struct {
	Model *onnx.Model
	Graph *depgraph.Graph
	// Before is what the model costs.
	Before Measures
	// Ports are the inputs that a caller must give.
	Ports []dataset.Port

	// prepared is the model that Graph is of: Model or a clone.
	prepared *onnx.Model
}

// Load reads a model and finds its groups. shapes are whole shapes of inputs by
// name. The failure of a model that cannot be used is of kind BadInput.
func Load(path string, shapes map[string][]int64) (*Subject, error) {
	m, err := onnx.Load(path)
	if err != nil {
		return nil, &Failure{BadInput, err}
	}
	s, err := analyze(m, shapes)
	if err != nil {
		_ = m.Close()
		return nil, Fail(BadInput, "%s: %w", path, err)
	}
	return s, nil
}

func analyze(m *onnx.Model, shapes map[string][]int64) (*Subject, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	g, err := graph.Import(m)
	if err != nil {
		return nil, err
	}
	s := &Subject{Model: m, Ports: Ports(g)}
	if err := fits(shapes, s.Ports); err != nil {
		return nil, err
	}
	if s.prepared, err = pass.Prepare(m); err != nil {
		return nil, err
	}
	if s.prepared != m {
		if g, err = graph.Import(s.prepared); err != nil {
			return nil, errors.Join(err, s.prepared.Close())
		}
	}
	s.Graph = depgraph.Build(graph.Analyze(g, shapes))
	s.Before = Measures{
		Nodes: len(m.Proto.GetGraph().GetNode()), MACs: macs(g, s.Graph.Nominal), Params: params(m.Proto), Bytes: m.Size(),
	}
	return s, nil
}

// Close gives the model up.
func (s *Subject) Close() error {
	if s.prepared == s.Model {
		return s.Model.Close()
	}
	return errors.Join(s.prepared.Close(), s.Model.Close())
}

// Ports are the inputs that a caller of a model must give.
func Ports(g *graph.Graph) []dataset.Port {
	ports := make([]dataset.Port, len(g.Inputs))
	for i, in := range g.Inputs {
		t := in.Type.GetTensorType()
		p := dataset.Port{Name: in.Name, DType: tensor.DType(t.GetElemType())}
		for _, d := range t.GetShape().GetDim() {
			size := d.GetDimValue()
			if size <= 0 {
				size = -1
			}
			p.Shape = append(p.Shape, size)
		}
		ports[i] = p
	}
	return ports
}

// fits refuses shapes that no input can have.
func fits(shapes map[string][]int64, ports []dataset.Port) error {
	known := map[string]dataset.Port{}
	for _, p := range ports {
		known[p.Name] = p
	}
	for name, shape := range shapes {
		p, ok := known[name]
		if !ok {
			return fmt.Errorf("a shape is given for %s, which is no input", name)
		}
		if p.Shape == nil {
			continue
		}
		if len(shape) != len(p.Shape) {
			return fmt.Errorf("shape %v does not fit input %v", shape, p)
		}
		for axis, d := range p.Shape {
			if d >= 0 && d != shape[axis] {
				return fmt.Errorf("shape %v does not fit input %v", shape, p)
			}
		}
	}
	return nil
}

// axes visits every axis of the tensors of a node that match.
func axes(g *depgraph.Graph, n *graph.Node, match func(*graph.Value) bool, visit func(r op.Ref, size int64)) {
	each := func(values []*graph.Value, ref func(slot, axis int) op.Ref) {
		for slot, v := range values {
			if v == nil || !match(v) {
				continue
			}
			for axis, size := range g.Witness.Values[v.ID].Shape {
				visit(ref(slot, axis), size)
			}
		}
	}
	each(n.In, op.In)
	each(n.Out, op.Out)
}

func every(*graph.Value) bool { return true }

// groupsOf collects the groups that take channels of a node's tensors.
func groupsOf(g *depgraph.Graph, n *graph.Node, match func(*graph.Value) bool, into map[int]bool) {
	axes(g, n, match, func(r op.Ref, size int64) {
		if g.Prunable(n, r) {
			g.Spread(n, r, make([]float64, size), func(group int, _ float64) { into[group] = true })
		}
	})
}

// touched reports whether some group takes channels of a node's tensors.
func touched(g *depgraph.Graph, n *graph.Node) bool {
	found := false
	axes(g, n, every, func(r op.Ref, _ int64) { found = found || g.Prunable(n, r) })
	return found
}

// kept are the groups that touch a node or a value that re matches.
func kept(g *depgraph.Graph, re *regexp.Regexp) map[int]bool {
	groups := map[int]bool{}
	if re == nil {
		return groups
	}
	named := func(v *graph.Value) bool { return re.MatchString(v.Name) }
	for _, n := range g.Nodes {
		match := named
		if re.MatchString(n.Proto.GetName()) {
			match = every
		}
		groupsOf(g, n, match, groups)
	}
	return groups
}

// nothingPrunable says why no group may go.
func nothingPrunable(s *Subject) error {
	for _, p := range summarize(s.Graph) {
		if p.MACs > 0 {
			return Fail(Unsupported, "%s: nothing can be pruned: %.3g %% of the MACs are pinned by %s, which %s", s.Model.Path, 100*p.Share, p.Operator, p.Reason)
		}
	}
	if n := holder(s.Graph); n != nil {
		return Fail(Unsupported, "%s: nothing can be pruned: %s holds the weights itself and is carried through unchanged", s.Model.Path, n.Label())
	}
	return Fail(Unsupported, "%s: nothing can be pruned: the model has no weight that channels can be cut from", s.Model.Path)
}

// holder is the node whose attributes, subgraphs among them, take the most
// bytes; nil where no attribute holds more than a setting.
func holder(g *depgraph.Graph) *graph.Node {
	var largest *graph.Node
	most := 256
	for _, n := range g.Nodes {
		if size := proto.Size(n.Proto); size > most && len(n.In) > 0 {
			largest, most = n, size
		}
	}
	return largest
}

// counted is the size that compress.Choose works with.
func (s *Subject) counted() compress.Size { return compress.SizeOf(s.Graph) }
