package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"onnxcompress/onnx"
)

// large adds nodes that make a value of absurd size, or for an absurd number of
// times, from what little the file holds; the last of them gives "w".
type large struct {
	name         string
	initializers []*onnx.TensorProto
	nodes        []*onnx.NodeProto
}

// chain repeats a node that reads its own output of before as both inputs.
func chain(op string, times int, attrs ...*onnx.AttributeProto) []*onnx.NodeProto {
	var nodes []*onnx.NodeProto
	in := "seed"
	for i := range times {
		out := fmt.Sprint("c", i)
		if i == times-1 {
			out = "w"
		}
		nodes = append(nodes, node(op, []string{in, in}, out, attrs...))
		in = out
	}
	return nodes
}

func attribute(name string, v int64) *onnx.AttributeProto {
	return &onnx.AttributeProto{Name: &name, Type: onnx.AttributeProto_INT.Enum(), I: &v}
}

var larges = []large{
	{"ConstantOfShape", []*onnx.TensorProto{integers("n", 8, 1<<34)}, []*onnx.NodeProto{node("ConstantOfShape", []string{"n"}, "w")}},
	{"ConstantOfShape of 4 GiB", []*onnx.TensorProto{integers("n", 8, 1<<27)}, []*onnx.NodeProto{node("ConstantOfShape", []string{"n"}, "w")}},
	{"ConstantOfShape beyond all", []*onnx.TensorProto{integers("n", 1<<62, 1<<62)}, []*onnx.NodeProto{node("ConstantOfShape", []string{"n"}, "w")}},
	{"ConstantOfShape below zero", []*onnx.TensorProto{integers("n", 8, -1<<62)}, []*onnx.NodeProto{node("ConstantOfShape", []string{"n"}, "w")}},
	{"Expand", []*onnx.TensorProto{integers("n", 8, 1<<34), floats("seed", 1)}, []*onnx.NodeProto{node("Expand", []string{"seed", "n"}, "w")}},
	{"Tile", []*onnx.TensorProto{integers("n", 1, 1<<34), floats("seed", 8, 4)}, []*onnx.NodeProto{node("Tile", []string{"seed", "n"}, "w")}},
	{"Pad", []*onnx.TensorProto{integers("n", 0, 1<<34, 0, 1<<34), floats("seed", 8, 4)}, []*onnx.NodeProto{node("Pad", []string{"seed", "n"}, "w")}},
	{"Resize", []*onnx.TensorProto{integers("n", 8, 1<<34), floats("seed", 8, 4)}, []*onnx.NodeProto{node("Resize", []string{"seed", "", "", "n"}, "w")}},
	{
		"Range",
		[]*onnx.TensorProto{integers("n", 1<<36), integers("zero", 0), integers("one", 1), integers("s", 8, -1)},
		[]*onnx.NodeProto{
			node("Range", []string{"zero", "n", "one"}, "r"), node("Reshape", []string{"r", "s"}, "f"),
			node("Cast", []string{"f"}, "w", attribute("to", 1)),
		},
	},
	{"Concat of itself", []*onnx.TensorProto{floats("seed", 8, 4)}, chain("Concat", 36, attribute("axis", 1))},
	{"sum with itself", []*onnx.TensorProto{floats("seed", 8, 1<<12)}, chain("Add", 200)},
	{"product with itself", []*onnx.TensorProto{floats("seed", 8, 1<<12)}, chain("Mul", 200)},
	{"lesser of itself", []*onnx.TensorProto{floats("seed", 8, 1<<12)}, chain("Min", 200)},
	{"no elements, many channels", []*onnx.TensorProto{{Name: proto.String("w"), DataType: proto.Int32(1), Dims: []int64{0, 1 << 39}}}, nil},
	{"eye", []*onnx.TensorProto{integers("n", 1<<17, 1<<17)}, []*onnx.NodeProto{
		node("ConstantOfShape", []string{"n"}, "o"), node("EyeLike", []string{"o"}, "w"),
	}},
}

// TestAbsurd: a small file that speaks of absurd sizes is read, or refused, in
// no more memory and time than a small file takes.
func TestAbsurd(t *testing.T) {
	uses := map[string][]*onnx.NodeProto{
		"multiplied": {node("MatMul", []string{"x", "w"}, "y")},
		"added":      {node("Add", []string{"x", "w"}, "y")},
		"channels": {
			node("MatMul", []string{"x", "w"}, "h"), node("Slice", []string{"h", "one", "two", "one"}, "s"), node("Concat", []string{"s", "h"}, "y", attribute("axis", 1)),
		},
	}
	for _, l := range larges {
		for use, nodes := range uses {
			t.Run(l.name+" "+use, func(t *testing.T) {
				m := conv()
				m.Graph.Input, m.Graph.Output = declared("x", 4, 8), declared("y")
				m.Graph.Output[0].Type = nil
				m.Graph.Initializer = append([]*onnx.TensorProto{}, l.initializers...)
				m.Graph.Node = append(append([]*onnx.NodeProto{}, l.nodes...), nodes...)
				have := map[string]bool{}
				for _, w := range m.Graph.Initializer {
					have[w.GetName()] = true
				}
				for _, w := range []*onnx.TensorProto{integers("one", 1), integers("two", 2)} {
					if !have[w.GetName()] {
						m.Graph.Initializer = append(m.Graph.Initializer, w)
					}
				}
				dir := t.TempDir()
				path := write(t, filepath.Join(dir, "m.onnx"), encoded(t, m))
				before := files(t, dir)
				for _, args := range [][]string{{"inspect", path}, {path, "--target-macs", "50%", "--no-validate", "--method", "magnitude"}, native("run", path)} {
					if l.name == "ConstantOfShape of 4 GiB" && args[0] == "run" {
						continue // a machine may have them
					}
					code, _, stderr, allocated := measured(args)
					if code != 0 && code != 2 && code != 3 && code != 5 || strings.Count(stderr, "\n") > 1 && code != 0 {
						t.Errorf("%s: exit %d, said %q", args[0], code, stderr)
					}
					if allocated > 256<<20 {
						t.Errorf("%s: allocated %d MiB", args[0], allocated>>20)
					}
					if after := files(t, dir); code != 0 && after != before {
						t.Errorf("the folder has\n%s\nand had\n%s", after, before)
					}
				}
			})
		}
	}
}
