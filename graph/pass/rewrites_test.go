package pass_test

import (
	"testing"

	"onnxcompress/graph/pass"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

type constants = map[string]*tensor.Tensor

type nodes = []*onnx.NodeProto

func TestDeadCode(t *testing.T) {
	inner := &onnx.GraphProto{
		Name: new("inner"), Node: nodes{node("Relu", "kept", "in")}, Output: []*onnx.ValueInfoProto{declare("in", nil)},
	}
	check(t, []rewriteCase{
		{"nodes that lead nowhere", small{
			inputs: []string{"x:N,3"}, outputs: []string{"y"}, constants: constants{"c": floats(3), "unused": floats(4)},
			nodes: nodes{node("Relu", "x", "y"), node("Add", "x c", "a"), node("Exp", "a", "b")},
		}, "Relu"},
		{"what subgraphs read", small{
			inputs: []string{"x:N,3"}, outputs: []string{"y"}, constants: constants{"c": tensor.Scalar(tensor.Bool, 1)},
			nodes: nodes{
				node("Exp", "x", "kept"), node("Neg", "x", "gone"),
				node("If", "c", "y", "then_branch", inner, "else_branch", inner),
			},
		}, "Exp If"},
		{"listed initializers", small{
			ir: 3, opset: 8, inputs: []string{"x:N,3"}, outputs: []string{"y"}, constants: constants{"c": floats(3)},
			nodes: nodes{node("Relu", "x", "y"), node("Add", "x c", "a")},
		}, "Relu"},
	}, pass.DeadCode)
}

func TestConstants(t *testing.T) {
	quantised := tensor.New(tensor.Int8, 4, 4)
	for i := range quantised.Data {
		quantised.Data[i] = byte(i)
	}
	check(t, []rewriteCase{
		{"a chain", small{
			inputs: []string{"x:N,3"}, outputs: []string{"y"}, constants: constants{"c": floats(3, 3)},
			nodes: nodes{
				node("Transpose", "c", "ct", "perm", []int64{1, 0}), node("Neg", "ct", "w"), node("MatMul", "x w", "y"),
			},
		}, "MatMul"},
		{"Constant nodes", small{
			inputs: []string{"x:N,3"}, outputs: []string{"y"},
			nodes: nodes{node("Constant", "", "c", "value", floats(3)), node("Add", "x c", "y")},
		}, "Add"},
		{"no initializers where they are listed", small{
			ir: 3, opset: 8, inputs: []string{"x:N,3"}, outputs: []string{"y"}, constants: constants{"c": floats(3)},
			nodes: nodes{node("Neg", "c", "d"), node("Neg", "d", "e"), node("Add", "x e", "y")},
		}, "Constant Add"},
		{"an output", small{
			inputs: []string{"x:N,3"}, outputs: []string{"x2", "y"}, constants: constants{"c": floats(3)},
			nodes: nodes{node("Relu", "x", "x2"), node("Neg", "c", "y")},
		}, "Relu Constant"},
		{"what would grow", small{
			inputs: []string{"x:40,40"}, outputs: []string{"y"}, constants: constants{"s": tensor.Vector(40, 40)},
			nodes: nodes{node("ConstantOfShape", "s", "c", "value", filled(2, 1)), node("Add", "x c", "y")},
		}, "ConstantOfShape Add"},
		{"what others read too", small{
			inputs: []string{"x:30,30"}, outputs: []string{"y"}, constants: constants{"c": floats(30, 30)},
			nodes: nodes{node("Neg", "c", "d"), node("Add", "x c", "a"), node("Mul", "a d", "y")},
		}, "Neg Add Mul"},
		{"quantised weights", small{
			inputs: []string{"x:N,4"}, outputs: []string{"y"},
			constants: constants{"q": quantised, "s": filled(0.5), "z": tensor.Scalar(tensor.Int8, 1)},
			nodes: nodes{
				node("DequantizeLinear", "q s z", "w"), node("Transpose", "w", "wt", "perm", []int64{1, 0}),
				node("MatMul", "x wt", "y"),
			},
		}, "DequantizeLinear Transpose MatMul"},
	}, pass.Constants, pass.Shapes, pass.DeadCode)
}

func TestShapes(t *testing.T) {
	check(t, []rewriteCase{
		{"all fixed", small{
			inputs: []string{"x:4,3"}, outputs: []string{"y"}, constants: constants{"i": tensor.Vector(1), "m": tensor.Vector(-1)},
			nodes: nodes{
				node("Shape", "x", "s"), node("Gather", "s i", "d"), node("Concat", "m d", "t", "axis", 0), node("Reshape", "x t", "y"),
			},
		}, "Reshape"},
		{"one free dimension, copied", small{
			inputs: []string{"x:N,3,2"}, outputs: []string{"y"},
			constants: constants{"zero": tensor.Vector(0), "six": tensor.Vector(6)},
			nodes: nodes{
				node("Shape", "x", "s"), node("Gather", "s zero", "d"), node("Concat", "d six", "t", "axis", 0), node("Reshape", "x t", "y"),
			},
		}, "Reshape"},
		{"where zero is not a copy", small{
			inputs: []string{"x:N,3,2"}, outputs: []string{"y"}, constants: constants{"zero": tensor.Vector(0), "six": tensor.Vector(6)},
			nodes: nodes{
				node("Shape", "x", "s"), node("Gather", "s zero", "d"), node("Concat", "d six", "t", "axis", 0),
				node("Reshape", "x t", "y", "allowzero", 1),
			},
		}, "Reshape"},
		{"two free dimensions of which one is copied", small{
			inputs: []string{"x:N,M,3,2"}, outputs: []string{"y"},
			constants: constants{"zero": tensor.Vector(0), "one": tensor.Vector(1), "two": tensor.Vector(2)},
			nodes: nodes{
				node("Shape", "x", "s"), node("Gather", "s zero", "n"), node("Gather", "s one", "m"), node("Gather", "s two", "c"),
				node("Mul", "m c", "mc"), node("Concat", "n mc two", "t", "axis", 0), node("Reshape", "x t", "y"),
			},
		}, "Reshape"},
		{"two free dimensions that move", small{
			inputs: []string{"x:N,M,2"}, outputs: []string{"y"},
			constants: constants{"zero": tensor.Vector(0), "one": tensor.Vector(1), "two": tensor.Vector(2)},
			nodes: nodes{
				node("Shape", "x", "s"), node("Gather", "s zero", "n"), node("Gather", "s one", "m"),
				node("Concat", "m two n", "t", "axis", 0), node("Reshape", "x t", "y"),
			},
		}, "Shape Gather Gather Concat Reshape"},
		{"the size that it has", small{
			inputs: []string{"x:K,3"}, outputs: []string{"y"}, constants: constants{"i": tensor.Vector(0), "m": tensor.Vector(3)},
			nodes: nodes{
				node("Shape", "x", "s"), node("Gather", "s i", "d"), node("Concat", "d m", "t", "axis", 0), node("Relu", "x", "r"),
				node("Expand", "r t", "y"),
			},
		}, "Relu"},
		{"the size that another input has", small{
			inputs: []string{"x:K,3", "z:L,3"}, outputs: []string{"y"},
			nodes: nodes{node("Shape", "z", "s"), node("Relu", "x", "r"), node("Expand", "r s", "y")},
		}, "Shape Relu Expand"},
		{"a size that depends on data", small{
			inputs: []string{"x:3,4"}, outputs: []string{"y"}, constants: constants{"one": tensor.Vector(1), "two": tensor.Vector(2)},
			nodes: nodes{
				node("NonZero", "x", "z"), node("Shape", "z", "s"), node("Gather", "s one", "d"), node("Min", "d two", "m"),
				node("Cast", "m", "f", "to", 1), node("Mul", "x f", "y"),
			},
		}, "NonZero Shape Gather Min Cast Mul"},
		{"a bounded free dimension", small{
			inputs: []string{"x:2,M"}, outputs: []string{"y"},
			constants: constants{"a": tensor.Vector(0), "b": tensor.Vector(5), "axis": tensor.Vector(1), "one": tensor.Vector(1)},
			nodes: nodes{
				node("Slice", "x a b axis", "c"), node("Shape", "c", "s"), node("Gather", "s one", "d"),
				node("Cast", "d", "f", "to", 1), node("Mul", "c f", "y"),
			},
		}, "Slice Shape Gather Cast Mul"},
	}, pass.Simplify()...)
}

func TestIdentities(t *testing.T) {
	one := func(opset int64, shape string, n *onnx.NodeProto, c constants) small {
		return small{
			opset: opset, inputs: []string{"x:" + shape}, outputs: []string{"y"}, constants: c,
			nodes: nodes{node("Relu", "x", "a"), n, node("Exp", "b", "y")},
		}
	}
	check(t, []rewriteCase{
		{"Identity", one(17, "N,3", node("Identity", "a", "b"), nil), "Relu Exp"},
		{"Dropout", one(17, "N,3", node("Dropout", "a r t", "b mask"), constants{"r": filled(0.5), "t": tensor.Scalar(tensor.Bool, 0)}), "Relu Exp"},
		{"Cast", one(17, "N,3", node("Cast", "a", "b", "to", 1), nil), "Relu Exp"},
		{"Transpose", one(17, "N,3", node("Transpose", "a", "b", "perm", []int64{0, 1}), nil), "Relu Exp"},
		{"Transpose of equal sizes", one(17, "3,3", node("Transpose", "a", "b", "perm", []int64{1, 0}), nil), "Relu Transpose Exp"},
		{"Transpose turns without perm", one(17, "3,3", node("Transpose", "a", "b"), nil), "Relu Transpose Exp"},
		{"Reshape", one(17, "N,3", node("Reshape", "a s", "b"), constants{"s": tensor.Vector(-1, 3)}), "Relu Exp"},
		{"Expand", one(17, "N,3", node("Expand", "a s", "b"), constants{"s": tensor.Vector(1, 3)}), "Relu Exp"},
		{"Expand of one", one(17, "N,1", node("Expand", "a s", "b"), constants{"s": tensor.Vector(1, 3)}), "Relu Expand Exp"},
		{"Tile", one(17, "N,3", node("Tile", "a s", "b"), constants{"s": tensor.Vector(1, 1)}), "Relu Exp"},
		{"Concat", one(17, "N,3", node("Concat", "a", "b", "axis", 1), nil), "Relu Exp"},
		{"Split", one(17, "N,3", node("Split", "a", "b", "axis", 1), nil), "Relu Exp"},
		{"Pad", one(17, "N,3", node("Pad", "a p", "b"), constants{"p": tensor.Vector(0, 0, 0, 0)}), "Relu Exp"},
		{"Pad that shifts", one(17, "N,3", node("Pad", "a p", "b"), constants{"p": tensor.Vector(0, 1, 0, -1)}), "Relu Pad Exp"},
		{"Slice", one(17, "N,3", node("Slice", "a s e", "b"), constants{"s": tensor.Vector(0), "e": tensor.Vector(1 << 62)}), "Relu Exp"},
		{"Slice of old", one(9, "N,3", node("Slice", "a", "b", "starts", []int64{0}, "ends", []int64{3}, "axes", []int64{1}), nil), "Relu Exp"},
		{"Slice of the first", one(17, "N,3", node("Slice", "a s e", "b"), constants{"s": tensor.Vector(0), "e": tensor.Vector(512)}), "Relu Slice Exp"},
		{
			"Slice backwards",
			one(17, "N,3", node("Slice", "a s e x1 m", "b"), constants{
				"s": tensor.Vector(2), "e": tensor.Vector(-9), "x1": tensor.Vector(1), "m": tensor.Vector(-1),
			}), "Relu Slice Exp",
		},
		{"Resize", one(17, "N,3,H,W", node("Resize", "a - s", "b"), constants{"s": filled(1, 4)}), "Relu Exp"},
		{"Resize a little", one(17, "1,1,5,5", node("Resize", "a - s", "b"), constants{"s": tensor.FromFloat32s([]int64{4}, []float32{1, 1, 1.1, 1.1})}), "Relu Resize Exp"},
		{"Add zero", one(17, "N,3", node("Add", "zero a", "b"), constants{"zero": filled(0, 3)}), "Relu Exp"},
		{"Add zero that widens", one(17, "N,1", node("Add", "zero a", "b"), constants{"zero": filled(0, 3)}), "Relu Add Exp"},
		{"Sub from zero", one(17, "N,3", node("Sub", "zero a", "b"), constants{"zero": filled(0, 3)}), "Relu Sub Exp"},
		{"Mul one", one(17, "N,3", node("Mul", "a one", "b"), constants{"one": filled(1)}), "Relu Exp"},
		{"Div one", one(17, "N,3", node("Div", "a one", "b"), constants{"one": filled(1)}), "Relu Exp"},
		{"Max of one", one(17, "N,3", node("Max", "a", "b"), nil), "Relu Exp"},
	}, pass.Identities)
}

func TestIdentityNames(t *testing.T) {
	captures := &onnx.GraphProto{
		Name: new("inner"), Node: nodes{node("Relu", "b", "in")}, Output: []*onnx.ValueInfoProto{declare("in", nil)},
	}
	check(t, []rewriteCase{
		{"an output takes its producer's place", small{
			inputs: []string{"x:N,3"}, outputs: []string{"y", "z"},
			nodes: nodes{node("Relu", "x", "a"), node("Identity", "a", "b"), node("Identity", "b", "y"), node("Exp", "b", "z")},
		}, "Relu Exp"},
		{"an input that is an output", small{
			inputs: []string{"x:N,3"}, outputs: []string{"y"}, nodes: nodes{node("Identity", "x", "a"), node("Identity", "a", "y")},
		}, "Identity"},
		{"two outputs of one value", small{
			inputs: []string{"x:N,3"}, outputs: []string{"y", "z"},
			nodes: nodes{node("Relu", "x", "a"), node("Identity", "a", "y"), node("Identity", "a", "z")},
		}, "Relu Identity"},
		{"an output that is read", small{
			inputs: []string{"x:N,3"}, outputs: []string{"a", "z"},
			nodes: nodes{node("Relu", "x", "a"), node("Identity", "a", "b"), node("Exp", "b", "z")},
		}, "Relu Exp"},
		{"a name that a subgraph reads", small{
			inputs: []string{"x:N,3"}, outputs: []string{"y"}, constants: constants{"c": tensor.Scalar(tensor.Bool, 1)},
			nodes: nodes{node("Identity", "x", "b"), node("If", "c", "y", "then_branch", captures, "else_branch", captures)},
		}, "Identity If"},
	}, pass.Identities)
}

func TestParameters(t *testing.T) {
	check(t, []rewriteCase{
		{"copies of copies", small{
			inputs: []string{"x:N,3"}, outputs: []string{"y"}, constants: constants{"c": floats(3)},
			nodes: nodes{
				node("Identity", "c", "d"), node("Identity", "d", "e"),
				node("Add", "x c", "a"), node("Mul", "a d", "b"), node("Add", "b e", "y"),
			},
		}, "Add Mul Add"},
		{"listed initializers", small{
			ir: 3, opset: 8, inputs: []string{"x:N,3"}, outputs: []string{"y"}, constants: constants{"c": floats(3)},
			nodes: nodes{node("Identity", "c", "d"), node("Add", "x c", "a"), node("Mul", "a d", "y")},
		}, "Add Mul"},
		{"outputs and what is computed", small{
			inputs: []string{"x:N,3"}, outputs: []string{"y", "z"}, constants: constants{"c": floats(3)},
			nodes: nodes{node("Identity", "c", "y"), node("Identity", "x", "a"), node("Add", "a c", "z")},
		}, "Identity Identity Add"},
	}, pass.Parameters)
}
