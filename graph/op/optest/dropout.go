package optest

import (
	"math"
	"testing"

	"onnxcompress/graph/op"
	"onnxcompress/graph/tensor"
	"onnxcompress/runtime/kernel"
)

// Dropout holds the routine of Dropout in training to its promise: a share of
// the elements is zero, the rest is scaled, and the gradient is treated alike.
func Dropout(t *testing.T, ratio float32) {
	t.Helper()
	const n = 100_000
	x, dy := Random(1, n), Random(2, n)
	f := op.Of(tensor.Float32, n)
	share := tensor.FromFloat32s(nil, []float32{ratio})
	known := op.Of(tensor.Float32)
	known.Value = share
	node := &op.Node{Type: "Dropout", Version: 13, In: []*op.Fact{&f, &known}, Out: []*op.Fact{&f}, Outputs: 1, Train: true}
	r, err := op.Lookup("", "Dropout").Compile(node)
	if err != nil || r == nil {
		t.Fatalf("made no routine: %v", err)
	}
	pool := kernel.NewPool(2)
	defer pool.Close()
	y, dx := tensor.New(tensor.Float32, n), tensor.New(tensor.Float32, n)
	frame := &op.Frame{
		Pool: pool, In: []*tensor.Tensor{x, share}, Out: []*tensor.Tensor{y},
		DIn: []*tensor.Tensor{dx, nil}, DOut: []*tensor.Tensor{dy}, Seed: 7,
	}
	r.Forward(frame)
	r.Backward(frame)
	dropped, scale := 0, 1/(1-ratio)
	for i, v := range y.Float32s() {
		want, slope := scale*x.Float32s()[i], scale*dy.Float32s()[i]
		if v == 0 {
			want, slope = 0, 0
			dropped++
		}
		if v != want || dx.Float32s()[i] != slope {
			t.Fatalf("element %d is %g with gradient %g, not %g with %g", i, v, dx.Float32s()[i], want, slope)
		}
	}
	if got := float64(dropped) / n; math.Abs(got-float64(ratio)) > 0.01 {
		t.Errorf("%.3f of the elements are dropped, not %.3f", got, ratio)
	}
}
