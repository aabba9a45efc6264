package npy_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"onnxcompress/graph/tensor"
	"onnxcompress/graph/tensor/npy"
)

func TestNPZRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.npz")
	arrays := map[string]*tensor.Tensor{}
	var names []string
	for dtype := tensor.Float32; dtype <= tensor.Int2; dtype++ {
		for _, shape := range [][]int64{nil, {3}, {2, 3}, {0, 2}} {
			name := fmt.Sprintf("%v/%d of %v", dtype, len(names), shape)
			names = append(names, name)
			arrays[name] = counting(dtype, shape...)
		}
	}
	var written [][]byte
	for range 2 {
		if err := npy.WriteArchive(path, names, arrays); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		written = append(written, b)
	}
	if !bytes.Equal(written[0], written[1]) {
		t.Error("the same arrays gave other bytes")
	}
	got, order, err := npy.ReadArchive(path)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(order, names) {
		t.Errorf("order %v, want %v", order, names)
	}
	for _, name := range names {
		want, back := arrays[name], got[name]
		same := slices.Equal(want.Shape, back.Shape)
		if want.DType < tensor.BFloat16 {
			same = same && want.DType == back.DType && bytes.Equal(want.Data, back.Data) && slices.EqualFunc(want.Strings, back.Strings, bytes.Equal)
		} else {
			same = same && back.DType == wider(want.DType) && slices.Equal(want.AsFloat64s(), back.AsFloat64s())
		}
		if !same {
			t.Errorf("%s came back as %v", name, back)
		}
	}
}

// wider is the type that stands for one that numpy does not have.
func wider(dt tensor.DType) tensor.DType {
	switch dt {
	case tensor.Int4, tensor.Int2:
		return tensor.Int8
	case tensor.Uint4, tensor.Uint2:
		return tensor.Uint8
	}
	return tensor.Float32
}

// counting holds different elements.
func counting(dt tensor.DType, shape ...int64) *tensor.Tensor {
	t := tensor.New(dt, shape...)
	for i := range t.Data {
		t.Data[i] = byte(i + 1)
	}
	for i := range t.Strings {
		t.Strings[i] = []byte("é" + strings.Repeat("a", i))
	}
	return t
}

func TestWriteNPZFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.npz")
	for name, arrays := range map[string]map[string]*tensor.Tensor{
		"no array x":   {},
		"dtype(99)":    {"x": {DType: 99, Shape: []int64{2}, Data: []byte{1}}},
		"not a tensor": {"x": tensor.List(tensor.Float32)},
	} {
		err := npy.WriteArchive(path, []string{"x"}, arrays)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, want %q", err, name)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("failed writes left %v (%v)", left, err)
	}
}

// npy is an array file with the header text numpy would write.
func array(header string, data ...byte) []byte {
	b := append([]byte(npy.Magic), 1, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(header)))
	return append(append(b, header...), data...)
}

func TestReadNPY(t *testing.T) {
	version2 := append(append([]byte(npy.Magic), 2, 0, 60, 0, 0, 0), "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }  \n\x05\x06"...)
	cases := []struct {
		name   string
		file   []byte
		dtype  tensor.DType
		shape  []int64
		values []float64
	}{
		{"big-endian", array("{'descr': '>i2', 'fortran_order': False, 'shape': (2,), }", 0, 1, 1, 0), tensor.Int16, []int64{2}, []float64{1, 256}},
		{"column-major", array("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }", 1, 4, 2, 5, 3, 6), tensor.Uint8, []int64{2, 3}, []float64{1, 2, 3, 4, 5, 6}},
		{"column-major of rank 3", array("{'descr': '|i1', 'fortran_order': True, 'shape': (2, 1, 2), }", 1, 3, 2, 4), tensor.Int8, []int64{2, 1, 2}, []float64{1, 2, 3, 4}},
		{"scalar", array("{'descr': '|b1', 'fortran_order': False, 'shape': (), }", 1), tensor.Bool, nil, []float64{1}},
		{"half", array("{'descr': '<f2', 'fortran_order': False, 'shape': (1,), }", 0, 0x3c), tensor.Float16, []int64{1}, []float64{1}},
		{"version 2", version2, tensor.Uint8, []int64{2}, []float64{5, 6}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := npy.Read(bytes.NewReader(c.file), uint64(len(c.file)))
			if err != nil {
				t.Fatal(err)
			}
			if got.DType != c.dtype || !slices.Equal(got.Shape, c.shape) || !slices.Equal(got.AsFloat64s(), c.values) {
				t.Errorf("got %v%v %v", got.DType, got.Shape, got.AsFloat64s())
			}
		})
	}
}

func TestReadStrings(t *testing.T) {
	for name, file := range map[string][]byte{
		"bytes":               array("{'descr': '|S3', 'fortran_order': False, 'shape': (2,), }", 'a', 'b', 0, 'c', 0, 0),
		"unicode":             array("{'descr': '<U2', 'fortran_order': False, 'shape': (2,), }", 'a', 0, 0, 0, 'b', 0, 0, 0, 'c', 0, 0, 0, 0, 0, 0, 0),
		"big-endian unicode ": array("{'descr': '>U2', 'fortran_order': False, 'shape': (2,), }", 0, 0, 0, 'a', 0, 0, 0, 'b', 0, 0, 0, 'c', 0, 0, 0, 0),
	} {
		got, err := npy.Read(bytes.NewReader(file), uint64(len(file)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if len(got.Strings) != 2 || string(got.Strings[0]) != "ab" || string(got.Strings[1]) != "c" {
			t.Errorf("%s: got %q", name, got.Strings)
		}
	}
}

func TestReadNPYRefuses(t *testing.T) {
	cases := map[string]struct {
		file []byte
		want string
	}{
		"empty":            {nil, "EOF"},
		"text":             {[]byte("hello, this is no array"), "not a numpy array"},
		"version":          {append([]byte(npy.Magic), 9, 0, 0, 0), "version 9"},
		"long header":      {append([]byte(npy.Magic), 2, 0, 255, 255, 255, 255), "too long"},
		"cut header":       {append([]byte(npy.Magic), 1, 0, 255, 0), "EOF"},
		"objects":          {array("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"), "no plain array"},
		"records":          {array("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }"), "no plain array"},
		"dates":            {array("{'descr': '<M8', 'fortran_order': False, 'shape': (1,), }"), "M8"},
		"negative":         {array("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }"), "no plain array"},
		"overflow":         {array("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }"), "dimension"},
		"more than exists": {array("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000,), }", 1, 2, 3, 4), "4000000"},
		"huge":             {array("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000, 1000000000), }"), "2^40"},
		"less than exists": {array("{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }", 1, 2), "and there are"},
		"no length":        {array("{'descr': '|S0', 'fortran_order': False, 'shape': (1099511627776,), }"), "no length"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := npy.Read(bytes.NewReader(c.file), uint64(len(c.file)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestReadNPZRefuses(t *testing.T) {
	dir := t.TempDir()
	twice, good := filepath.Join(dir, "twice.npz"), array("{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }", 7)
	writeZip(t, twice, []string{"x.npy", "x.npy"}, good)
	other := filepath.Join(dir, "other.npz")
	writeZip(t, other, []string{"readme.txt"}, []byte("no array at all"))
	for path, want := range map[string]string{
		twice: "array x is there twice", other: "readme.txt: not a numpy array",
		filepath.Join(dir, "absent.npz"): "absent.npz",
	} {
		_, _, err := npy.ReadArchive(path)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func writeZip(t *testing.T, path string, names []string, data []byte) {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range names {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// FuzzReadNPY holds that no bytes make the reader panic or hand out a tensor
// whose data does not fit its shape.
func FuzzReadNPY(f *testing.F) {
	f.Add(array("{'descr': '>c8', 'fortran_order': True, 'shape': (1, 1), }", 1, 2, 3, 4, 5, 6, 7, 8))
	f.Add(array("{'descr': '<U1', 'fortran_order': False, 'shape': (1,), }", 1, 2, 3, 255))
	f.Fuzz(func(t *testing.T, file []byte) {
		got, err := npy.Read(bytes.NewReader(file), uint64(len(file)))
		if err != nil {
			return
		}
		n, err := tensor.Count(got.Shape)
		if err != nil {
			t.Fatal(err)
		}
		if got.DType == tensor.String && int64(len(got.Strings)) != n || got.DType != tensor.String && int64(len(got.Data)) != n*int64(got.DType.Size()) {
			t.Errorf("%v%v with %d bytes and %d strings", got.DType, got.Shape, len(got.Data), len(got.Strings))
		}
	})
}
