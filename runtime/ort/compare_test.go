package ort

import (
	"math"
	"testing"
	"time"

	"onnxcompress/graph/tensor"
)

func TestCompareTensors(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	floats := func(v ...float32) *tensor.Tensor { return tensor.FromFloat32s([]int64{int64(len(v))}, v) }
	strings := func(v ...string) *tensor.Tensor {
		s := tensor.New(tensor.String, int64(len(v)))
		for i := range v {
			s.Strings[i] = []byte(v[i])
		}
		return s
	}
	packed := func(b byte) *tensor.Tensor {
		return &tensor.Tensor{DType: 22, Shape: []int64{2}, Data: []byte{b}} // int4
	}
	cases := []struct {
		name          string
		a, b          *tensor.Tensor
		rel, mismatch float64
		nonFinite     int
	}{
		{"equal", floats(1, -2), floats(1, -2), 0, 0, 0},
		{"relative to the largest", floats(1, -4), floats(1.5, -4), 0.125, 0, 0},
		{"zero against zero", floats(0, 0), floats(0, 0), 0, 0, 0},
		{"the second's magnitude does not count", floats(1, 1), floats(1, 101), 100, 0, 0},
		{"NaN in the same place", floats(nan, 2), floats(nan, 1), 0.5, 0, 1},
		{"NaN in the first only", floats(nan, 2), floats(1, 2), math.Inf(1), 0, 1},
		{"NaN in the second only", floats(1, 2), floats(1, nan), math.Inf(1), 0, 0},
		{"the same infinity", floats(inf, 2), floats(inf, 1), 0.5, 0, 1},
		{"opposite infinities", floats(inf, 2), floats(-inf, 2), math.Inf(1), 0, 1},
		{"infinity in the second only", floats(1, 2), floats(inf, 2), math.Inf(1), 0, 0},
		{"no elements", floats(), floats(), 0, 0, 0},
		{"shapes", floats(1, 2), floats(1), math.Inf(1), 1, 0},
		{"types", floats(1), tensor.Vector(1), math.Inf(1), 1, 0},
		{"nothing", floats(1), nil, math.Inf(1), 1, 0},
		{"equal integers", tensor.Vector(1, 2, 3, 4), tensor.Vector(1, 2, 3, 4), 0, 0, 0},
		{"one integer of four", tensor.Vector(1, 2, 3, 4), tensor.Vector(1, 2, 3, 5), math.Inf(1), 0.25, 0},
		{"strings", strings("a", "b"), strings("a", "c"), math.Inf(1), 0.5, 0},
		{"equal strings", strings("a", ""), strings("a", ""), 0, 0, 0},
		{"equal below a byte", packed(0x21), packed(0x21), 0, 0, 0},
		{"below a byte", packed(0x21), packed(0x11), math.Inf(1), 1, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			want := OutputError{"y", c.rel, c.mismatch, c.nonFinite}
			if got := CompareTensors("y", c.a, c.b); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

// scaled multiplies its input by factor; its second output is 1 plus the
// input's position of the largest element, as an integer.
func scaled(t *testing.T, factor float32) *Session {
	return mustOpen(t, model(input("x", tensor.Float32, -1), initializer("w", tensor.FromFloat32s([]int64{1}, []float32{factor})),
		nodes(node("Mul", "y", nil, "x", "w"), node("ArgMax", "i", nil, "y")),
		output("y", tensor.Float32, -1), output("i", tensor.Int64, 1)), Options{Threads: 1})
}

func TestCompareKeepsTheWorstBatch(t *testing.T) {
	a, b := scaled(t, 1), scaled(t, -1)
	batches := []map[string]*tensor.Tensor{
		{"x": tensor.FromFloat32s([]int64{2}, []float32{0, 0})},
		{"x": tensor.FromFloat32s([]int64{3}, []float32{1, 4, 0})},
		{"x": tensor.FromFloat32s([]int64{1}, []float32{0})},
	}
	c, err := Compare(a, b, batches)
	if err != nil {
		t.Fatal(err)
	}
	want := []OutputError{{Name: "y", RelError: 2}, {Name: "i", RelError: math.Inf(1), Mismatch: 1}}
	if c.Batches != 3 || len(c.Outputs) != 2 || c.Outputs[0] != want[0] || c.Outputs[1] != want[1] || !math.IsInf(c.Max, 1) {
		t.Errorf("got %+v, want outputs %+v", c, want)
	}
	if c, err := Compare(a, a, batches); err != nil || c.Max != 0 {
		t.Errorf("a model against itself: %+v, %v", c, err)
	}
	if _, err := Compare(a, b, nil); err == nil {
		t.Error("no batches compare without an error")
	}
}

func TestLatency(t *testing.T) {
	in := map[string]*tensor.Tensor{"x": counting(tensor.Float32, 64)}
	o := LatencyOptions{Warmup: 1, MinRuns: 7, MaxTime: time.Nanosecond}
	s, err := Latency(scaled(t, 2), in, LatencyOptions{Warmup: 1, MinRuns: 7, MaxTime: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if s.Runs < fewestRuns || s.P10 > s.Median || s.Median > s.P90 || s.Spread != s.P90-s.P10 || s.Mean <= 0 {
		t.Errorf("statistics in no order: %+v", s)
	}
	a, b, err := LatencyPair(scaled(t, 2), scaled(t, 3), in, o)
	if err != nil || a.Runs != b.Runs || a.Runs != fewestRuns {
		t.Errorf("runs %d and %d, want %d of each: %v", a.Runs, b.Runs, fewestRuns, err)
	}
	if _, _, err := LatencyPair(scaled(t, 2), scaled(t, 3), nil, o); err == nil {
		t.Error("no inputs are timed without an error")
	}
}

func TestLatencyOfUnfixedOutputs(t *testing.T) {
	s := mustOpen(t, model(input("x", tensor.Bool, -1), nodes(node("NonZero", "y", nil, "x")), output("y", tensor.Int64, 1, -1)), Options{Threads: 1})
	for name, x := range map[string]*tensor.Tensor{"some": counting(tensor.Bool, 4), "none": tensor.New(tensor.Bool, 4)} {
		if _, err := Latency(s, map[string]*tensor.Tensor{"x": x}, LatencyOptions{Warmup: 1, MinRuns: 3, MaxTime: time.Millisecond}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStatsOf(t *testing.T) {
	var times []time.Duration
	for i := range time.Duration(11) {
		times = append(times, 11-i)
	}
	want := Stats{Median: 6, P10: 2, P90: 10, Mean: 6, Spread: 8, Runs: 11}
	if got := statsOf(times); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	want = Stats{Median: 2, P10: 1, P90: 3, Mean: 2, Spread: 2, Runs: 2}
	if got := statsOf([]time.Duration{3, 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
