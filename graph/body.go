package graph

import (
	"fmt"
	"sort"

	"google.golang.org/protobuf/proto"

	"onnxcompress/onnx"
)

// Body imports the subgraph in attribute attr of the node as a graph of its
// own. Its inputs are those that the subgraph declares, in order, and then the
// outer values that it reads by name, sorted: they are its Captures. Outputs
// that are outer values handed on are among the inputs, too.
func (n *Node) Body(attr string) (*Graph, error) {
	for _, a := range n.Proto.GetAttribute() {
		if a.GetName() != attr || a.GetG() == nil {
			continue
		}
		g, err := n.graph.body(a.GetG(), n.graph.opsets, captured(a.GetG()))
		if err != nil {
			return nil, fmt.Errorf("%s: attribute %s: %w", n.Label(), attr, err)
		}
		return g, nil
	}
	return nil, fmt.Errorf("%s: has no subgraph %s", n.Label(), attr)
}

// captured lists the outer names that a subgraph reads, sorted.
func captured(p *onnx.GraphProto) []string {
	free := map[string]bool{}
	freeNames(p, free)
	names := make([]string, 0, len(free))
	for name := range free {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// body imports a graph that runs within g's model.
func (g *Graph) body(p *onnx.GraphProto, versions map[string]int, captures []string) (*Graph, error) {
	im := importer{
		Graph: &Graph{
			Model:  g.Model,
			byName: make(map[string]*Value, len(p.GetNode())*2),
			opsets: versions,
		},
		functions: g.functions, limit: evalFloor + 4*elements(p),
	}
	im.initializers(p)
	im.inputs(p, g.Model.Proto.GetIrVersion())
	for _, name := range captures {
		v := im.define(name)
		v.Input = true
		im.Inputs = append(im.Inputs, v)
		im.Captures = append(im.Captures, v)
	}
	return im.finish(p)
}

// Call imports the function that the node calls as a graph of its own, with the
// node's attributes in place of the function's references to them. Its inputs
// and outputs are the function's, in order; the node may give fewer.
func (n *Node) Call() (*Graph, error) {
	var f *onnx.FunctionProto
	for _, candidate := range n.graph.Model.Proto.GetFunctions() {
		same := candidate.GetDomain() == n.Proto.GetDomain() && candidate.GetName() == n.Proto.GetOpType()
		if same && candidate.GetOverload() == n.Proto.GetOverload() {
			f = candidate
		}
	}
	if f == nil {
		return nil, fmt.Errorf("%s: is no function of the model", n.Label())
	}
	given := map[string]*onnx.AttributeProto{}
	for _, a := range f.GetAttributeProto() {
		given[a.GetName()] = a
	}
	for _, a := range n.Proto.GetAttribute() {
		given[a.GetName()] = a
	}
	p := &onnx.GraphProto{Name: proto.String(f.GetName()), ValueInfo: f.GetValueInfo()}
	for _, name := range f.GetInput() {
		p.Input = append(p.Input, &onnx.ValueInfoProto{Name: proto.String(name)})
	}
	for _, name := range f.GetOutput() {
		p.Output = append(p.Output, &onnx.ValueInfoProto{Name: proto.String(name)})
	}
	for _, node := range f.GetNode() {
		p.Node = append(p.Node, substituted(node, given))
	}
	versions := opsets(f.GetOpsetImport())
	for domain, version := range n.graph.opsets {
		if _, ok := versions[domain]; !ok {
			versions[domain] = version
		}
	}
	g, err := n.graph.body(p, versions, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: function %s: %w", n.Label(), f.GetName(), err)
	}
	return g, nil
}

// substituted is a node of a function's body with given attributes in place of
// references to them; a reference to what is not given goes.
func substituted(p *onnx.NodeProto, given map[string]*onnx.AttributeProto) *onnx.NodeProto {
	out := proto.Clone(p).(*onnx.NodeProto)
	out.Attribute = nil
	for _, a := range p.GetAttribute() {
		if ref := a.GetRefAttrName(); ref != "" {
			if given[ref] == nil {
				continue
			}
			name := a.GetName()
			a = proto.Clone(given[ref]).(*onnx.AttributeProto)
			a.Name = proto.String(name)
		} else if a.GetG() != nil || len(a.GetGraphs()) > 0 {
			a = proto.Clone(a).(*onnx.AttributeProto)
			for _, sub := range append(a.GetGraphs(), a.GetG()) {
				for i, node := range sub.GetNode() {
					sub.Node[i] = substituted(node, given)
				}
			}
		}
		out.Attribute = append(out.Attribute, a)
	}
	return out
}
