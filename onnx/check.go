package onnx

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// The versions of the default operator set that are understood. The newest is
// that of the ONNX release that onnx.proto comes from.
const (
	OldestOpset = 7
	NewestOpset = 28
)

// Check looks for broken rules of ONNX on which no later step could say
// anything as clear: versions, names, definitions before uses in the graph, its
// subgraphs and the local functions, and tensors whose data does not fit their
// shape. The error wraps ErrInvalid and every problem found, and prints the
// first of them on one line.
func (m *Model) Check() error {
	c := checker{model: m}
	p := m.Proto
	if p.GetGraph() == nil {
		return fmt.Errorf("%w: there is no graph", ErrInvalid)
	}
	c.versions(p)
	main := c.graph(p.GetGraph(), nil, 0)
	if len(p.GetGraph().GetOutput()) == 0 {
		c.fail("the graph has no outputs")
	}
	for _, t := range p.GetTrainingInfo() {
		c.graph(t.GetInitialization(), main, 0)
		c.graph(t.GetAlgorithm(), main, 0)
	}
	c.functions(p.GetFunctions())
	if len(c.problems) == 0 {
		return nil
	}
	return invalid(c.problems)
}

// invalid is the problems of a model as one error.
type invalid problems

func (e invalid) Error() string   { return ErrInvalid.Error() + ": " + problems(e).Error() }
func (e invalid) Unwrap() []error { return append([]error{ErrInvalid}, e...) }

type checker struct {
	model    *Model
	problems []error
}

func (c *checker) fail(format string, args ...any) {
	c.problems = append(c.problems, fmt.Errorf(format, args...))
}

func (c *checker) versions(p *ModelProto) {
	switch newest := int64(Version_IR_VERSION); {
	case p.GetIrVersion() < 1:
		c.fail("ir_version %d is not a version", p.GetIrVersion())
	case p.GetIrVersion() > newest:
		c.fail("ir_version %d is newer than %d, the newest understood", p.GetIrVersion(), newest)
	}
	seen := map[string]int64{}
	for _, o := range p.GetOpsetImport() {
		domain, v := o.GetDomain(), o.GetVersion()
		if domain == "ai.onnx" {
			domain = ""
		}
		// Exporters repeat themselves, which onnxruntime takes no offence at.
		if before, ok := seen[domain]; ok && before != v {
			c.fail("opset_import has versions %d and %d of domain %q", before, v, o.GetDomain())
		}
		seen[domain] = v
		c.name("domain", domain)
		switch {
		case domain != "":
		case v < OldestOpset:
			c.fail("opset %d is older than %d, the oldest understood", v, OldestOpset)
		case v > NewestOpset:
			c.fail("opset %d is newer than %d, the newest understood", v, NewestOpset)
		}
	}
	if _, ok := seen[""]; !ok {
		c.fail("opset_import has no version of the default domain")
	}
}

// name refuses what is not UTF-8, which other readers fail on.
func (c *checker) name(what, s string) {
	if !utf8.ValidString(s) {
		c.fail("%s %q is not UTF-8", what, s)
	}
}

func (c *checker) functions(list []*FunctionProto) {
	seen := map[[3]string]bool{}
	for _, f := range list {
		key := [3]string{f.GetDomain(), f.GetName(), f.GetOverload()}
		if seen[key] {
			c.fail("function %q is defined twice", f.GetName())
		}
		seen[key] = true
		c.name("function", f.GetName())
		c.name("domain", f.GetDomain())
		s := newScope(nil)
		for _, in := range f.GetInput() {
			c.give(s, in, "input")
		}
		for _, a := range f.GetAttributeProto() {
			c.attribute(a, "function "+f.GetName(), s, 0)
		}
		c.nodes(f.GetNode(), s, 0)
		for _, out := range f.GetOutput() {
			c.read(s, out, fmt.Sprintf("the output list of function %q", f.GetName()))
		}
	}
}

// graph checks a graph inside of the scope that it stands in and gives its own.
func (c *checker) graph(g *GraphProto, outer *scope, depth int) *scope {
	s := newScope(outer)
	c.name("graph", g.GetName())
	for _, in := range g.GetInput() {
		c.give(s, in.GetName(), "input")
	}
	listed := s.given
	s.given = map[string]bool{}
	for _, t := range g.GetInitializer() {
		c.give(s, t.GetName(), "initializer")
		c.tensor(t, "initializer")
	}
	for _, t := range g.GetSparseInitializer() {
		c.give(s, t.GetValues().GetName(), "initializer")
		c.sparse(t, "sparse initializer")
	}
	// An initializer may be listed as an input: it is then its default.
	for name := range listed {
		s.given[name] = true
	}
	for _, v := range g.GetValueInfo() {
		c.name("value", v.GetName())
	}
	c.nodes(g.GetNode(), s, depth)
	for _, out := range g.GetOutput() {
		c.read(s, out.GetName(), "the output list of the graph")
	}
	return s
}

func (c *checker) nodes(nodes []*NodeProto, s *scope, depth int) {
	for i, n := range nodes {
		for _, out := range n.GetOutput() {
			if out != "" {
				c.give(s, out, "output")
				s.producer[out] = i
			}
		}
	}
	late := false
	for i, n := range nodes {
		s.at = i
		c.node(n, s, depth)
	}
	s.at = len(nodes)
	for _, e := range s.edges {
		late = late || e.from >= e.to
	}
	if late {
		c.order(nodes, s)
	}
}

func (c *checker) node(n *NodeProto, s *scope, depth int) {
	c.name("node", n.GetName())
	c.name("domain", n.GetDomain())
	if c.name("operator", n.GetOpType()); n.GetOpType() == "" {
		c.fail("%s has no op_type", label(n))
	}
	for _, in := range n.GetInput() {
		if in != "" {
			c.read(s, in, label(n))
		}
	}
	seen := map[string]bool{}
	for _, a := range n.GetAttribute() {
		if seen[a.GetName()] {
			c.fail("%s has attribute %q twice", label(n), a.GetName())
		}
		seen[a.GetName()] = true
		c.attribute(a, label(n), s, depth)
	}
}

func (c *checker) attribute(a *AttributeProto, owner string, s *scope, depth int) {
	c.name("attribute", a.GetName())
	where := fmt.Sprintf("attribute %q of %s", a.GetName(), owner)
	if a.T != nil {
		c.tensor(a.T, where)
	}
	for _, t := range a.GetTensors() {
		c.tensor(t, where)
	}
	if a.SparseTensor != nil {
		c.sparse(a.SparseTensor, where)
	}
	for _, t := range a.GetSparseTensors() {
		c.sparse(t, where)
	}
	graphs := a.GetGraphs()
	if a.G != nil {
		graphs = append([]*GraphProto{a.G}, graphs...)
	}
	for _, g := range graphs {
		if depth == maxDepth {
			c.fail("%s: subgraphs nested deeper than %d levels", where, maxDepth)
			return
		}
		c.graph(g, s, depth+1)
	}
}

func (c *checker) tensor(t *TensorProto, where string) {
	c.name("tensor", t.GetName())
	if err := c.model.checkTensor(t); err != nil {
		c.fail("%s: tensor %q: %w", where, t.GetName(), err)
	}
}

func (c *checker) sparse(t *SparseTensorProto, where string) {
	if t.GetValues() == nil || t.GetIndices() == nil {
		c.fail("%s: a sparse tensor without values or indices", where)
		return
	}
	c.tensor(t.Values, where)
	c.tensor(t.Indices, where)
	for _, d := range t.GetDims() {
		if d < 0 {
			c.fail("%s: negative dimension in sparse shape %v", where, t.GetDims())
			return
		}
	}
}

// checkTensor reports whether Data would fail, without making the data.
func (m *Model) checkTensor(t *TensorProto) error {
	count, size, err := extent(t)
	switch {
	case err != nil:
		return err
	case !external(t):
		return checkStored(t, count, size)
	case t.GetDataType() == int32(TensorProto_STRING):
		return errors.New("strings in external data")
	}
	_, err = m.externalData(t, size)
	return err
}
