package depgraph

import (
	"fmt"

	"onnxcompress/graph"
	"onnxcompress/graph/op"
)

// Reason says why channels cannot go.
type Reason struct {
	// Operator names the node, or is "graph input" and the like.
	Operator string
	Text     string
	// Unsupported says that the operator has no meaning here, rather than a
	// meaning that forbids the cut.
	Unsupported bool
	// Extent says that the axis counts the positions of a kernel, and so has no
	// channels that could go.
	Extent bool
}

func (r Reason) String() string { return r.Operator + ": " + r.Text }

// link is an op.Link between axes of this graph. b is -1 for one-sided kinds.
type link struct {
	op.Link
	node *graph.Node
	a, b int32
	// shared marks a tie between two uses of one constant: no channel flows.
	shared bool
}

// whole reports whether the digit is the axis itself.
func whole(d op.Digit, size int64) bool { return d.Stride == 1 && d.Size == size }

// pin is an op.Digit that must stay.
type pin struct {
	axis         int32
	stride, size int64
	reason       Reason
}

// linker gathers the links and pins of all nodes.
type linker struct {
	*axes
	links [][]link // by node
	pins  []pin
}

func (k *linker) pinTensor(t int, r Reason) {
	for axis, size := range k.tensors[t].shape {
		if size != 1 {
			k.pins = append(k.pins, pin{int32(k.tensors[t].base + axis), 1, size, r})
		}
	}
}

// gather asks every node for its links and pins what stays unsaid.
func (k *linker) gather() {
	k.links = make([][]link, len(k.Nodes))
	for _, v := range k.Values {
		t := k.byValue[v.ID]
		if t < 0 {
			continue
		}
		switch {
		case v.Input:
			k.pinTensor(t, Reason{Operator: "graph input", Text: "its shape is the model's interface"})
		case v.Sparse != nil:
			k.pinTensor(t, Reason{Operator: "sparse initializer", Text: "its content is kept as it is"})
		}
		if v.Output {
			k.pinTensor(t, Reason{Operator: "graph output", Text: "its shape is the model's interface"})
		}
		if v.Captured {
			k.pinTensor(t, Reason{Operator: "subgraph", Text: "reads this value by name"})
		}
	}
	for _, n := range k.Nodes {
		if !k.constant(n) {
			k.node(n)
		}
	}
	k.tieShared()
}

func (k *linker) node(n *graph.Node) {
	if r, ok := k.opaque(n); ok {
		for _, slots := range [][]int{k.in[n.Index], k.out[n.Index]} {
			for _, t := range slots {
				if t >= 0 {
					k.pinTensor(t, r)
				}
			}
		}
		return
	}
	l := op.NewLinker(k.Witness.Nodes[n.Index])
	n.Spec.Links(k.Witness.Nodes[n.Index], l)
	said := map[int]bool{}
	for _, ol := range l.Links {
		k.link(n, ol, said)
	}
	silence := l.Silence
	if silence == "" {
		silence = "says nothing of this axis"
	}
	for _, slots := range [][]int{k.in[n.Index], k.out[n.Index]} {
		for _, t := range slots {
			if t < 0 {
				continue
			}
			for axis, size := range k.tensors[t].shape {
				if id := k.tensors[t].base + axis; size != 1 && !said[id] {
					k.pins = append(k.pins, pin{int32(id), 1, size, Reason{Operator: n.Label(), Text: silence}})
				}
			}
		}
	}
}

// opaque tells why nothing is known of a node's channels.
func (k *linker) opaque(n *graph.Node) (Reason, bool) {
	r := Reason{Operator: n.Label()}
	switch {
	case len(n.Captures) > 0 || k.hasSubgraph(n):
		r.Text = "runs a subgraph, which is carried through unchanged"
		return r, true
	case n.Spec == nil && k.foreign(n):
		r.Text = "belongs to a custom domain or a local function"
		return r, true
	case n.Spec != nil && n.Spec.Opaque != "":
		r.Text = n.Spec.Opaque
		return r, true
	case n.Spec == nil || n.Spec.Links == nil || n.Spec.Infer == nil:
		r.Text, r.Unsupported = "is not supported", true
		return r, true
	case k.Witness.Failed[n.Index]:
		r.Text, r.Unsupported = "does not accept the shapes that were inferred for its inputs", true
		return r, true
	}
	for _, side := range [][]*graph.Value{n.In, n.Out} {
		for _, v := range side {
			if v != nil && !k.Witness.Values[v.ID].Known {
				r.Text = fmt.Sprintf("the shape of %s is not known", v.Name)
				return r, true
			}
		}
	}
	return r, false
}

func (k *linker) hasSubgraph(n *graph.Node) bool {
	for _, a := range k.Witness.Nodes[n.Index].Attrs {
		if a.Graph {
			return true
		}
	}
	return false
}

// foreign reports whether the node's operator is not one of ONNX itself.
func (k *linker) foreign(n *graph.Node) bool {
	domain := n.Proto.GetDomain()
	return domain != "" && domain != "ai.onnx" || n.Function
}

func (k *linker) link(n *graph.Node, ol op.Link, said map[int]bool) {
	a, b := k.axis(n, ol.A.Ref), -1
	two := ol.Kind == op.Tie || ol.Kind == op.Contract || ol.Kind == op.Range || ol.Kind == op.Index
	if two {
		b = k.axis(n, ol.B.Ref)
	}
	if a >= 0 {
		said[a] = true
	}
	if b >= 0 {
		said[b] = true
	}
	if a < 0 || two && b < 0 {
		return
	}
	if ol.Kind == op.Pin {
		k.pins = append(k.pins, pin{int32(a), ol.A.Stride, ol.A.Size, Reason{Operator: n.Label(), Text: ol.Reason, Extent: ol.Extent}})
		return
	}
	if (ol.Kind == op.Tie || ol.Kind == op.Contract) && ol.A.Size != ol.B.Size {
		r := Reason{Operator: n.Label(), Text: fmt.Sprintf("ties %d channels to %d", ol.A.Size, ol.B.Size), Unsupported: true}
		k.pins = append(k.pins, pin{int32(a), 1, k.size(a), r}, pin{int32(b), 1, k.size(b), r})
		return
	}
	k.links[n.Index] = append(k.links[n.Index], link{Link: ol, node: n, a: int32(a), b: int32(b)})
}

// tieShared ties the uses of a matrix or kernel that several nodes read: it
// stays one tensor. Vectors are copied for each use instead.
func (k *linker) tieShared() {
	for _, v := range k.Values {
		uses := k.uses[v]
		if len(uses) < 2 || len(k.tensors[uses[0]].shape) < 2 {
			continue
		}
		first := k.tensors[uses[0]]
		for _, u := range uses[1:] {
			other := k.tensors[u]
			if other.slot != first.slot || other.node.Spec != first.node.Spec {
				continue
			}
			for axis, size := range first.shape {
				d := op.Digit{Stride: 1, Size: size}
				k.links[first.node.Index] = append(k.links[first.node.Index], link{
					Link: op.Link{Kind: op.Tie, A: d, B: d}, node: first.node,
					a: int32(first.base + axis), b: int32(other.base + axis), shared: true,
				})
			}
		}
	}
}
