package dataset

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"onnxcompress/graph/tensor"
	"onnxcompress/graph/tensor/npy"
)

// npyBytes is an npy file of little-endian values; values is any that
// encoding/binary writes.
func npyBytes(descr string, shape []int, values any) []byte {
	dims := strings.Trim(strings.ReplaceAll(fmt.Sprint(shape), " ", ","), "[]")
	return rawNPY(fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s,), }\n", descr, dims), values)
}

func rawNPY(head string, values any) []byte {
	var b bytes.Buffer
	b.WriteString(npy.Magic + "\x01\x00")
	b.Write(binary.LittleEndian.AppendUint16(nil, uint16(len(head))))
	b.WriteString(head)
	if err := binary.Write(&b, binary.LittleEndian, values); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func writeZip(t testing.TB, path string, entries map[string][]byte) string {
	t.Helper()
	return writeFile(t, path, zipOf(entries))
}

// zipOf holds entries in the order of their names.
func zipOf(entries map[string][]byte) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range sortedKeys(entries) {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(entries[name])
		}
		if err != nil {
			panic(err)
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func writeTree(t *testing.T, dir string, entries map[string][]byte) string {
	t.Helper()
	for name, data := range entries {
		writeFile(t, filepath.Join(dir, filepath.FromSlash(name)), data)
	}
	return dir
}

func writeFile(t testing.TB, path string, data []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func sortedKeys(m map[string][]byte) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func idxBytes(kind byte, dims []uint32, values any) []byte {
	b := []byte{0, 0, kind, byte(len(dims))}
	for _, d := range dims {
		b = binary.BigEndian.AppendUint32(b, d)
	}
	var v bytes.Buffer
	if err := binary.Write(&v, binary.BigEndian, values); err != nil {
		panic(err)
	}
	return append(b, v.Bytes()...)
}

func gzipped(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(data) // a bytes.Buffer takes all
	_ = w.Close()
	return b.Bytes()
}

// pngOf is a picture of one colour.
func pngOf(w, h int, c color.Color) []byte {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		img.Set(i%w, i/w, c)
	}
	return encoded(img)
}

func encoded(img image.Image) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func open1(t *testing.T, path string, o Options) *Set {
	t.Helper()
	s, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func port(name string, dt tensor.DType, shape ...int64) []Port {
	return []Port{{Name: name, DType: dt, Shape: shape}}
}

// wantBatch compares a batch of all samples with what it should be.
func wantBatch(t *testing.T, s *Set, p Port, shape []int64, values []float64, labels []int64) {
	t.Helper()
	in, got, err := s.Batch(upTo(s.Len()))
	if err != nil {
		t.Fatal(err)
	}
	x := in[p.Name]
	if x == nil || x.DType != p.DType || !slices.Equal(x.Shape, shape) {
		t.Fatalf("batch %v: want %v of shape %v", in, p, shape)
	}
	if v := x.AsFloat64s(); !slices.EqualFunc(v, values, near) {
		t.Errorf("values %v, want %v", v, values)
	}
	if !slices.Equal(got, labels) {
		t.Errorf("labels %v, want %v", got, labels)
	}
}

func near(a, b float64) bool { return a-b < 1e-6 && b-a < 1e-6 }
