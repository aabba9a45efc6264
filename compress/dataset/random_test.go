package dataset

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"onnxcompress/graph/tensor"
)

func TestRandom(t *testing.T) {
	cases := []struct {
		port   Port
		shapes map[string][]int64
		shape  []int64
		lo, hi float64
	}{
		{Port{"image", tensor.Float32, []int64{-1, 3, -1, -1}}, nil, []int64{1, 3, 64, 64}, -6, 6},
		{Port{"tokens", tensor.Int64, []int64{-1, -1}}, nil, []int64{1, 8}, 0, 9},
		{Port{"token_Type_ids", tensor.Int64, []int64{-1, 40}}, nil, []int64{1, 40}, 0, 1},
		{Port{"attention_Mask", tensor.Int32, []int64{2, -1}}, nil, []int64{2, 8}, 1, 1},
		{Port{"flags", tensor.Bool, []int64{-1}}, nil, []int64{1}, 1, 1},
		{Port{"mask", tensor.Float32, []int64{50}}, nil, []int64{50}, -6, 6},
		{Port{"half", tensor.Float16, []int64{-1, 16}}, nil, []int64{1, 16}, -6, 6},
		{Port{"brain", tensor.BFloat16, []int64{16}}, nil, []int64{16}, -6, 6},
		{Port{"double", tensor.Float64, nil}, nil, []int64{}, -6, 6},
		{Port{"pairs", tensor.Complex128, []int64{-1}}, nil, []int64{1}, 0, 0},
		{Port{"small", tensor.Float8E4M3FN, []int64{16}}, nil, []int64{16}, -6, 6},
		{Port{"nibbles", tensor.Int4, []int64{16}}, nil, []int64{16}, 0, 7},
		{Port{"crumbs", tensor.Int2, []int64{16}}, nil, []int64{16}, 0, 1},
		{Port{"bytes", tensor.Uint8, []int64{-1, -1, -1}}, nil, []int64{1, 8, 8}, 0, 9},
		{Port{"x", tensor.Float32, []int64{-1, 4}}, map[string][]int64{"x": {5, 4}}, []int64{5, 4}, -6, 6},
		{Port{"x", tensor.Float32, []int64{-1, 4}}, map[string][]int64{"x": {0, 4}}, []int64{0, 4}, 0, 0},
	}
	for _, c := range cases {
		t.Run(c.port.Name, func(t *testing.T) {
			in, err := Random([]Port{c.port}, c.shapes, rand.New(rand.NewPCG(1, 2)))
			if err != nil {
				t.Fatal(err)
			}
			got := in[c.port.Name]
			if got.DType != c.port.DType || !slices.Equal(got.Shape, c.shape) {
				t.Fatalf("got %v%v, want %v%v", got.DType, got.Shape, c.port.DType, c.shape)
			}
			values := got.AsFloat64s()
			for _, v := range values {
				if v < c.lo || v > c.hi || got.DType.IsInt() && v != math.Trunc(v) {
					t.Errorf("%v is not in %v to %v", v, c.lo, c.hi)
				}
			}
			if len(values) > 4 && c.lo != c.hi && slices.Max(values) == slices.Min(values) {
				t.Errorf("%d random values are all %v", len(values), values[0])
			}
		})
	}
}

func TestRandomSameSeed(t *testing.T) {
	ports := []Port{{"a", tensor.Float32, []int64{4, 4}}, {"s", tensor.String, []int64{2}}}
	first, err := Random(ports, nil, rand.New(rand.NewPCG(7, 7)))
	if err != nil {
		t.Fatal(err)
	}
	second, err := Random(ports, nil, rand.New(rand.NewPCG(7, 7)))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range ports {
		if !reflect.DeepEqual(first[p.Name], second[p.Name]) {
			t.Errorf("the same seed gave other values: %v", second[p.Name])
		}
	}
}

func TestRandomErrors(t *testing.T) {
	cases := []struct {
		port   Port
		shapes map[string][]int64
		want   string
	}{
		{Port{"x", tensor.Undefined, nil}, nil, "input x: it is not a tensor"},
		{Port{"x", 99, nil}, nil, "99"},
		{Port{"x", tensor.Float32, []int64{1 << 20, 1 << 20}}, nil, "too large"},
		{Port{"x", tensor.Float32, []int64{1 << 40, 1 << 40}}, nil, "2^40"},
		{Port{"x", tensor.Float32, nil}, map[string][]int64{"y": {1}}, "y, which is no input"},
		{Port{"x", tensor.Float32, nil}, map[string][]int64{"x": {-1}}, "negative"},
	}
	for _, c := range cases {
		_, err := Random([]Port{c.port}, c.shapes, rand.New(rand.NewPCG(1, 2)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v %v: error %v, want %q", c.port, c.shapes, err, c.want)
		}
	}
}
