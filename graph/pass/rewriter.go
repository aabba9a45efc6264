package pass

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"onnxcompress/graph"
	"onnxcompress/graph/op"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

// rewriter collects the edits of one pass. The graph and the facts are those
// before the pass; of each value, at most one edit is accepted.
type rewriter struct {
	*graph.Graph
	proto   *onnx.GraphProto
	names   *graph.Names
	known   []*graph.Facts
	changed bool
	// alias says what the readers of a value read instead; renamed gives the
	// output of a node another name.
	alias   map[*graph.Value]*graph.Value
	renamed map[*graph.Value]string
	// instead replaces nodes, before adds some in front of them.
	instead, before map[*graph.Node][]*onnx.NodeProto
	added           []*onnx.TensorProto
}

func newRewriter(g *graph.Graph) *rewriter {
	return &rewriter{
		Graph: g, proto: g.Model.Proto.GetGraph(), names: graph.NewNames(g.Model),
		alias: map[*graph.Value]*graph.Value{}, renamed: map[*graph.Value]string{},
		instead: map[*graph.Node][]*onnx.NodeProto{}, before: map[*graph.Node][]*onnx.NodeProto{},
	}
}

// root is what readers of v read.
func (r *rewriter) root(v *graph.Value) *graph.Value {
	for r.alias[v] != nil {
		v = r.alias[v]
	}
	return v
}

// pass makes the readers of v, the output of a node, read w, and drops the
// node. It reports false, and does nothing, where a name would be lost: that of
// a graph output, or one that a subgraph reads.
func (r *rewriter) pass(v, w *graph.Value) bool {
	w = r.root(w)
	if v.Captured {
		return false
	}
	if v.Output {
		if w.Producer == nil || w.Output || w.Captured || r.renamed[w] != "" {
			return false
		}
		r.renamed[w] = v.Name
	}
	r.alias[v] = w
	r.replace(v.Producer)
	return true
}

// replace puts other nodes in the place of n.
func (r *rewriter) replace(n *graph.Node, with ...*onnx.NodeProto) {
	r.instead[n], r.changed = with, true
}

// constant makes v, the output of a node, hold t. All outputs of the node have
// to become constants.
func (r *rewriter) constant(v *graph.Value, t *tensor.Tensor) {
	if r.listed() || v.Output {
		// A graph output wants a node to come from.
		r.replace(v.Producer, append(r.instead[v.Producer], constantNode(v.Name, t))...)
		return
	}
	r.replace(v.Producer, r.instead[v.Producer]...)
	r.added = append(r.added, tensorProto(v.Name, t))
}

// fresh makes a constant that node n can read and returns its name.
func (r *rewriter) fresh(base string, t *tensor.Tensor, n *graph.Node) string {
	name := r.names.Fresh(base)
	if r.listed() {
		r.before[n] = append(r.before[n], constantNode(name, t))
	} else {
		r.added = append(r.added, tensorProto(name, t))
	}
	r.changed = true
	return name
}

// listed reports whether initializers have to be listed as inputs, so that new
// constants are better nodes.
func (r *rewriter) listed() bool { return r.Model.Proto.GetIrVersion() <= graph.ListedUntil }

// rewire makes input slot of n read name.
func (r *rewriter) rewire(n *graph.Node, slot int, name string) {
	n.Proto.Input[slot], r.changed = name, true
}

// commit writes the edits to the model.
func (r *rewriter) commit() {
	r.rename()
	var nodes []*onnx.NodeProto
	for _, n := range r.Nodes {
		nodes = append(nodes, r.before[n]...)
		if with, ok := r.instead[n]; ok {
			nodes = append(nodes, with...)
		} else {
			nodes = append(nodes, n.Proto)
		}
	}
	r.proto.Node = nodes
	r.proto.Initializer = append(r.proto.Initializer, r.added...)
	r.declare()
}

// rename carries aliases and new names out.
func (r *rewriter) rename() {
	if len(r.alias) == 0 {
		return
	}
	to := map[string]string{}
	for v := range r.alias {
		w := r.root(v)
		to[v.Name] = w.Name
		if name := r.renamed[w]; name != "" {
			to[v.Name] = name
		}
	}
	for w, name := range r.renamed {
		w.Producer.Proto.Output[w.Index] = name
		to[w.Name] = name
	}
	for _, n := range r.Nodes {
		for slot, name := range n.Proto.Input {
			if now, ok := to[name]; ok {
				n.Proto.Input[slot] = now
			}
		}
	}
}

// declare drops the declarations of values that are not what they were.
func (r *rewriter) declare() {
	gone := map[string]bool{}
	for w := range r.renamed {
		gone[w.Name] = true
	}
	for n := range r.instead {
		for _, v := range n.Out {
			if v != nil {
				gone[v.Name] = true
			}
		}
	}
	r.proto.ValueInfo = slices.DeleteFunc(r.proto.ValueInfo, func(v *onnx.ValueInfoProto) bool { return gone[v.GetName()] })
}

// content is what a constant holds: an initializer or the output of a node
// without inputs; nil for other values and for what is not dense.
func (r *rewriter) content(v *graph.Value) *tensor.Tensor {
	if v == nil || v.Init == nil && (v.Producer == nil || len(v.Producer.In) > 0) {
		return nil
	}
	fact := &r.facts()[0].Values[v.ID]
	if !fact.Static {
		return nil
	}
	return fact.Value
}

// standard reports whether n is an operator of ONNX itself, of that type.
func standard(n *graph.Node, opType string) bool {
	return n.Proto.GetOpType() == opType && ofONNX(n)
}

func ofONNX(n *graph.Node) bool {
	d := n.Proto.GetDomain()
	return !n.Function && (d == "" || d == "ai.onnx")
}

// unread reports whether nothing reads v, which may be nil.
func unread(v *graph.Value) bool {
	return v == nil || len(v.Uses) == 0 && !v.Captured && !v.Output
}

// only reports whether n is all that reads v.
func only(v *graph.Value, n *graph.Node) bool {
	return !v.Captured && !v.Output && !slices.ContainsFunc(v.Uses, func(u graph.Use) bool { return u.Node != n })
}

// view is node n as its operator sees it under the first binding.
func (r *rewriter) view(n *graph.Node) *op.Node { return r.facts()[0].Nodes[n.Index] }

func tensorProto(name string, t *tensor.Tensor) *onnx.TensorProto {
	p := &onnx.TensorProto{Name: proto.String(name), DataType: proto.Int32(int32(t.DType)), Dims: slices.Clone(t.Shape)}
	if t.DType == tensor.String {
		p.StringData = t.Strings
	} else {
		onnx.SetData(p, t.Data)
	}
	return p
}

func constantNode(name string, t *tensor.Tensor) *onnx.NodeProto {
	value := tensorProto("", t)
	value.Name = nil
	return node("Constant", name, nil, name, &onnx.AttributeProto{
		Name: proto.String("value"), Type: onnx.AttributeProto_TENSOR.Enum(), T: value,
	})
}

func node(opType, name string, in []string, out string, attrs ...*onnx.AttributeProto) *onnx.NodeProto {
	return &onnx.NodeProto{
		OpType: proto.String(opType), Name: proto.String(name), Input: in, Output: []string{out}, Attribute: attrs,
	}
}
