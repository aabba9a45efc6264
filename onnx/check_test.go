package onnx

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
)

func TestCheckSound(t *testing.T) {
	tests := map[string]func(*ModelProto){
		"sample":                   func(*ModelProto) {},
		"the domain spelled out":   func(m *ModelProto) { m.OpsetImport[0].Domain = proto.String("ai.onnx") },
		"an import repeated":       func(m *ModelProto) { m.OpsetImport = append(m.OpsetImport, m.OpsetImport[0]) },
		"a name of an outer scope": func(m *ModelProto) { m.Graph.Node[1].Attribute[0].G.Node[0].Output = []string{"t", "x"} },
		"a subgraph gives an outer value": func(m *ModelProto) {
			m.Graph.Node[1].Attribute[0].G.Output = values("big")
		},
	}
	for name, change := range tests {
		m := &Model{Proto: sample()}
		change(m.Proto)
		if err := m.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	sub := func(m *ModelProto) *GraphProto { return m.Graph.Node[1].Attribute[0].G }
	tests := []struct {
		name   string
		change func(*ModelProto)
		want   string
	}{
		{"no graph", func(m *ModelProto) { m.Graph = nil }, "there is no graph"},
		{"no ir_version", func(m *ModelProto) { m.IrVersion = nil }, "ir_version 0 is not a version"},
		{"future ir_version", func(m *ModelProto) { m.IrVersion = proto.Int64(99) }, "ir_version 99 is newer than"},
		{"no opset", func(m *ModelProto) { m.OpsetImport = nil }, "no version of the default domain"},
		{"old opset", func(m *ModelProto) { m.OpsetImport[0].Version = proto.Int64(6) }, "opset 6 is older than 7"},
		{"future opset", func(m *ModelProto) { m.OpsetImport[0].Version = proto.Int64(999) }, "opset 999 is newer than"},
		{"two opsets", func(m *ModelProto) {
			m.OpsetImport = append(m.OpsetImport, &OperatorSetIdProto{Domain: proto.String("ai.onnx"), Version: proto.Int64(9)})
		}, "versions 17 and 9"},
		{"no outputs", func(m *ModelProto) { m.Graph.Output = nil }, "the graph has no outputs"},
		{"undefined output", func(m *ModelProto) { m.Graph.Output = values("y", "none") }, `the output list of the graph reads "none", which nothing defines`},
		{"dangling name", func(m *ModelProto) { m.Graph.Node[1].Input[0] = "none" }, `If of "y" reads "none", which nothing defines`},
		{"dangling name in a subgraph", func(m *ModelProto) { sub(m).Node[0].Input[0] = "none" }, `Add of "t" reads "none", which nothing defines`},
		{"a name of the other branch", func(m *ModelProto) { sub(m).Node[0].Input[1] = "ew" }, `reads "ew", which nothing defines`},
		{"a name of an inner scope", func(m *ModelProto) { m.Graph.Node[2].Input[1] = "t" }, `reads "t", which nothing defines`},
		{"output twice", func(m *ModelProto) { m.Graph.Node[2].Output[0] = "y" }, `output "y" is a name that the graph already has`},
		{"output like an input", func(m *ModelProto) { m.Graph.Node[2].Output[1] = "x" }, `output "x" is a name`},
		{"output like an initializer", func(m *ModelProto) { m.Graph.Node[2].Output[1] = "big" }, `output "big" is a name`},
		{"input twice", func(m *ModelProto) { m.Graph.Input = values("x", "x") }, `input "x" is a name`},
		{"initializer twice", func(m *ModelProto) { m.Graph.Initializer[1].Name = proto.String("big") }, `initializer "big" is a name`},
		{"unsorted", func(m *ModelProto) { n := m.Graph.Node; n[0], n[2] = n[2], n[0] }, `the nodes are not sorted: Twice of "z" reads what Constant of "c" gives only after it`},
		{"unsorted by a subgraph", func(m *ModelProto) { n := m.Graph.Node; n[0], n[1] = n[1], n[0] }, `not sorted: If of "y" reads`},
		{"cyclic", func(m *ModelProto) { m.Graph.Node[0].Input = []string{"z"} }, "the graph is cyclic: "},
		{"cyclic alone", func(m *ModelProto) { m.Graph.Node[2].Input[1] = "z" }, `the graph is cyclic: Twice of "z" depends`},
		{"cyclic by a subgraph", func(m *ModelProto) { sub(m).Node[0].Input[0] = "y" }, `the graph is cyclic: If of "y" depends`},
		{"cyclic in a subgraph", func(m *ModelProto) { sub(m).Node[0].Input[0] = "t" }, `the graph is cyclic: Add of "t" depends`},
		{"cyclic in a function", func(m *ModelProto) { m.Functions[0].Node[1].Input[0] = "o" }, `the graph is cyclic: Add of "o" depends`},
		{"function twice", func(m *ModelProto) { m.Functions = append(m.Functions, m.Functions[0]) }, `function "Twice" is defined twice`},
		{"function output", func(m *ModelProto) { m.Functions[0].Output[0] = "none" }, `reads "none"`},
		{"no operator", func(m *ModelProto) { m.Graph.Node[2].OpType = nil }, "has no op_type"},
		{"attribute twice", func(m *ModelProto) { n := m.Graph.Node[0]; n.Attribute = append(n.Attribute, n.Attribute[0]) }, `has attribute "value" twice`},
		{"negative dimension", func(m *ModelProto) { m.Graph.Initializer[0].Dims[0] = -1 }, `initializer: tensor "big": negative dimension`},
		{"absurd dimension", func(m *ModelProto) { m.Graph.Initializer[0].Dims[0] = 1 << 62 }, "more elements than memory"},
		{"too little data", func(m *ModelProto) { m.Graph.Initializer[0].Dims[0] = 33 }, "4096 bytes of data where shape [33 32] takes 4224"},
		{"strings missing", func(m *ModelProto) { m.Graph.Initializer[3].Dims[0] = 2 }, "1 entries of string_data where shape [2] takes 2"},
		{"attribute of strange shape", func(m *ModelProto) { m.Graph.Node[0].Attribute[0].T.Dims[0] = 7 }, `attribute "value" of Constant of "c": tensor`},
		{"sparse", func(m *ModelProto) { m.Graph.SparseInitializer[0].Dims[0] = -9 }, "negative dimension in sparse shape"},
		{"half a sparse tensor", func(m *ModelProto) { m.Graph.SparseInitializer[0].Indices = nil }, "without values or indices"},
		{"name not UTF-8", func(m *ModelProto) { m.Graph.Node[2].Name = proto.String("a\xff") }, `node "a\xff" is not UTF-8`},
		{"value not UTF-8", func(m *ModelProto) { m.Graph.Input[0].Name = proto.String("\xc3") }, `input "\xc3" is not UTF-8`},
		{"external but closed", func(m *ModelProto) {
			m.Graph.Initializer[0] = reference("big", 4, "location", "w.bin")
		}, "external data"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := &Model{Proto: sample()}
			test.change(m.Proto)
			wantInvalid(t, m.Check(), "invalid model: ", test.want)
		})
	}
}

func TestCheckListsAll(t *testing.T) {
	m := &Model{Proto: sample()}
	for i := range 30 {
		m.Proto.Graph.Node[2].Input = append(m.Proto.Graph.Node[2].Input, fmt.Sprint("none", i))
	}
	err := m.Check()
	wantInvalid(t, err, `"none0"`, `"none9"`, "; and 20 more")
	var all interface{ Unwrap() []error }
	if !errors.As(err, &all) || len(all.Unwrap()) != 31 || !strings.Contains(all.Unwrap()[30].Error(), `"none29"`) {
		t.Errorf("the error does not hold every problem")
	}
}

func TestCheckDepth(t *testing.T) {
	m := &Model{Proto: sample()}
	for range 100_000 {
		m.Proto.Graph.Node = []*NodeProto{node("Loop", nil, []string{"y"}, subgraph("body", m.Proto.Graph))}
		m.Proto.Graph = &GraphProto{Node: m.Proto.Graph.Node, Output: values("y")}
	}
	wantInvalid(t, m.Check(), "subgraphs nested deeper than 100 levels")
}
