package loss

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"onnxcompress/graph/tensor"
)

// recorded is one line of what testdata/record.py writes: a loss, its
// arguments, and what PyTorch makes of them in float64.
type recorded struct {
	Kind    string
	Options json.RawMessage
	Shape   []int64
	Pred    []float32
	Class   []int64
	Share   []float32
	Value   float64
	Grad    []float64
}

func (r recorded) loss(t *testing.T) Loss {
	t.Helper()
	decode := func(v any) {
		if err := json.Unmarshal(r.Options, v); err != nil {
			t.Fatal(err)
		}
	}
	switch r.Kind {
	case "CrossEntropy":
		var l CrossEntropy
		decode(&l)
		return l
	case "Distill":
		var l Distill
		decode(&l)
		return l
	case "MSE":
		return MSE{}
	case "L1":
		return L1{}
	case "BCE":
		return BCE{}
	}
	t.Fatalf("unknown loss %s", r.Kind)
	return nil
}

func (r recorded) target() *tensor.Tensor {
	if r.Class == nil {
		return tensor.FromFloat32s(r.Shape, r.Share)
	}
	shape := append([]int64{r.Shape[0]}, r.Shape[2:]...)
	return tensor.FromInt64s(shape, r.Class)
}

// near is equality but for a share of want, or of 1 where want is less.
func near(got, want, share float64) bool {
	return math.Abs(got-want) <= share*max(1, math.Abs(want))
}

// TestRecorded holds values and gradients to PyTorch's; with a gradient or
// without, the value is the same.
func TestRecorded(t *testing.T) {
	text, err := os.ReadFile("testdata/recorded.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []recorded
	if err := json.Unmarshal(text, &all); err != nil || len(all) == 0 {
		t.Fatalf("%d cases, %v", len(all), err)
	}
	for _, r := range all {
		pred, grad := tensor.FromFloat32s(r.Shape, r.Pred), make([]float32, len(r.Pred))
		for i := range grad {
			grad[i] = 7 // whatever was there is overwritten
		}
		got, err := r.loss(t).Value(pred, r.target(), grad)
		if err != nil || !near(got, r.Value, 1e-7) {
			t.Errorf("%s %s of %v: %.9g, %v; want %.9g", r.Kind, r.Options, r.Shape, got, err, r.Value)
		}
		for i, want := range r.Grad {
			if !near(float64(grad[i]), want, 1e-6) {
				t.Errorf("%s %s of %v: gradient %d is %.6g, want %.6g", r.Kind, r.Options, r.Shape, i, grad[i], want)
			}
		}
		if alone, err := r.loss(t).Value(pred, r.target(), nil); err != nil || alone != got {
			t.Errorf("%s %s of %v: %v without a gradient, %v; want %v", r.Kind, r.Options, r.Shape, alone, err, got)
		}
	}
}
