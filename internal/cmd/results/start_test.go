package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"testing"

	"onnxcompress/internal/modeltext"
	"onnxcompress/onnx"
)

func pack(t *testing.T, path string, content []byte) {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, packed.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
}

func unpack(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestFirstImages(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "part")
	pack(t, filepath.Join(from, "train-labels-idx1-ubyte.gz"), []byte{0, 0, 8, 1, 0, 0, 0, 4, 1, 2, 3, 4})
	pack(t, filepath.Join(from, "t10k-images-idx3-ubyte.gz"), []byte{0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6})
	if err := (file{path: to, make: firstImages(from, 3, 2)}).ensure(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]byte{
		"train-labels-idx1-ubyte.gz": {0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3},
		"t10k-images-idx3-ubyte.gz":  {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4},
	} {
		if got := unpack(t, filepath.Join(to, name)); !bytes.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if err := firstImages(from, 5, 2)(filepath.Join(t.TempDir(), "part")); err == nil {
		t.Error("takes more images than there are")
	}
}

func TestFree(t *testing.T) {
	p, err := modeltext.Parse("input x N,3,8,8\ny = Relu x\noutput y", 17, 0)
	if err != nil {
		t.Fatal(err)
	}
	free(p.GetGraph())
	dims := p.GetGraph().GetInput()[0].GetType().GetTensorType().GetShape().GetDim()
	if dims[1].GetDimValue() != 3 || dims[2].GetDimParam() == "" || dims[2].GetDimParam() == dims[3].GetDimParam() {
		t.Errorf("%v", dims)
	}
}

func TestLeNet300(t *testing.T) {
	path := filepath.Join(t.TempDir(), "start", "a.onnx")
	if err := (file{path: path, make: lenet300(1)}).ensure(); err != nil {
		t.Fatal(err)
	}
	m, err := onnx.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	weights := int64(0)
	for _, w := range m.Proto.GetGraph().GetInitializer() {
		if d := w.GetDims(); len(d) == 2 {
			weights += d[0] * d[1]
		}
	}
	if want := int64(784*300 + 300*100 + 100*10); weights != want {
		t.Errorf("%d weights, want %d", weights, want)
	}
}

// TestSuites holds both forms to what a page relies on.
func TestSuites(t *testing.T) {
	shared := filepath.Join("..", "..", "..", "..", "shared")
	if _, err := os.Stat(filepath.Join(shared, "models")); err != nil {
		t.Skip(err)
	}
	for _, quick := range []bool{false, true} {
		s, err := newSuite(shared, quick)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.check(); err != nil {
			t.Errorf("quick %v: %v", quick, err)
		}
		there := map[int]bool{}
		for _, e := range s.experiments {
			there[e.section] = true
			if e.seeds < 1 || e.folder == "" {
				t.Errorf("quick %v: %+v", quick, e)
			}
		}
		for section := 1; section <= 5; section++ {
			if !there[section] {
				t.Errorf("quick %v: section %d is empty", quick, section)
			}
		}
	}
}
