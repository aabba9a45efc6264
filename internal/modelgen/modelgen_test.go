package modelgen

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/proto"

	"onnxcompress/graph/tensor"
	"onnxcompress/internal/ortest"
	"onnxcompress/runtime/ort"
)

func TestMain(m *testing.M) { ortest.Main(m) }

// TestModelsRun runs models in onnxruntime, which is stricter than any reader
// of ours, and looks for outputs that hold numbers.
func TestModelsRun(t *testing.T) {
	finite := 0
	const models = 3000
	for seed := range uint64(models) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			out := run(t, seed)
			if len(out) == 0 {
				t.Fatal("no outputs")
			}
			if allFinite(out) {
				finite++
			}
		})
	}
	if finite < models*9/10 {
		t.Errorf("only %d of %d models give finite numbers", finite, models)
	}
}

func run(t *testing.T, seed uint64) map[string]*tensor.Tensor {
	t.Helper()
	s, err := ortest.Open(t.TempDir(), Model(seed))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	in, err := ortest.Inputs(s, rand.New(rand.NewPCG(seed, 1)))
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Run(in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func allFinite(out map[string]*tensor.Tensor) bool {
	for name, v := range out {
		if ort.CompareTensors(name, v, v).NonFinite > 0 {
			return false
		}
	}
	return true
}

func TestSameSeed(t *testing.T) {
	for seed := range uint64(30) {
		var b [2][]byte
		for i := range b {
			var err error
			if b[i], err = (proto.MarshalOptions{Deterministic: true}).Marshal(Model(seed)); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(b[0], b[1]) {
			t.Errorf("seed %d gives two models", seed)
		}
	}
}
