package runtime_test

import (
	"path/filepath"
	"strings"
	"testing"

	"onnxcompress/compress/optim"
	"onnxcompress/graph/pass"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
	"onnxcompress/runtime"
	"onnxcompress/runtime/loss"
)

// benchmarked runs f on each model at hand, with a batch of 64 samples. Those of
// ../shared are left out where they are missing.
func benchmarked(b *testing.B, f func(b *testing.B, m *onnx.Model, x *tensor.Tensor)) {
	shared, err := filepath.Glob("../../shared/models/*.onnx")
	if err != nil {
		b.Fatal(err)
	}
	for _, path := range append([]string{"../testdata/resnet8_digits.onnx"}, shared...) {
		name := strings.TrimSuffix(filepath.Base(path), ".onnx")
		if filepath.Dir(path) != "../testdata" && name == "resnet8_digits" {
			continue
		}
		b.Run(name, func(b *testing.B) {
			loaded, err := onnx.Load(path)
			if err != nil {
				b.Fatal(err)
			}
			defer loaded.Close()
			m, err := pass.Trainable(loaded)
			if err != nil {
				b.Fatal(err)
			}
			defer m.Close()
			shape := []int64{64}
			for _, d := range m.Proto.Graph.Input[0].Type.GetTensorType().Shape.Dim[1:] {
				shape = append(shape, d.GetDimValue())
			}
			b.ReportAllocs()
			f(b, m, numbers(shape...))
			b.ReportMetric(64*float64(b.N)/b.Elapsed().Seconds(), "samples/s")
		})
	}
}

func BenchmarkTrain(b *testing.B) {
	benchmarked(b, func(b *testing.B, m *onnx.Model, x *tensor.Tensor) {
		l := learner{Trainer: newTrainer(b, m, runtime.TrainOptions{}), rule: &optim.SGD{LR: 0.001, Momentum: 0.9}}
		y := tensor.New(tensor.Int64, x.Shape[0])
		var of loss.Loss = loss.CrossEntropy{}
		l.step(b, of, y, x)
		for b.Loop() {
			l.step(b, of, y, x)
		}
	})
}

func BenchmarkInfer(b *testing.B) {
	benchmarked(b, func(b *testing.B, m *onnx.Model, x *tensor.Tensor) {
		s, err := runtime.Open(m, runtime.Options{})
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		run := func() {
			if _, err := s.Run(map[string]*tensor.Tensor{m.Proto.Graph.Input[0].GetName(): x}); err != nil {
				b.Fatal(err)
			}
		}
		run()
		for b.Loop() {
			run()
		}
	})
}
