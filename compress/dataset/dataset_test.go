package dataset

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"onnxcompress/graph/tensor"
)

// counting is a set of n samples, sample i holding i and labelled i.
func counting(t *testing.T, n int, o Options) *Set {
	t.Helper()
	v := make([]int64, n)
	for i := range v {
		v[i] = int64(i)
	}
	o.Inputs = port("x", tensor.Int64, -1, 1)
	data := map[string][]byte{"x": npyBytes("<i8", []int{n, 1}, v), "y": npyBytes("<i8", []int{n}, v)}
	return open1(t, writeNPZ(t, data), o)
}

// contents returns the samples in order, having checked each against its label.
func contents(t *testing.T, s *Set, size int) []int64 {
	t.Helper()
	var all []int64
	for b, err := range s.Batches(size) {
		if err != nil {
			t.Fatal(err)
		}
		if x := b.Inputs["x"]; !slices.Equal(x.Int64s(), b.Labels) || len(b.Labels) > size {
			t.Fatalf("batch %v of at most %d with labels %v", x.Int64s(), size, b.Labels)
		}
		all = append(all, b.Labels...)
	}
	if len(all) != s.Len() {
		t.Fatalf("batches hold %d samples of %d", len(all), s.Len())
	}
	return all
}

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		n, held int
		share   float64
	}{{100, 5, .05}, {10, 1, .01}, {10, 9, .999}, {2, 1, .05}, {1, 0, .5}, {10, 0, 0}, {10, 10, 1}, {10, 10, 7}} {
		s := counting(t, c.n, Options{Seed: 3})
		held, rest := s.Split(c.share)
		a, b := contents(t, held, 4), contents(t, rest, 4)
		if len(a) != c.held || !slices.IsSorted(a) {
			t.Errorf("held %v of %d at %v: want %d in order", a, c.n, c.share, c.held)
		}
		both := slices.Sorted(slices.Values(slices.Concat(a, b)))
		if !slices.Equal(both, contents(t, s, 7)) {
			t.Errorf("%v and %v are not the set", a, b)
		}
	}
}

func TestSeed(t *testing.T) {
	draw := func(seed int64) []int64 {
		return contents(t, counting(t, 1000, Options{NumSamples: 10, Seed: seed}), 10)
	}
	a := draw(1)
	if len(a) != 10 || !slices.Equal(a, draw(1)) {
		t.Errorf("drew %v and %v by one seed", a, draw(1))
	}
	if slices.Equal(a, draw(2)) {
		t.Errorf("drew %v by two seeds", a)
	}
	if n := counting(t, 5, Options{NumSamples: 10}).Len(); n != 5 {
		t.Errorf("%d samples of 5", n)
	}
}

func TestBatchRefuses(t *testing.T) {
	s := counting(t, 3, Options{})
	for _, idx := range [][]int{nil, {3}, {0, -1}} {
		if _, _, err := s.Batch(idx); err == nil {
			t.Errorf("batch %v of 3 samples", idx)
		}
	}
	one := open1(t, writeNPZ(t, map[string][]byte{"x": npyBytes("<i8", []int{2}, []int64{1, 2})}), Options{Inputs: port("x", tensor.Int64, 2)})
	if _, _, err := one.Batch([]int{0, 0}); err == nil || !one.Whole() {
		t.Error("batch of two of a set that is one batch")
	}
}

func TestEncode(t *testing.T) {
	for _, c := range []struct {
		dtype tensor.DType
		in    []float64
		out   []float64 // nil: refused
	}{
		{tensor.Float64, []float64{1.1}, []float64{1.1}},
		{tensor.BFloat16, []float64{1, 1 + 1.0/256, 1 + 3.0/256, -2}, []float64{1, 1, 1 + 1.0/64, -2}},
		{tensor.Float16, []float64{.5, 65504}, []float64{.5, 65504}},
		{tensor.Bool, []float64{0, 1}, []float64{0, 1}},
		{tensor.Bool, []float64{2}, nil},
		{tensor.Int8, []float64{-128, 127}, []float64{-128, 127}},
		{tensor.Int8, []float64{128}, nil},
		{tensor.Uint16, []float64{65535}, []float64{65535}},
		{tensor.Uint32, []float64{-1}, nil},
		{tensor.Uint64, []float64{1 << 63}, []float64{1 << 63}},
		{tensor.Int64, []float64{-1 << 63}, []float64{-1 << 63}},
		{tensor.Int64, []float64{1 << 63}, nil},
		{tensor.Int32, []float64{.5}, nil},
	} {
		e, err := newEncoder(Port{"x", c.dtype, []int64{-1, 1}}, Options{}, frame{}, 1)
		if err != nil {
			t.Fatal(err)
		}
		data, err := e.append(nil, c.in)
		if err != nil || c.out == nil {
			if (err == nil) != (c.out != nil) {
				t.Errorf("%v of %v: %v, %v", c.dtype, c.in, data, err)
			}
			continue
		}
		got := &tensor.Tensor{DType: c.dtype, Shape: []int64{int64(len(c.in))}, Data: data}
		if !slices.Equal(got.AsFloat64s(), c.out) {
			t.Errorf("%v of %v: %v, want %v", c.dtype, c.in, got.AsFloat64s(), c.out)
		}
	}
}

// TestPublic counts what lies in the data sets that are not shipped.
func TestPublic(t *testing.T) {
	thousand := slices.Repeat([]int{1000}, 10)
	for _, c := range []struct {
		path      string
		shape     []int64
		split     Split
		histogram []int
	}{
		{"digits.npz", []int64{-1, 1, 8, 8}, Train, []int{149, 144, 144, 143, 148, 143, 149, 137, 133, 147}},
		{"digits.npz", []int64{-1, 1, 8, 8}, Test, []int{29, 38, 33, 40, 33, 39, 32, 42, 41, 33}},
		{"fashion-mnist", []int64{-1, 1, 28, 28}, Train, slices.Repeat([]int{6000}, 10)},
		{"fashion-mnist", []int64{-1, 1, 28, 28}, Test, thousand},
		{"cifar10-images.zip", []int64{-1, 3, 32, 32}, Train, slices.Repeat([]int{5000}, 10)},
		{"cifar10-images.zip", []int64{-1, 3, 32, 32}, Test, thousand},
	} {
		t.Run(c.path+" "+c.split.String(), func(t *testing.T) {
			path := filepath.Join("..", "..", "..", "shared", "data", c.path)
			if _, err := os.Stat(path); err != nil {
				t.Skipf("needs %s beside the repository: %v", path, err)
			}
			s := open1(t, path, Options{Inputs: port("x", tensor.Float32, c.shape...), Split: c.split})
			got := make([]int, len(c.histogram))
			for _, i := range s.index {
				got[s.source.truth().label[i]]++
			}
			if !slices.Equal(got, c.histogram) || !s.Divided() {
				t.Errorf("samples by class %v, want %v", got, c.histogram)
			}
			in, labels, err := s.Batch([]int{0, s.Len() - 1})
			if err != nil || len(labels) != 2 {
				t.Fatalf("labels %v, %v", labels, err)
			}
			v := in["x"].Float32s()
			if low, high := slices.Min(v), slices.Max(v); low < 0 || high > 1 || high < .5 {
				t.Errorf("pixels from %v to %v", low, high)
			}
		})
	}
}

func contentOf(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestBytes holds that bytes are encoded as their values are.
func TestBytes(t *testing.T) {
	for _, dt := range []tensor.DType{tensor.Float32, tensor.Float64, tensor.Float16, tensor.BFloat16, tensor.Uint8, tensor.Int64} {
		for _, shape := range [][]int64{{-1, 3, 16, 16}, {-1, 16, 16, 3}, {-1, 1, 16, 48}} {
			o := Options{Inputs: port("x", dt, shape...), Mean: []float64{.485, .456, .406}, Std: []float64{.229, .224, .225}}
			f, _ := o.frameOf(o.Inputs[0])
			if f.channels == 1 {
				o.Mean, o.Std = o.Mean[:1], o.Std[:1]
			}
			e, err := newEncoder(o.Inputs[0], o, f, 255)
			if err != nil {
				t.Fatal(err)
			}
			pix, row := make([]uint8, 3*256), make([]float64, 3*256)
			for i := range pix {
				pix[i], row[i] = uint8(i*7), float64(uint8(i*7))
			}
			want, err := e.append([]byte{1}, row)
			got, wrong := e.appendBytes([]byte{1}, pix)
			if err != nil || wrong != nil || !slices.Equal(got, want) {
				t.Errorf("%v of %v: bytes become something else: %v, %v", dt, shape, err, wrong)
			}
		}
	}
}
