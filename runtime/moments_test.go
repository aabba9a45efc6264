package runtime_test

import (
	"math"
	"slices"
	"testing"

	"onnxcompress/compress/optim"
	"onnxcompress/graph/pass"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
	"onnxcompress/runtime"
	"onnxcompress/runtime/loss"
)

const folded = `
input x N,2,6,6
a = Conv x c1:w[4,2,3,3] b1:w[4] ; pads=[1,1,1,1]
r = Relu a
b = Conv r c2:w[3,4,3,3] b2:w[3] ; pads=[1,1,1,1]
s = Relu b
f = Flatten s
g = Gemm f w3:w[5,108] b3:w[5] ; transB=1
h = Relu g
y = Gemm h w4:w[4,5] b4:w[4] ; transB=1
output y`

// TestRenormalised: BatchNormalization that is put back with the moments of a
// batch changes nothing, neither where the model is used nor in the first step
// of a training on that batch.
func TestRenormalised(t *testing.T) {
	m := textModel(t, folded, nil)
	x := numbers(8, 2, 6, 6)
	s, err := runtime.Open(m, runtime.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	in := map[string]*tensor.Tensor{"x": x}
	want, err := s.Run(in)
	if err != nil {
		t.Fatal(err)
	}
	places, err := pass.BatchNormPlaces(m)
	if err != nil || !slices.Equal(places, []string{"a", "b", "g"}) {
		t.Fatalf("places %v (%v)", places, err)
	}
	moments, err := runtime.MeasureMoments(m, places, slices.Values([]map[string]*tensor.Tensor{in}), runtime.Options{})
	if err != nil {
		t.Fatal(err)
	}
	own := m.Clone()
	defer own.Close()
	if err := pass.InsertBatchNorms(own, func(v string) ([]float64, []float64) { return moments[v].Mean, moments[v].Variance }); err != nil {
		t.Fatal(err)
	}
	tr := newTrainer(t, own, runtime.TrainOptions{})
	used, err := tr.Evaluate(x)
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Forward(x); err != nil {
		t.Fatal(err)
	}
	for i, w := range want["y"].Float32s() {
		for mode, got := range map[string]float32{"used": used[0].Float32s()[i], "trained": tr.Output().Float32s()[i]} {
			if math.Abs(float64(got-w)) > 1e-4*max(1, math.Abs(float64(w))) {
				t.Errorf("%s: output %d is %v, want %v", mode, i, got, w)
			}
		}
	}
}

func TestMoments(t *testing.T) {
	m := textModel(t, "input x N,2,2\ny = Identity x\noutput y", nil)
	batch := func(v ...float32) map[string]*tensor.Tensor {
		return map[string]*tensor.Tensor{"x": tensor.FromFloat32s([]int64{int64(len(v) / 4), 2, 2}, v)}
	}
	tests := []struct {
		name           string
		batches        []map[string]*tensor.Tensor
		mean, variance []float64 // nil: an error
	}{
		{"batches of two sizes", []map[string]*tensor.Tensor{batch(1, 3, 10, 10), batch(1, 3, 10, 10, 4, 6, 10, 10)}, []float64{3, 10}, []float64{3, 0}},
		{"none", nil, nil, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := runtime.MeasureMoments(m, []string{"y"}, slices.Values(test.batches), runtime.Options{})
			if err != nil {
				if test.mean != nil {
					t.Fatal(err)
				}
				return
			}
			for c := range test.mean {
				if y := got["y"]; math.Abs(y.Mean[c]-test.mean[c]) > 1e-9 || math.Abs(y.Variance[c]-test.variance[c]) > 1e-9 {
					t.Errorf("moments %v, want %v and %v", y, test.mean, test.variance)
				}
			}
		})
	}
}

// TestTrainedAndFolded: a model without BatchNormalization is trained with it and
// comes out without.
func TestTrainedAndFolded(t *testing.T) {
	m, err := onnx.Load("../testdata/resnet8_digits.onnx")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	own, err := pass.Trainable(m)
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	if err := pass.InsertBatchNorms(own, nil); err != nil {
		t.Fatal(err)
	}
	l := learner{Trainer: newTrainer(t, own, runtime.TrainOptions{}), rule: &optim.SGD{LR: 0.01, Momentum: 0.9}}
	x := numbers(16, 1, 8, 8)
	for range 5 {
		l.step(t, loss.CrossEntropy{}, tensor.New(tensor.Int64, 16), x)
	}
	want, err := l.Evaluate(x)
	if err != nil {
		t.Fatal(err)
	}
	out := l.Export()
	defer out.Close()
	if err := pass.Run(out, pass.BatchNorms, pass.DeadCode); err != nil {
		t.Fatal(err)
	}
	if got, before := len(out.Proto.Graph.Node), len(m.Proto.Graph.Node); got != before {
		t.Errorf("%d nodes, the model had %d", got, before)
	}
	s, err := runtime.Open(out, runtime.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got, err := s.Run(map[string]*tensor.Tensor{l.Inputs()[0]: x})
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range want[0].Float32s() {
		if v := got[out.Proto.Graph.Output[0].GetName()].Float32s()[i]; math.Abs(float64(v-w)) > 1e-3*max(1, math.Abs(float64(w))) {
			t.Errorf("output %d is %v, want %v", i, v, w)
		}
	}
}
