package pass

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"onnxcompress/graph"
	"onnxcompress/onnx"
)

// Logits names the numbers that an output of a classifier is made of by a Softmax
// or LogSoftmax over its last axis, or the output itself where there is none.
func Logits(m *onnx.Model, output string) (string, error) {
	g, err := graph.Import(m)
	if err != nil {
		return "", err
	}
	v := g.Value(output)
	for v != nil && v.Producer != nil && standard(v.Producer, "Identity") {
		v = v.Producer.In[0]
	}
	if v == nil || v.Producer == nil || !(standard(v.Producer, "Softmax") || standard(v.Producer, "LogSoftmax")) || v.Producer.In[0] == nil {
		return output, nil
	}
	return v.Producer.In[0].Name, nil
}

// Expose makes a value an output of a model, unless it is one.
func Expose(m *onnx.Model, value string) {
	g := m.Proto.GetGraph()
	if !slices.ContainsFunc(g.Output, func(o *onnx.ValueInfoProto) bool { return o.GetName() == value }) {
		g.Output = append(g.Output, &onnx.ValueInfoProto{Name: proto.String(value)})
	}
}

// Withdraw makes a value none of a model's outputs, and drops what is of no use
// then.
func Withdraw(m *onnx.Model, value string) error {
	g := m.Proto.GetGraph()
	g.Output = slices.DeleteFunc(g.Output, func(o *onnx.ValueInfoProto) bool { return o.GetName() == value })
	return Run(m, DeadCode)
}

// Join adds an output [1,M] that holds the numbers of several outputs one after
// the other, and returns its name.
func Join(m *onnx.Model, outputs []string) string {
	names := graph.NewNames(m)
	g := m.Proto.GetGraph()
	shape := names.Fresh("joined_shape")
	p := &onnx.TensorProto{Name: proto.String(shape), DataType: proto.Int32(int32(onnx.TensorProto_INT64)), Dims: []int64{2}}
	onnx.SetData(p, []byte{1, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255})
	g.Initializer = append(g.Initializer, p)
	var parts []string
	for _, out := range outputs {
		row := names.Fresh(out + "_row")
		g.Node = append(g.Node, node("Reshape", row, []string{out, shape}, row))
		parts = append(parts, row)
	}
	joined := names.Fresh("joined")
	g.Node = append(g.Node, node("Concat", joined, parts, joined, &onnx.AttributeProto{
		Name: proto.String("axis"), Type: onnx.AttributeProto_INT.Enum(), I: proto.Int64(1),
	}))
	Expose(m, joined)
	return joined
}
