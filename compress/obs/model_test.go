package obs_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"google.golang.org/protobuf/proto"

	"onnxcompress/onnx"
)

// net builds a small network node by node.
type net struct {
	*rand.Rand
	graph *onnx.GraphProto
	norm  bool
}

// small is a network of convolutions whose channels overlap in what they say:
// with residual, one block adds to its input; with norm, batches are normalised.
func small(residual, norm bool) *onnx.ModelProto {
	n := &net{rand.New(rand.NewPCG(5, 6)), &onnx.GraphProto{Name: proto.String("net")}, norm}
	n.graph.Input = []*onnx.ValueInfoProto{value("x", -1, 3, 8, 8)}
	x := n.node("Relu", n.conv("x", 3, 16))
	y := n.conv(n.node("Relu", n.conv(x, 16, 16)), 16, 16)
	if residual {
		y = n.node("Add", y, x)
	}
	x = n.node("Flatten", n.node("GlobalAveragePool", n.node("Relu", y)))
	out := n.node("Gemm", x, n.weights(0.3, 16, 5), n.weights(0.1, 5))
	n.graph.Output = []*onnx.ValueInfoProto{value(out, -1, 5)}
	return &onnx.ModelProto{
		IrVersion: proto.Int64(8), Graph: n.graph,
		OpsetImport: []*onnx.OperatorSetIdProto{{Domain: proto.String(""), Version: proto.Int64(17)}},
	}
}

func value(name string, shape ...int64) *onnx.ValueInfoProto {
	s := &onnx.TensorShapeProto{}
	for _, d := range shape {
		dim := &onnx.TensorShapeProto_Dimension{Value: &onnx.TensorShapeProto_Dimension_DimValue{DimValue: d}}
		if d < 0 {
			dim.Value = &onnx.TensorShapeProto_Dimension_DimParam{DimParam: "batch"}
		}
		s.Dim = append(s.Dim, dim)
	}
	return &onnx.ValueInfoProto{Name: proto.String(name), Type: &onnx.TypeProto{Value: &onnx.TypeProto_TensorType{
		TensorType: &onnx.TypeProto_Tensor{ElemType: proto.Int32(1), Shape: s},
	}}}
}

func (n *net) node(operator string, in ...string) string {
	out := fmt.Sprintf("v%d", len(n.graph.Node))
	n.graph.Node = append(n.graph.Node, &onnx.NodeProto{OpType: proto.String(operator), Name: proto.String(out), Input: in, Output: []string{out}})
	return out
}

func (n *net) weights(deviation float64, shape ...int64) string {
	count := int64(1)
	for _, d := range shape {
		count *= d
	}
	v := make([]float32, count)
	for i := range v {
		v[i] = float32(deviation * n.NormFloat64())
	}
	return n.tensor(v, shape...)
}

func (n *net) tensor(v []float32, shape ...int64) string {
	name := fmt.Sprintf("w%d", len(n.graph.Initializer))
	n.graph.Initializer = append(n.graph.Initializer, &onnx.TensorProto{
		Name: proto.String(name), DataType: proto.Int32(1), Dims: slices.Clone(shape), FloatData: v,
	})
	return name
}

// conv is a 3x3 convolution, with a bias or with statistics.
func (n *net) conv(x string, in, out int64) string {
	w := n.weights(1/math.Sqrt(float64(9*in)), out, in, 3, 3)
	args := []string{x, w}
	if !n.norm {
		args = append(args, n.weights(0.1, out))
	}
	y := n.node("Conv", args...)
	last := n.graph.Node[len(n.graph.Node)-1]
	last.Attribute = []*onnx.AttributeProto{{Name: proto.String("pads"), Type: onnx.AttributeProto_INTS.Enum(), Ints: []int64{1, 1, 1, 1}}}
	if !n.norm {
		return y
	}
	spread := make([]float32, out)
	for i := range spread {
		spread[i] = 0.5 + n.Float32()
	}
	return n.node("BatchNormalization", y, n.weights(1, out), n.weights(0.2, out), n.weights(0.2, out), n.tensor(spread, out))
}
