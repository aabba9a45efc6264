// Package ortest runs models in onnxruntime for the tests of other packages.
package ortest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/proto"

	"onnxcompress/compress/dataset"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
	"onnxcompress/runtime/ort"
)

// Main is a TestMain that has onnxruntime ready.
func Main(m *testing.M) {
	library, err := ort.Ensure(context.Background(), "", func(s string) { fmt.Fprintln(os.Stderr, s) })
	if err == nil {
		err = ort.Init(library)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// Model reads a model back from its bytes, and checks it.
func Model(t testing.TB, p *onnx.ModelProto) *onnx.Model {
	t.Helper()
	b, err := proto.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	m, err := onnx.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	return m
}

// Open loads a model into a session that optimises nothing. The model goes
// through a file in dir, because onnxruntime optimises the graph of a model in
// memory before it tells its inputs, and aborts on some.
func Open(dir string, m *onnx.ModelProto) (*ort.Session, error) {
	b, err := proto.Marshal(m)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "model.onnx")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return nil, err
	}
	return ort.Open(path, ort.Options{Threads: 1})
}

// Ports are the inputs of a session as those ask for them who make some.
func Ports(s *ort.Session) []dataset.Port {
	ports := make([]dataset.Port, len(s.Inputs()))
	for i, p := range s.Inputs() {
		ports[i] = dataset.Port(p)
	}
	return ports
}

// Inputs makes one random batch for a session: free dimensions are small, and
// differ from each other.
func Inputs(s *ort.Session, rng *rand.Rand) (map[string]*tensor.Tensor, error) {
	shapes := map[string][]int64{}
	for _, p := range s.Inputs() {
		shape := append([]int64{}, p.Shape...)
		for axis, d := range shape {
			switch {
			case d >= 0:
			case axis == 0:
				shape[axis] = 3
			default:
				shape[axis] = 5
			}
		}
		shapes[p.Name] = shape
	}
	return dataset.Random(Ports(s), shapes, rng)
}
