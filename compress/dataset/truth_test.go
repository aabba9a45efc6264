package dataset

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"onnxcompress/graph/tensor"
)

func TestTruth(t *testing.T) {
	x := npyBytes("<f4", []int{2, 1}, []float32{1, 2})
	in := port("x", tensor.Float32, -1, 1)
	for _, c := range []struct {
		name    string
		key     string
		y       []byte
		o       Options
		labels  []int64
		classes int
		targets []float32
		shape   []int64
	}{
		{"numbers", "y", npyBytes("|u1", []int{2}, []uint8{4, 1}), Options{Inputs: in}, []int64{4, 1}, 5, nil, nil},
		{"a column", "labels", npyBytes("<i8", []int{2, 1}, []int64{4, 1}), Options{Inputs: in}, []int64{4, 1}, 5, nil, nil},
		{"whole floats", "y", npyBytes("<f4", []int{2}, []float32{4, 1}), Options{Inputs: in}, []int64{4, 1}, 5, nil, nil},
		{"whole floats that are targets", "y", npyBytes("<f4", []int{2}, []float32{4, 1}), Options{Inputs: in, Regression: true}, nil, 0, []float32{4, 1}, []int64{2}},
		{"one-hot", "y", npyBytes("<f8", []int{2, 3}, []float64{0, 0, 1, 0, 1, 0}), Options{Inputs: in}, []int64{2, 1}, 3, nil, nil},
		{"one-hot of booleans", "y", npyBytes("|b1", []int{2, 1, 2}, []bool{true, false, false, true}), Options{Inputs: in}, []int64{0, 1}, 2, nil, nil},
		{"several ones", "y", npyBytes("|u1", []int{2, 2}, []uint8{1, 1, 0, 1}), Options{Inputs: in}, nil, 0, []float32{1, 1, 0, 1}, []int64{2, 2}},
		{"floats", "target", npyBytes("<f4", []int{2}, []float32{.5, 1}), Options{Inputs: in}, nil, 0, []float32{.5, 1}, []int64{2}},
		{"pictures", "targets", npyBytes("|u1", []int{2, 1, 2, 1}, []uint8{1, 2, 3, 4}), Options{Inputs: in}, nil, 0, []float32{1, 2, 3, 4}, []int64{2, 1, 2, 1}},
		{"by the output's name", "out", npyBytes("<f4", []int{2, 1}, []float32{.5, 1}), Options{Inputs: in, Outputs: []string{"out"}}, nil, 0, []float32{.5, 1}, []int64{2, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open1(t, writeNPZ(t, map[string][]byte{"x": x, c.key: c.y}), c.o)
			b, err := s.Read([]int{0, 1})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(b.Labels, c.labels) || s.Classes() != c.classes || s.Labelled() != (c.labels != nil) {
				t.Errorf("labels %v of %d classes", b.Labels, s.Classes())
			}
			if (b.Targets == nil) != (c.targets == nil) {
				t.Fatalf("targets %v", b.Targets)
			}
			if b.Targets != nil && (!slices.Equal(b.Targets.Float32s(), c.targets) || !slices.Equal(b.Targets.Shape, c.shape)) {
				t.Errorf("targets %v of %v", b.Targets.Float32s(), b.Targets.Shape)
			}
		})
	}
}

func TestCheckLabels(t *testing.T) {
	x := npyBytes("<f4", []int{2, 1}, []float32{1, 2})
	for _, c := range []struct {
		name string
		y    []byte
		want string // empty: accepted
	}{
		{"good", npyBytes("|u1", []int{2}, []uint8{2, 1}), ""},
		{"too large", npyBytes("|u1", []int{2}, []uint8{1, 3}), "array y: label 3 of sample 1: the model has 3 classes"},
		{"one class", npyBytes("|u1", []int{2}, []uint8{2, 2}), "array y: every sample has the label 2"},
		{"targets", npyBytes("<f4", []int{2}, []float32{.5, 1}), "targets of shape [2] are no class numbers"},
		{"none", nil, "the samples have no labels"},
	} {
		arrays := map[string][]byte{"x": x, "y": c.y}
		if c.y == nil {
			delete(arrays, "y")
		}
		s := open1(t, writeNPZ(t, arrays), Options{Inputs: port("x", tensor.Float32, -1, 1)})
		err := s.CheckLabels(3)
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), s.path)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	dir := writeTree(t, t.TempDir(), map[string][]byte{"a/1.png": pngOf(1, 1, red), "b/1.png": pngOf(1, 1, red)})
	s := open1(t, dir, Options{Inputs: port("x", tensor.Float32, -1, 3, 1, 1)})
	if err := s.CheckLabels(2); err != nil || s.Classes() != 2 {
		t.Errorf("%d classes, %v", s.Classes(), err)
	}
	none, _ := s.Split(0)
	if err := none.CheckLabels(2); err == nil || !strings.Contains(err.Error(), "holds no samples") {
		t.Error(err)
	}
	images := idxBytes(8, []uint32{2, 1}, []uint8{1, 2})
	for n, labels := range map[int][]uint8{1: {0}, 3: {0, 1, 2}} {
		dir := writeTree(t, t.TempDir(), map[string][]byte{"train-images-idx3-ubyte": images, "train-labels-idx1-ubyte": idxBytes(8, []uint32{uint32(n)}, labels)})
		wantRefusal(t, dir, Options{Inputs: port("x", tensor.Float32, -1, 1)}, "train-labels-idx1-ubyte: 2 samples, but")
	}
	wantRefusal(t, writeFile(t, filepath.Join(t.TempDir(), "data_batch_1.bin"), cifarBytes(1, 3, 10)), Options{Inputs: port("x", tensor.Float32, -1, 3, 32, 32)}, "label 10 of record 1: there are 10 classes")
}
