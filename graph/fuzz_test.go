package graph_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"onnxcompress/graph"
	"onnxcompress/internal/modelgen"
	"onnxcompress/onnx"
)

// FuzzImport: a file that can be read is imported and inferred under both
// bindings, or refused. Every value that is left has a shape without negative
// dimensions, or none.
func FuzzImport(f *testing.F) {
	for seed := range uint64(24) {
		b, err := proto.Marshal(modelgen.Model(seed))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := onnx.Parse(b)
		if err != nil || m.Check() != nil {
			return
		}
		g, err := graph.Import(m)
		if err != nil {
			return
		}
		a := graph.Analyze(g, nil)
		for _, facts := range []*graph.Facts{a.Nominal, a.Witness} {
			for _, v := range g.Values {
				for _, d := range facts.Values[v.ID].Shape {
					if d < 0 {
						t.Errorf("value %q has shape %v", v.Name, facts.Values[v.ID].Shape)
					}
				}
			}
		}
	})
}
