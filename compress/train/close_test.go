package train_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"onnxcompress/compress/compact"
	"onnxcompress/compress/train"
	"onnxcompress/depgraph"
	"onnxcompress/graph"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
	"onnxcompress/runtime"
)

// TestClosed holds that nothing keeps a model's file mapped where making a net or
// a model of a cut has failed.
func TestClosed(t *testing.T) {
	if _, err := os.Stat("/proc/self/maps"); err != nil {
		t.Skip(err)
	}
	content, err := os.ReadFile(digits)
	if err != nil {
		t.Fatal(err)
	}
	for name, fail := range map[string]func(m *onnx.Model) error{
		"net": func(m *onnx.Model) error {
			own, err := train.Prepare(m, train.Preparation{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = train.NewNet(own, nil, runtime.TrainOptions{Threads: 1, Output: "none"})
			return err
		},
		"compact model": func(m *onnx.Model) error {
			g, err := graph.Import(m)
			if err != nil {
				t.Fatal(err)
			}
			dg := depgraph.Build(graph.Analyze(g, nil))
			cut := dg.NewCut()
			cut.Add(0)
			wrong := compact.Weights{}
			for _, w := range dg.Weights {
				wrong[w] = tensor.FromFloat32s([]int64{1}, []float32{1})
			}
			_, err = compact.Model(dg, cut, wrong)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "mapped.onnx")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			m, err := onnx.Load(path)
			if err != nil {
				t.Fatal(err)
			}
			if fail(m) == nil {
				t.Error("it has not failed")
			}
			if err := m.Close(); err != nil {
				t.Error(err)
			}
			maps, err := os.ReadFile("/proc/self/maps")
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(maps), path) {
				t.Error("the file is still mapped")
			}
		})
	}
}
