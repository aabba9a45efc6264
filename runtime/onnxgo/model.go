package onnxgo

import (
	"errors"
	"fmt"
	goruntime "runtime"
	"slices"

	"github.com/owulveryck/onnx-go"
	"google.golang.org/protobuf/proto"
	gorgonia "gorgonia.org/tensor"

	"onnxcompress/graph/tensor"
	format "onnxcompress/onnx"
	engine "onnxcompress/runtime"
)

// start hands the graph to the engine.
func (g *Graph) start() (*running, error) {
	if len(g.operations) == 0 {
		return nil, errors.New("the graph has no operation")
	}
	r := &running{inputs: g.inputs(), outputs: g.outputs()}
	m, err := g.model(r)
	if err != nil {
		return nil, err
	}
	if r.session, err = engine.Open(&format.Model{Proto: m}, engine.Options{Threads: g.Threads}); err != nil {
		return nil, err
	}
	// A program that was written for a backend without Close does not call it.
	r.cleanup = goruntime.AddCleanup(g, func(s *engine.Session) { _ = s.Close() }, r.session)
	return r, nil
}

// model is the graph as ONNX.
func (g *Graph) model(r *running) (*format.ModelProto, error) {
	opset := g.Opset
	if opset == 0 {
		opset = opsetOf(g.operations)
	}
	out := &format.GraphProto{Name: proto.String("graph")}
	for _, n := range r.inputs {
		out.Input = append(out.Input, declared(n.name))
	}
	for _, n := range r.outputs {
		out.Output = append(out.Output, declared(n.name))
	}
	for _, n := range g.nodes {
		if n.made || n.tensor == nil || n.name == "" || r.reads(n) {
			continue
		}
		t, err := content(n.tensor)
		if err != nil {
			return nil, fmt.Errorf("value %s: %w", n.name, err)
		}
		out.Initializer = append(out.Initializer, encoded(n.name, t))
	}
	for _, o := range g.operations {
		node, err := o.encode()
		if err != nil {
			return nil, err
		}
		out.Node = append(out.Node, node)
	}
	return &format.ModelProto{
		IrVersion: proto.Int64(8), Graph: out,
		OpsetImport: []*format.OperatorSetIdProto{{Version: &opset}, {Domain: proto.String("ai.onnx.ml"), Version: proto.Int64(3)}},
	}, nil
}

// declared is a tensor of any type and shape: onnx-go leaves out the dimensions
// that are free.
func declared(name string) *format.ValueInfoProto {
	return &format.ValueInfoProto{Name: &name, Type: &format.TypeProto{Value: &format.TypeProto_TensorType{TensorType: &format.TypeProto_Tensor{}}}}
}

func encoded(name string, t *tensor.Tensor) *format.TensorProto {
	return &format.TensorProto{Name: &name, DataType: proto.Int32(int32(t.DType)), Dims: t.Shape, RawData: t.Data, StringData: t.Strings}
}

func (o *operation) encode() (*format.NodeProto, error) {
	node := &format.NodeProto{OpType: &o.name, Domain: proto.String(domainOf(o.name)), Name: proto.String(o.out[0].name)}
	for _, n := range o.in {
		name := ""
		// What has no tensor and is not made is absent, such as the operand that
		// onnx-go invents for an operation that has none.
		if n != nil && (n.made || n.tensor != nil) {
			name = n.name
		}
		node.Input = append(node.Input, name)
	}
	for len(node.Input) > 0 && node.Input[len(node.Input)-1] == "" {
		node.Input = node.Input[:len(node.Input)-1]
	}
	for _, n := range o.out {
		node.Output = append(node.Output, n.name)
	}
	for name, v := range o.attributes {
		a, err := attribute(name, v)
		if err != nil {
			return nil, err
		}
		if a == nil {
			return nil, &onnx.ErrNotImplemented{Operator: o.name, AttributeName: name, AttributeValue: v, Message: "its type is unknown"}
		}
		node.Attribute = append(node.Attribute, a)
	}
	return node, nil
}

// attribute is nil where the type is none that an attribute has.
func attribute(name string, v any) (*format.AttributeProto, error) {
	a := &format.AttributeProto{Name: &name}
	kind := format.AttributeProto_UNDEFINED
	switch v := v.(type) {
	case float32:
		a.F, kind = &v, format.AttributeProto_FLOAT
	case int64:
		a.I, kind = &v, format.AttributeProto_INT
	case string:
		a.S, kind = []byte(v), format.AttributeProto_STRING
	case []float32:
		a.Floats, kind = v, format.AttributeProto_FLOATS
	case []int64:
		a.Ints, kind = v, format.AttributeProto_INTS
	case []string:
		for _, s := range v {
			a.Strings = append(a.Strings, []byte(s))
		}
		kind = format.AttributeProto_STRINGS
	case gorgonia.Tensor:
		t, err := content(v)
		if err != nil {
			return nil, fmt.Errorf("attribute %s: %w", name, err)
		}
		a.T, kind = encoded("", t), format.AttributeProto_TENSOR
	default:
		return nil, nil
	}
	a.Type = &kind
	return a, nil
}

// reads reports whether n is an input, read anew in each run.
func (r *running) reads(n *Node) bool { return slices.Contains(r.inputs, n) }

func (r *running) run() error {
	in := map[string]*tensor.Tensor{}
	for _, n := range r.inputs {
		t, err := content(n.tensor)
		if err != nil {
			return fmt.Errorf("input %s: %w", n.name, err)
		}
		in[n.name] = converted(t, n.declared)
	}
	out, err := r.session.Run(in)
	if err != nil {
		return err
	}
	for _, n := range r.outputs {
		if n.tensor, err = dense(out[n.name]); err != nil {
			return fmt.Errorf("output %s: %w", n.name, err)
		}
	}
	return nil
}
