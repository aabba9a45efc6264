package compact_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"onnxcompress/internal/modelgen"
	"onnxcompress/onnx"
)

// FuzzProperty is TestProperty for any seed: one number for the graph, one for
// the cut.
func FuzzProperty(f *testing.F) {
	for seed := range uint64(6) {
		f.Add(seed, seed+1)
	}
	f.Fuzz(func(t *testing.T, model, cut uint64) {
		newTrial(t, modelgen.Model(model), cut).run()
	})
}

// FuzzAnalysis: whatever can be imported can be analysed and cut at random;
// what comes out is an error or a sound model.
func FuzzAnalysis(f *testing.F) {
	for seed := range uint64(24) {
		b, err := proto.Marshal(modelgen.Model(seed))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, seed)
	}
	f.Fuzz(func(t *testing.T, b []byte, cut uint64) {
		if m, err := onnx.Parse(b); err == nil {
			withstand(t, m, cut)
		}
	})
}
