package dataset

import (
	"path/filepath"
	"testing"

	"github.com/sbinet/npyio/npz"

	"onnxcompress/graph/tensor"
)

func TestNPZ(t *testing.T) {
	pixels := []uint8{0, 51, 102, 255, 255, 204, 153, 0}
	scaled := []float64{0, .2, .4, 1, 1, .8, .6, 0}
	rgb := []uint8{0, 51, 102, 153, 204, 255} // two pixels
	y2 := npyBytes("<i8", []int{2}, []int64{3, 1})
	f32 := tensor.Float32
	for _, c := range []struct {
		name   string
		files  map[string][]byte
		o      Options
		shape  []int64
		values []float64
		labels []int64
	}{
		{
			"train",
			map[string][]byte{
				"x_train": npyBytes("|u1", []int{2, 2, 2}, pixels), "y_train": y2,
				"x_test": npyBytes("|u1", []int{1, 2, 2}, pixels[:4]), "y_test": npyBytes("|u1", []int{1, 1}, pixels[1:2]),
			},
			Options{Inputs: port("in", f32, -1, 1, 2, 2)},
			[]int64{2, 1, 2, 2},
			scaled,
			[]int64{3, 1},
		},
		{
			"test, labels in a column",
			map[string][]byte{
				"x_train": npyBytes("|u1", []int{2, 2, 2}, pixels), "y_train": y2,
				"x_test": npyBytes("|u1", []int{1, 2, 2}, pixels[:4]), "y_test": npyBytes("|u1", []int{1, 1}, pixels[1:2]),
			},
			Options{Inputs: port("in", f32, -1, 1, 2, 2), Split: Test},
			[]int64{1, 1, 2, 2},
			scaled[:4],
			[]int64{51},
		},
		{
			"mean and std",
			map[string][]byte{"images": npyBytes("|u1", []int{2, 4}, pixels), "labels": y2},
			Options{Inputs: port("in", f32, -1, 2, 2, 1), Mean: []float64{.2}, Std: []float64{.1}},
			[]int64{2, 2, 2, 1},
			[]float64{-2, 0, 2, 8, 8, 6, 4, -2},
			[]int64{3, 1},
		},
		{
			"channels moved first, normalised each",
			map[string][]byte{"x": npyBytes("|u1", []int{1, 1, 2, 3}, rgb)},
			Options{Inputs: port("in", f32, -1, 3, -1, -1), Mean: []float64{0, .2, .4}, Std: []float64{1}},
			[]int64{1, 3, 1, 2},
			[]float64{0, .6, 0, .6, 0, .6},
			nil,
		},
		{
			"channels moved last",
			map[string][]byte{"x": npyBytes("<f4", []int{1, 3, 2, 2}, []float32{0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11})},
			Options{Inputs: port("in", f32, -1, 2, 2, 3), Mean: []float64{1, 1, 2}},
			[]int64{1, 2, 2, 3},
			[]float64{-1, 0, 0, 2, 3, 3, 5, 6, 6, 8, 9, 9},
			nil,
		},
		{
			"pixels resized and coloured",
			map[string][]byte{"x": npyBytes("|u1", []int{1, 1, 1}, []uint8{51})},
			Options{Inputs: port("in", f32, -1, 3, 1, 2)},
			[]int64{1, 3, 1, 2},
			[]float64{.2, .2, .2, .2, .2, .2},
			nil,
		},
		{
			"floats as they are",
			map[string][]byte{"in": npyBytes("<f8", []int{2, 2}, []float64{1, -2, 3, 400}), "y": y2},
			Options{Inputs: port("in", tensor.Float16, -1, 2)},
			[]int64{2, 2},
			[]float64{1, -2, 3, 400},
			[]int64{3, 1},
		},
		{
			"big-endian",
			map[string][]byte{"in": npyBytes(">i2", []int{2, 1}, []int16{0x0100, -1}), "y": y2},
			Options{Inputs: port("in", tensor.Int64, -1, 1)},
			[]int64{2, 1},
			[]float64{1, -1},
			[]int64{3, 1},
		},
		{
			"columns first",
			map[string][]byte{"in": rawNPY("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", []float32{1, 4, 2, 5, 3, 6})},
			Options{Inputs: port("in", f32, -1, 3)},
			[]int64{2, 3},
			[]float64{1, 2, 3, 4, 5, 6},
			nil,
		},
		{
			"wide integers that are pixels",
			map[string][]byte{"x": npyBytes("<i8", []int{1, 1, 2, 2}, []int64{0, 51, 102, 255})},
			Options{Inputs: port("in", f32, -1, 1, 2, 2)},
			[]int64{1, 1, 2, 2},
			scaled[:4], nil,
		},
		{
			"wide integers that are not",
			map[string][]byte{"x": npyBytes("<i8", []int{1, 2}, []int64{7, 51})},
			Options{Inputs: port("in", f32, -1, 2)},
			[]int64{1, 2},
			[]float64{7, 51},
			nil,
		},
		{
			"raw bytes for a byte input",
			map[string][]byte{"x": npyBytes("|u1", []int{1, 2, 2}, pixels[:4])},
			Options{Inputs: port("in", tensor.Uint8, -1, 2, 2, 1)},
			[]int64{1, 2, 2, 1},
			[]float64{0, 51, 102, 255},
			nil,
		},
		{
			"fixed batch of one",
			map[string][]byte{"in": npyBytes("<f4", []int{3, 2}, []float32{1, 2, 3, 4, 5, 6})},
			Options{Inputs: port("in", f32, 1, 2)},
			[]int64{3, 2},
			[]float64{1, 2, 3, 4, 5, 6},
			nil,
		},
		{
			"only array",
			map[string][]byte{"arr_0": npyBytes("<f4", []int{1, 4}, []float32{1, 2, 3, 4})},
			Options{Inputs: port("in", f32, -1, 1, 2, 2)},
			[]int64{1, 1, 2, 2},
			[]float64{1, 2, 3, 4},
			nil,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open1(t, writeNPZ(t, c.files), c.o)
			wantBatch(t, s, c.o.Inputs[0], c.shape, c.values, c.labels)
			if s.Labelled() != (c.labels != nil) {
				t.Errorf("labelled: %v", s.Labelled())
			}
		})
	}
}

func writeNPZ(t *testing.T, arrays map[string][]byte) string {
	t.Helper()
	entries := map[string][]byte{}
	for k, v := range arrays {
		entries[k+".npy"] = v
	}
	return writeZip(t, filepath.Join(t.TempDir(), "data.npz"), entries)
}

func TestWhole(t *testing.T) {
	f := tensor.Float32
	recurrent := []Port{{"input", f, []int64{-1, -1}}, {"state", f, []int64{2, -1, 2}}, {"sr", tensor.Int64, nil}}
	one := npyBytes("<f4", []int{1, 3}, []float32{1, 2, 3})
	three := npyBytes("<f4", []int{3, 1}, []float32{1, 2, 3})
	scalar := rawNPY("{'descr': '<i8', 'fortran_order': False, 'shape': (), }", []int64{16000})
	pair := []Port{{"a", f, []int64{-1, 1}}, {"b", f, []int64{-1, 1}}}
	for _, c := range []struct {
		name   string
		arrays map[string][]byte
		inputs []Port
		ask    bool
		whole  bool
		n      int
	}{
		{"arrays that cannot count", map[string][]byte{"input": one, "state": npyBytes("<f8", []int{2, 1, 2}, make([]float64, 4)), "sr": scalar}, recurrent, false, true, 1},
		{"stacked", map[string][]byte{"a": three, "b": three}, pair, false, false, 3},
		{"stacked, wanted whole", map[string][]byte{"a": three, "b": three}, pair, true, true, 1},
		{"of differing length", map[string][]byte{"a": three, "b": npyBytes("<f4", []int{1, 1}, []float32{1})}, pair, false, true, 1},
		{"fixed batch", map[string][]byte{"a": three}, port("a", f, 3, 1), false, true, 1},
		{"fixed batch, labelled", map[string][]byte{"a": three, "y": npyBytes("|u1", []int{3}, []uint8{0, 1, 2})}, port("a", f, 3, 1), false, false, 3},
		{"wanted whole, does not fit", map[string][]byte{"a": three}, port("a", f, 1, 1), true, false, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open1(t, writeNPZ(t, c.arrays), Options{Inputs: c.inputs, Whole: c.ask})
			if s.Whole() != c.whole || s.Len() != c.n {
				t.Fatalf("whole %v, length %d; want %v, %d", s.Whole(), s.Len(), c.whole, c.n)
			}
			in, _, err := s.Batch([]int{0})
			if err != nil || len(in) != len(c.inputs) {
				t.Fatalf("batch %v, %v", in, err)
			}
			for _, p := range c.inputs {
				x := in[p.Name]
				if x.DType != p.DType || len(x.Data) != x.Len()*p.DType.Size() {
					t.Errorf("input %s: %v %v, %d bytes", p.Name, x.DType, x.Shape, len(x.Data))
				}
				if c.whole && !matches(x.Shape, p.Shape) {
					t.Errorf("input %s: %v for %v", p.Name, x.Shape, p.Shape)
				}
			}
		})
	}
}

// TestWriters reads what another implementation of the format writes.
func TestWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.npz")
	err := npz.Write(path, map[string]any{
		"x_train": [][2][2]float32{{{1, 2}, {3, 4}}, {{5, 6}, {7, 8}}, {{9, 10}, {11, 12}}},
		"y_train": []int32{2, 0, 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	in := port("in", tensor.Float32, -1, 1, 2, 2)
	s := open1(t, path, Options{Inputs: in})
	wantBatch(t, s, in[0], []int64{3, 1, 2, 2}, []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, []int64{2, 0, 1})
	if !s.Divided() {
		t.Error("x_train names a part")
	}
}

func TestNPY(t *testing.T) {
	path := writeFile(t, filepath.Join(t.TempDir(), "x.npy"), npyBytes("<f2", []int{2, 1}, []uint16{0x3c00, 0xc000}))
	in := port("in", tensor.Float32, -1, 1)
	s := open1(t, path, Options{Inputs: in})
	wantBatch(t, s, in[0], []int64{2, 1}, []float64{1, -2}, nil)
}
