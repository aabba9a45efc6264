package pass_test

import (
	"testing"

	"onnxcompress/graph/pass"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

func TestSequences(t *testing.T) {
	chunks := func(opset int64, in, shape string, c constants, attrs ...any) small {
		return small{
			opset: opset, inputs: []string{"x:" + shape}, outputs: []string{"y"}, constants: c,
			nodes: nodes{
				node("SplitToSequence", in, "s", attrs...), node("SequenceAt", "s i", "a"), node("SequenceAt", "s j", "b"),
				node("Concat", "a b", "y", "axis", 0),
			},
		}
	}
	at := func(i, j int64, split *tensor.Tensor) constants {
		c := constants{"i": tensor.Scalar(tensor.Int64, float64(i)), "j": tensor.Scalar(tensor.Int64, float64(j))}
		if split != nil {
			c["split"] = split
		}
		return c
	}
	cut := tensor.Scalar(tensor.Int64, 3)
	check(t, []rewriteCase{
		{"parts of one size", chunks(17, "x split", "N,6", at(1, 0, cut), "axis", 1), "Split Concat"},
		{"before opset 13", chunks(11, "x split", "N,6", at(1, 0, cut), "axis", 1), "Split Concat"},
		{"listed parts, some unread", chunks(17, "x split", "N,6", at(1, -1, tensor.Vector(2, 2, 2)), "axis", -1), "Split Concat"},
		{"one by one", chunks(17, "x", "N,4", at(0, -1, nil), "axis", 1, "keepdims", 0), "Split Squeeze Squeeze Concat"},
		{"before opset 13, one by one", chunks(11, "x", "N,4", at(0, 2, nil), "axis", 1, "keepdims", 0), "Split Squeeze Squeeze Concat"},
		{"one part twice", chunks(17, "x split", "N,6", at(1, 1, cut), "axis", 1), "Split Concat"},
		{"parts of a free dimension", chunks(17, "x split", "N,6", at(0, 0, tensor.Scalar(tensor.Int64, 1)), "axis", 0), "SplitToSequence SequenceAt SequenceAt Concat"},
	}, pass.Sequences, pass.Identities)
}

// TestPrepare: weights of the prepared model are those of the original, and the
// nodes that read them have the names and outputs that they had.
func TestPrepare(t *testing.T) {
	m := small{
		inputs: []string{"x:N,6"}, outputs: []string{"y"},
		constants: constants{"w": floats(6, 6), "split": tensor.Scalar(tensor.Int64, 3), "i": tensor.Scalar(tensor.Int64, 1)},
		nodes: nodes{
			node("MatMul", "x w", "h"), node("SplitToSequence", "h split", "s", "axis", 1), node("SequenceAt", "s i", "a"),
			node("Relu", "a", "y"),
		},
	}.model(t)
	p, err := pass.Prepare(m)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if got := operators(p); got != "MatMul Split Identity Relu" {
		t.Errorf("prepared: %s", got)
	}
	if got := p.Proto.Graph.Node[2].Output[0]; got != "a" {
		t.Errorf("what was a is %s", got)
	}
	if got := operators(m); got != "MatMul SplitToSequence SequenceAt Relu" {
		t.Errorf("the original became %s", got)
	}
	agree(t, m.Proto, p.Proto, 0, 2)
}

func TestBatchNorms(t *testing.T) {
	normalised := func(channels int64, shape string, c constants, before ...*onnx.NodeProto) small {
		all := constants{"g": floats(channels), "b": floats(channels), "m": floats(channels), "v": floats(channels)}
		for name, v := range c {
			all[name] = v
		}
		return small{
			opset: 15, inputs: []string{"x:" + shape}, outputs: []string{"y"}, constants: all,
			nodes: append(before, node("BatchNormalization", "h g b m v", "n", "epsilon", 0.01), node("Relu", "n", "y")),
		}
	}
	w := floats(6, 4, 3, 3)
	check(t, []rewriteCase{
		{"Conv", normalised(6, "N,4,8,8", constants{"w": w, "c": floats(6)}, node("Conv", "x w c", "h")), "Conv Relu"},
		{"Conv without bias", normalised(6, "N,4,8,8", constants{"w": w}, node("Conv", "x w", "h")), "Conv Relu"},
		{"Conv in groups", normalised(6, "N,8,8,8", constants{"w": w}, node("Conv", "x w", "h", "group", 2)), "Conv Relu"},
		{"ConvTranspose", normalised(4, "N,6,8,8", constants{"w": w}, node("ConvTranspose", "x w", "h")), "ConvTranspose Relu"},
		{"ConvTranspose in groups", normalised(8, "N,6,8,8", constants{"w": w}, node("ConvTranspose", "x w", "h", "group", 2)), "ConvTranspose Relu"},
		{"Gemm", normalised(5, "N,4", constants{"w": floats(4, 5), "c": floats(5)}, node("Gemm", "x w c", "h", "alpha", 0.5, "beta", 2.0)), "Gemm Relu"},
		{"Gemm, turned", normalised(5, "N,4", constants{"w": floats(5, 4), "c": floats(1)}, node("Gemm", "x w c", "h", "transB", 1)), "Gemm Relu"},
		{"Gemm with a matrix", normalised(4, "4,4", constants{"w": floats(4, 4), "c": floats(4, 1)}, node("Gemm", "x w c", "h")), "Gemm BatchNormalization Relu"},
		{"MatMul", normalised(5, "N,4", constants{"w": floats(4, 5)}, node("MatMul", "x w", "h")), "MatMul Add Relu"},
		{"MatMul and Add", normalised(5, "N,4", constants{"w": floats(4, 5), "c": floats(5)}, node("MatMul", "x w", "p"), node("Add", "c p", "h")), "MatMul Add Relu"},
		{"MatMul of other axes", normalised(5, "N,5,4", constants{"w": floats(4, 5)}, node("MatMul", "x w", "h")), "MatMul BatchNormalization Relu"},
		{"a shared weight", normalised(4, "N,4", constants{"w": floats(4, 4)}, node("MatMul", "x w", "p"), node("MatMul", "p w", "h")), "MatMul MatMul BatchNormalization Relu"},
	}, pass.BatchNorms, pass.DeadCode)
}

func TestBatchNormOfOutput(t *testing.T) {
	check(t, []rewriteCase{
		{"a product that others read", small{
			inputs: []string{"x:N,4,8,8"}, outputs: []string{"h", "y"},
			constants: constants{"w": floats(6, 4, 3, 3), "g": floats(6), "b": floats(6), "m": floats(6), "v": floats(6)},
			nodes:     nodes{node("Conv", "x w", "h"), node("BatchNormalization", "h g b m v", "y")},
		}, "Conv BatchNormalization"},
		{"the name of an output", small{
			inputs: []string{"x:N,4,8,8"}, outputs: []string{"y"},
			constants: constants{"w": floats(6, 4, 3, 3), "g": floats(6), "b": floats(6), "m": floats(6), "v": floats(6)},
			nodes:     nodes{node("Conv", "x w", "h"), node("BatchNormalization", "h g b m v", "y")},
		}, "Conv"},
	}, pass.BatchNorms, pass.DeadCode)
}
