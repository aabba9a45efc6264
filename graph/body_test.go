package graph_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"onnxcompress/graph"
	"onnxcompress/graph/tensor"
	"onnxcompress/internal/ortest"
	"onnxcompress/onnx"
	"onnxcompress/runtime"
	"onnxcompress/runtime/ort"
)

// call makes a node from its inputs and outputs, separated by blanks; a - is an
// absent one.
func call(op, in, out string, attrs ...*onnx.AttributeProto) *onnx.NodeProto {
	n := &onnx.NodeProto{OpType: proto.String(op), Attribute: attrs, Output: strings.Fields(out)}
	if domain, name, ok := strings.Cut(op, ":"); ok {
		n.OpType, n.Domain = proto.String(name), proto.String(domain)
	}
	for _, name := range strings.Fields(in) {
		n.Input = append(n.Input, strings.Trim(name, "-"))
	}
	return n
}

func typed(name string, dt tensor.DType, shape ...int64) *onnx.ValueInfoProto {
	s := &onnx.TensorShapeProto{}
	for _, d := range shape {
		s.Dim = append(s.Dim, &onnx.TensorShapeProto_Dimension{Value: &onnx.TensorShapeProto_Dimension_DimValue{DimValue: d}})
	}
	return &onnx.ValueInfoProto{Name: proto.String(name), Type: &onnx.TypeProto{Value: &onnx.TypeProto_TensorType{
		TensorType: &onnx.TypeProto_Tensor{ElemType: proto.Int32(int32(dt)), Shape: s},
	}}}
}

func subgraph(name string, in, out []*onnx.ValueInfoProto, nodes ...*onnx.NodeProto) *onnx.AttributeProto {
	return &onnx.AttributeProto{Name: proto.String(name), Type: onnx.AttributeProto_GRAPH.Enum(), G: &onnx.GraphProto{
		Name: proto.String(name), Input: in, Output: out, Node: nodes,
	}}
}

func reference(name, to string) *onnx.AttributeProto {
	return &onnx.AttributeProto{Name: proto.String(name), RefAttrName: proto.String(to), Type: onnx.AttributeProto_FLOAT.Enum()}
}

type infos = []*onnx.ValueInfoProto

// TestBodies: subgraphs that read outer values, subgraphs of subgraphs and
// local functions compute what onnxruntime computes.
func TestBodies(t *testing.T) {
	f, i, b := tensor.Float32, tensor.Int64, tensor.Bool
	vector := func(name string) *onnx.ValueInfoProto { return typed(name, f, 3) }
	loop := call("Loop", "n - x", "last all", subgraph("body",
		infos{typed("step", i), typed("on", b), vector("state")},
		infos{typed("go", b), vector("next"), vector("seen")},
		call("Identity", "on", "go"),
		call("Add", "state w", "sum"),
		call("Less", "step two", "early"),
		call("If", "early", "next",
			subgraph("then_branch", nil, infos{vector("a")}, call("Mul", "sum w", "a")),
			subgraph("else_branch", nil, infos{vector("b")}, call("Sub", "sum x", "b"))),
		call("Neg", "next", "seen"),
	))
	function := &onnx.FunctionProto{
		Name: proto.String("F"), Domain: proto.String("local"), Input: []string{"p", "q"}, Output: []string{"r", "s"},
		Attribute: []string{"slope"}, AttributeProto: []*onnx.AttributeProto{attributeOf("bend", 0.5)},
		OpsetImport: []*onnx.OperatorSetIdProto{{Domain: proto.String(""), Version: proto.Int64(17)}},
		Node: []*onnx.NodeProto{
			call("LeakyRelu", "p", "leaky", reference("alpha", "slope")),
			call("If", "q", "r",
				subgraph("then_branch", nil, infos{vector("a")}, call("Elu", "leaky", "a", reference("alpha", "bend"))),
				subgraph("else_branch", nil, infos{vector("b")}, call("Identity", "leaky", "b"))),
			call("Neg", "r", "s"),
		},
	}
	scan := call("Scan", "x m", "end sums", subgraph("body",
		infos{vector("carry"), vector("row")}, infos{vector("out"), vector("each")},
		call("Add", "carry row", "out"), call("Mul", "out w", "each"),
	), attributeOf("num_scan_inputs", 1), attributeOf("scan_input_directions", []int64{1}), attributeOf("scan_output_axes", []int64{1}))
	feeds := map[string]*tensor.Tensor{
		"x": tensor.FromFloat32s([]int64{3}, []float32{1, -2, 3}), "w": tensor.FromFloat32s([]int64{3}, []float32{2, 1, -1}),
		"m": tensor.FromFloat32s([]int64{2, 3}, []float32{1, 2, 3, 4, 5, 6}),
		"n": tensor.FromInt64s(nil, []int64{4}), "two": tensor.FromInt64s(nil, []int64{2}), "yes": tensor.Scalar(b, 1), "no": tensor.Scalar(b, 0),
	}
	cases := []struct {
		name    string
		nodes   []*onnx.NodeProto
		outputs string
	}{
		{"loop", []*onnx.NodeProto{loop}, "last all"},
		{"scan", []*onnx.NodeProto{scan}, "end sums"},
		{"function", []*onnx.NodeProto{
			call("local:F", "x yes", "r1 s1", attributeOf("slope", 0.25)),
			call("local:F", "w no", "r2 s2", attributeOf("slope", 3.0), attributeOf("bend", 7.0)),
		}, "r1 s1 r2 s2"},
		{"sequence", []*onnx.NodeProto{
			call("SplitToSequence", "m", "parts"), call("SequenceInsert", "parts m", "more"), call("SequenceErase", "more two", "less"),
			call("ConcatFromSequence", "less", "joined", attributeOf("axis", 0)), call("SequenceLength", "more", "count"),
		}, "joined count"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := &onnx.ModelProto{IrVersion: proto.Int64(8), Graph: &onnx.GraphProto{Name: proto.String(c.name), Node: c.nodes}, Functions: []*onnx.FunctionProto{function}}
			for _, domain := range []string{"", "local"} {
				p.OpsetImport = append(p.OpsetImport, &onnx.OperatorSetIdProto{Domain: proto.String(domain), Version: proto.Int64(17 - 16*int64(min(len(domain), 1)))})
			}
			for _, name := range slices.Sorted(maps.Keys(feeds)) {
				p.Graph.Input = append(p.Graph.Input, typed(name, feeds[name].DType, feeds[name].Shape...))
			}
			for _, name := range strings.Fields(c.outputs) {
				p.Graph.Output = append(p.Graph.Output, &onnx.ValueInfoProto{Name: proto.String(name)})
			}
			s, err := ortest.Open(t.TempDir(), p)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			want, err := s.Run(feeds)
			if err != nil {
				t.Fatal(err)
			}
			native, err := runtime.Open(ortest.Model(t, p), runtime.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer native.Close()
			got, err := native.Run(feeds)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range strings.Fields(c.outputs) {
				if e := ort.CompareTensors(name, want[name], got[name]).RelError; !(e < 1e-5) {
					t.Errorf("%s differs by %g", name, e)
				}
			}
		})
	}
}

// TestBodyCaptures: a body lists the outer values it reads behind its own
// inputs, those of its subgraphs too.
func TestBodyCaptures(t *testing.T) {
	inner := subgraph("then_branch", nil, infos{typed("a", tensor.Float32)}, call("Add", "outer local", "a"))
	other := subgraph("else_branch", nil, infos{typed("local", tensor.Float32)})
	n := call("Loop", "n -", "y", subgraph("body", infos{typed("i", tensor.Int64), typed("on", tensor.Bool)},
		infos{typed("on", tensor.Bool), typed("y1", tensor.Float32)},
		call("Neg", "second", "local"), call("If", "on", "y1", inner, other)))
	p := &onnx.ModelProto{IrVersion: proto.Int64(8), Graph: &onnx.GraphProto{
		Name: proto.String("g"), Node: []*onnx.NodeProto{n}, Output: infos{typed("y", tensor.Float32)},
		Input: infos{typed("n", tensor.Int64), typed("outer", tensor.Float32), typed("second", tensor.Float32)},
	}, OpsetImport: []*onnx.OperatorSetIdProto{{Domain: proto.String(""), Version: proto.Int64(17)}}}
	g, err := graph.Import(ortest.Model(t, p))
	if err != nil {
		t.Fatal(err)
	}
	body, err := g.Nodes[0].Body("body")
	if err != nil {
		t.Fatal(err)
	}
	names := func(values []*graph.Value) (list []string) {
		for _, v := range values {
			list = append(list, v.Name)
		}
		return list
	}
	if got := names(body.Inputs); !slices.Equal(got, []string{"i", "on", "outer", "second"}) {
		t.Errorf("inputs are %v", got)
	}
	if got := names(body.Captures); !slices.Equal(got, []string{"outer", "second"}) {
		t.Errorf("captures are %v", got)
	}
	if _, err := g.Nodes[0].Body("none"); err == nil {
		t.Error("a subgraph that is not there has a body")
	}
	if _, err := g.Nodes[0].Call(); err == nil {
		t.Error("an operator has a function's body")
	}
}
