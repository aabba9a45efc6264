package main

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"onnxcompress/graph/tensor"
	"onnxcompress/graph/tensor/npy"
)

// labelled writes an npz of pictures of digits with labels.
func labelled(t *testing.T, shape []int64, labels ...int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data.npz")
	arrays := map[string]*tensor.Tensor{
		"x": tensor.New(tensor.Float32, shape...), "y": tensor.FromInt64s([]int64{int64(len(labels))}, labels),
	}
	if err := npy.WriteArchive(path, []string{"x", "y"}, arrays); err != nil {
		t.Fatal(err)
	}
	return path
}

// numbered are so many labels that go through so many classes.
func numbered(count, classes int) []int64 {
	list := make([]int64, count)
	for i := range list {
		list[i] = int64(i % classes)
	}
	return list
}

// pictures writes a folder of pictures for each class, of which one is no
// picture.
func pictures(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for class := range 10 {
		for i := range 12 {
			img := image.NewGray(image.Rect(0, 0, 8, 8))
			for k := range img.Pix {
				img.Pix[k] = byte(k*class + i)
			}
			var b bytes.Buffer
			if err := jpeg.Encode(&b, img, nil); err != nil {
				t.Fatal(err)
			}
			if class == 3 && i == 5 {
				b.Truncate(20)
			}
			path := filepath.Join(dir, string(rune('a'+class)), string(rune('a'+i))+".jpg")
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// idx writes pictures and fewer labels.
func idx(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, dims := range map[string][]uint32{"train-images-idx3-ubyte": {20, 8, 8}, "train-labels-idx1-ubyte": {15}} {
		b := []byte{0, 0, 8, byte(len(dims))}
		count := 1
		for _, d := range dims {
			b = binary.BigEndian.AppendUint32(b, d)
			count *= int(d)
		}
		if err := os.WriteFile(filepath.Join(dir, name), append(b, make([]byte, count)...), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestBadData: data that cannot be trained on end the run before it begins, with
// what is wrong in one line.
func TestBadData(t *testing.T) {
	needRuntime(t)
	tests := []struct {
		name string
		data func(*testing.T) string
		args []string
		want string
	}{
		{"missing", func(t *testing.T) string { return filepath.Join(t.TempDir(), "none.npz") }, nil, "none.npz"},
		{"wrong shape", func(t *testing.T) string { return labelled(t, []int64{40, 1, 5, 7}, numbered(40, 10)...) }, nil, "data.npz"},
		{"label out of range", func(t *testing.T) string { return labelled(t, []int64{44, 1, 8, 8}, numbered(44, 11)...) }, nil, "label 10"},
		{"negative label", func(t *testing.T) string { return labelled(t, []int64{3, 1, 8, 8}, 0, 1, -1) }, nil, "-1"},
		{"one class", func(t *testing.T) string { return labelled(t, []int64{40, 1, 8, 8}, numbered(40, 1)...) }, nil, "nothing can be told apart"},
		{"no samples", func(t *testing.T) string { return labelled(t, []int64{0, 1, 8, 8}) }, nil, "data.npz"},
		{"too few labels", idx, nil, "15"},
		{"corrupt picture", pictures, nil, "f.jpg"},
		{"chance", func(t *testing.T) string { return labelled(t, []int64{400, 1, 8, 8}, numbered(400, 10)...) }, nil, "chance"},
		{"rate", func(t *testing.T) string { return digits }, []string{"--lr", "-1"}, "--lr"},
		{"loss", func(t *testing.T) string { return digits }, []string{"--loss", "hinge"}, "--loss"},
		{"optimiser", func(t *testing.T) string { return digits }, []string{"--optimizer", "magic"}, "--optimizer"},
		{"no target", func(t *testing.T) string { return digits }, []string{"--method", "scl"}, "--target-sparsity"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out.onnx")
			args := append([]string{resnet, "--data", test.data(t), "--target-macs", "50%", "-o", out}, test.args...)
			code, stdout, stderr := command(args...)
			last := stderr[strings.LastIndexByte(strings.TrimSuffix(stderr, "\n"), '\n')+1:]
			if code != 2 || stdout != "" || !strings.HasPrefix(last, "compress: ") || !strings.Contains(last, test.want) {
				t.Errorf("exit %d, stdout %q, stderr %q; want %q", code, stdout, stderr, test.want)
			}
			if left, _ := os.ReadDir(filepath.Dir(out)); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// TestSkipBad: a picture that is none is named, and the training does without.
func TestSkipBad(t *testing.T) {
	needRuntime(t)
	out := filepath.Join(t.TempDir(), "out.onnx")
	code, _, stderr := command(resnet, "--data", pictures(t), "--skip-bad", "--from-scratch", "--target-macs", "50%", "--epochs", "2", "-o", out)
	if code != 0 || !strings.Contains(stderr, "f.jpg") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}
