package pass

import (
	"google.golang.org/protobuf/proto"

	"onnxcompress/graph"
	"onnxcompress/onnx"
)

// partParameters makes an initializer of each Identity of one, by the name of
// its output. Exporters write initializers of equal content once and copy them
// so, although each is a parameter of its own. Those that several nodes read
// without a copy between are meant to be one and stay so.
func partParameters(r *rewriter) {
	for _, n := range r.Nodes {
		if !r.copies(n) {
			continue
		}
		r.initializer(tensorProto(n.Out[0].Name, r.content(n.In[0])))
		r.replace(n)
	}
}

// copies reports whether n copies an initializer. What is a graph output has to
// come from a node.
func (r *rewriter) copies(n *graph.Node) bool {
	return standard(n, "Identity") && len(n.In) == 1 && n.In[0] != nil && n.In[0].Init != nil &&
		len(n.Out) == 1 && n.Out[0] != nil && !n.Out[0].Output && r.content(n.In[0]) != nil
}

// listing declares an initializer among the inputs.
func listing(t *onnx.TensorProto) *onnx.ValueInfoProto {
	shape := &onnx.TensorShapeProto{}
	for _, d := range t.GetDims() {
		shape.Dim = append(shape.Dim, &onnx.TensorShapeProto_Dimension{Value: &onnx.TensorShapeProto_Dimension_DimValue{DimValue: d}})
	}
	return &onnx.ValueInfoProto{Name: proto.String(t.GetName()), Type: &onnx.TypeProto{Value: &onnx.TypeProto_TensorType{
		TensorType: &onnx.TypeProto_Tensor{ElemType: proto.Int32(t.GetDataType()), Shape: shape},
	}}}
}
