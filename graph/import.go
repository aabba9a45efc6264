package graph

import (
	"errors"
	"fmt"
	"sort"

	"onnxcompress/graph/op"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

// ErrInvalid marks a model whose graph breaks a rule of ONNX.
var ErrInvalid = errors.New("invalid graph")

// ListedUntil is the last IR version in which every initializer has to be
// listed among the inputs, so that listing says nothing of the caller's intent.
const ListedUntil = 3

// Import reads the main graph of a model. It fails on a name that is used but
// not defined, defined twice, or defined after its use.
func Import(m *onnx.Model) (*Graph, error) {
	p := m.Proto.GetGraph()
	g := &Graph{
		Model:  m,
		byName: make(map[string]*Value, len(p.GetNode())*2),
		opsets: opsets(m.Proto.GetOpsetImport()),
	}
	im := importer{Graph: g, functions: map[string]bool{}, limit: evalFloor + 4*elements(p)}
	for _, f := range m.Proto.GetFunctions() {
		im.functions[f.GetDomain()+"\x00"+f.GetName()] = true
	}
	im.initializers(p)
	im.inputs(p, m.Proto.GetIrVersion())
	return im.finish(p)
}

// opsets are the versions of the domains that are imported.
func opsets(imports []*onnx.OperatorSetIdProto) map[string]int {
	versions := map[string]int{}
	for _, o := range imports {
		versions[canonical(o.GetDomain())] = int(o.GetVersion())
	}
	return versions
}

// finish reads the nodes and outputs of a graph whose other values are defined.
func (im *importer) finish(p *onnx.GraphProto) (*Graph, error) {
	for _, n := range p.GetNode() {
		im.node(n)
	}
	im.outputs(p)
	if err := errors.Join(im.problems...); err != nil {
		return nil, fmt.Errorf("%w: %s", ErrInvalid, onnx.OneLine(err))
	}
	im.Graph.functions = im.functions
	return im.Graph, nil
}

// elements counts what the weights of a graph hold. A sum that overflows is that
// of tensors without data, which no model that was checked has.
func elements(p *onnx.GraphProto) int64 {
	total := int64(0)
	count := func(t *onnx.TensorProto) {
		if n, err := tensor.Count(t.GetDims()); err == nil {
			total += n
		}
	}
	for _, t := range p.GetInitializer() {
		count(t)
	}
	for _, n := range p.GetNode() {
		for _, a := range n.GetAttribute() {
			if a.GetT() != nil {
				count(a.GetT())
			}
		}
	}
	return total
}

type importer struct {
	*Graph
	functions map[string]bool
	// limit is that of all nodes.
	limit    int64
	problems []error
}

func (im *importer) fail(format string, args ...any) {
	im.problems = append(im.problems, fmt.Errorf(format, args...))
}

func (im *importer) define(name string) *Value {
	v := &Value{Name: name, ID: len(im.Values)}
	if im.byName[name] != nil {
		im.fail("value %q is defined twice", name)
	}
	im.byName[name] = v
	im.Values = append(im.Values, v)
	return v
}

func (im *importer) initializers(p *onnx.GraphProto) {
	for _, t := range p.GetInitializer() {
		im.define(t.GetName()).Init = t
	}
	for _, s := range p.GetSparseInitializer() {
		im.define(s.GetValues().GetName()).Sparse = s
	}
}

func (im *importer) inputs(p *onnx.GraphProto, ir int64) {
	for _, in := range p.GetInput() {
		if v := im.byName[in.GetName()]; v != nil && (v.Init != nil || v.Sparse != nil) {
			v.Type = in.GetType()
			// A default that the caller may override is a constant for this
			// tool: the compact model keeps it so, listed as it was.
			v.Input = ir > ListedUntil
			continue
		}
		if err := absurd(in.GetType()); err != nil {
			im.fail("input %q: %w", in.GetName(), err)
		}
		v := im.define(in.GetName())
		v.Type, v.Input = in.GetType(), true
		im.Inputs = append(im.Inputs, v)
	}
}

// absurd reports why no tensor can have a declared shape; free dimensions count
// as one.
func absurd(t *onnx.TypeProto) error {
	var shape []int64
	for _, d := range t.GetTensorType().GetShape().GetDim() {
		shape = append(shape, max(d.GetDimValue(), 1))
	}
	_, err := tensor.Count(shape)
	return err
}

func (im *importer) node(p *onnx.NodeProto) {
	n := &Node{Index: len(im.Nodes), Proto: p, limit: im.limit, graph: im.Graph}
	im.Nodes = append(im.Nodes, n)
	domain := canonical(p.GetDomain())
	n.version = im.opsets[domain]
	n.Function = im.functions[p.GetDomain()+"\x00"+p.GetOpType()]
	if !n.Function {
		n.Spec = op.Lookup(domain, p.GetOpType())
	}
	n.attrs = im.attributes(p)
	for slot, name := range p.GetInput() {
		v := im.read(name, p)
		n.In = append(n.In, v)
		if v != nil {
			v.Uses = append(v.Uses, Use{n, slot})
		}
	}
	im.complete(n, domain)
	for _, name := range Captures(p) {
		if v := im.read(name, p); v != nil {
			v.Captured = true
			n.Captures = append(n.Captures, v)
		}
	}
	if out := p.GetOutput(); (len(out) == 0 || out[0] == "") && !op.Partial(domain, p.GetOpType()) {
		n.Spec = nil // what the rows of the table say, they say of the first output
	}
	for i, name := range p.GetOutput() {
		if name == "" {
			n.Out = append(n.Out, nil)
			continue
		}
		v := im.define(name)
		v.Producer, v.Index = n, i
		n.Out = append(n.Out, v)
	}
}

// complete refuses a node without the inputs that its operator always has.
func (im *importer) complete(n *Node, domain string) {
	if n.Spec == nil {
		return
	}
	want := op.Required(domain, n.Proto.GetOpType(), n.version)
	for slot := range want {
		if name := n.Proto.GetInput(); slot >= len(name) || name[slot] == "" {
			im.fail("%s %s needs %d inputs and has no input %d", n.Proto.GetOpType(), n.Proto.GetName(), want, slot)
			return
		}
	}
}

func (im *importer) read(name string, p *onnx.NodeProto) *Value {
	if name == "" {
		return nil
	}
	v := im.byName[name]
	if v == nil {
		im.fail("%s %s reads %q, which is not defined before it", p.GetOpType(), p.GetName(), name)
	}
	return v
}

func (im *importer) outputs(p *onnx.GraphProto) {
	for _, vi := range p.GetValueInfo() {
		if v := im.byName[vi.GetName()]; v != nil && v.Type == nil {
			v.Type = vi.GetType()
		}
	}
	for _, out := range p.GetOutput() {
		v := im.byName[out.GetName()]
		if v == nil {
			im.fail("graph output %q is not defined", out.GetName())
			continue
		}
		if v.Type == nil {
			v.Type = out.GetType()
		}
		v.Output = true
		im.Outputs = append(im.Outputs, v)
	}
}

func (im *importer) attributes(p *onnx.NodeProto) op.Attrs {
	attrs := make(op.Attrs, len(p.GetAttribute()))
	for _, a := range p.GetAttribute() {
		v := op.Attr{
			Int: a.GetI(), Float: a.GetF(), Str: string(a.GetS()),
			Ints: a.GetInts(), Floats: a.GetFloats(),
			Graph: a.GetG() != nil || len(a.GetGraphs()) > 0,
			Gives: promises(a.GetG()),
		}
		for _, s := range a.GetStrings() {
			v.Strs = append(v.Strs, string(s))
		}
		if t := a.GetT(); t != nil {
			decoded, err := Decode(im.Model, t)
			if err != nil {
				im.fail("%s %s: attribute %s: %w", p.GetOpType(), p.GetName(), a.GetName(), err)
			}
			v.Tensor = decoded
		}
		attrs[a.GetName()] = v
	}
	return attrs
}

// promises is what a subgraph declares of its outputs.
func promises(p *onnx.GraphProto) []op.Fact {
	var facts []op.Fact
	for _, out := range p.GetOutput() {
		tt := out.GetType().GetTensorType()
		fact := op.Unknown(tensor.DType(tt.GetElemType()))
		if tt.GetShape() != nil {
			shape := make([]int64, len(tt.GetShape().GetDim()))
			for axis, d := range tt.GetShape().GetDim() {
				shape[axis] = max(d.GetDimValue(), 0)
			}
			fact = op.Of(fact.DType, shape...)
		}
		facts = append(facts, fact)
	}
	return facts
}

// Captures lists the outer names that the subgraphs of a node read, sorted.
func Captures(p *onnx.NodeProto) []string {
	free := map[string]bool{}
	for _, sub := range subgraphs(p) {
		freeNames(sub, free)
	}
	names := make([]string, 0, len(free))
	for name := range free {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func subgraphs(p *onnx.NodeProto) []*onnx.GraphProto {
	var subs []*onnx.GraphProto
	for _, a := range p.GetAttribute() {
		if a.GetG() != nil {
			subs = append(subs, a.GetG())
		}
		subs = append(subs, a.GetGraphs()...)
	}
	return subs
}

// freeNames adds the names that g reads and does not define.
func freeNames(g *onnx.GraphProto, free map[string]bool) {
	local := map[string]bool{"": true}
	for _, t := range g.GetInitializer() {
		local[t.GetName()] = true
	}
	for _, s := range g.GetSparseInitializer() {
		local[s.GetValues().GetName()] = true
	}
	for _, in := range g.GetInput() {
		local[in.GetName()] = true
	}
	read := func(name string) {
		if !local[name] {
			free[name] = true
		}
	}
	for _, n := range g.GetNode() {
		for _, name := range n.GetInput() {
			read(name)
		}
		inner := map[string]bool{}
		for _, sub := range subgraphs(n) {
			freeNames(sub, inner)
		}
		for name := range inner {
			read(name)
		}
		for _, name := range n.GetOutput() {
			local[name] = true
		}
	}
	for _, out := range g.GetOutput() {
		read(out.GetName())
	}
}

// Decode reads a TensorProto as a tensor that shares its bytes.
func Decode(m *onnx.Model, t *onnx.TensorProto) (*tensor.Tensor, error) {
	out := &tensor.Tensor{DType: tensor.DType(t.GetDataType()), Shape: t.GetDims()}
	if _, err := tensor.Count(out.Shape); err != nil {
		return nil, err
	}
	if out.DType == tensor.String {
		out.Strings = t.GetStringData()
		if len(out.Strings) != out.Len() {
			return nil, fmt.Errorf("tensor has %d strings for shape %v", len(out.Strings), out.Shape)
		}
		return out, nil
	}
	data, err := m.Data(t)
	if err != nil {
		return nil, err
	}
	out.Data = data
	return out, nil
}
