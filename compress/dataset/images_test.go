package dataset

import (
	"image"
	"image/color"
	"path/filepath"
	"sync"
	"testing"

	"onnxcompress/graph/tensor"
)

var (
	red   = color.NRGBA{255, 0, 0, 255}
	blue  = color.NRGBA{0, 0, 255, 255}
	grey5 = color.NRGBA{51, 51, 51, 255}
)

func TestImages(t *testing.T) {
	colour := port("x", tensor.Float32, -1, 3, 1, 1)
	classes := map[string][]byte{
		"dog/b.png": pngOf(1, 1, red), "cat/z.PNG": pngOf(1, 1, blue), "cat/deep/a.png": pngOf(1, 1, grey5),
		"dog/notes.txt": []byte("none"), ".hidden/c.png": pngOf(1, 1, red), "dog/._b.png": []byte("none"),
	}
	parts := map[string][]byte{
		"set/train/a/1.png": pngOf(1, 1, red), "set/train/b/1.png": pngOf(1, 1, blue),
		"set/val/b/2.png": pngOf(1, 1, grey5),
	}
	for _, c := range []struct {
		name    string
		files   map[string][]byte
		o       Options
		values  []float64
		labels  []int64
		divided bool
	}{
		{"classes", classes, Options{Inputs: colour}, []float64{.2, .2, .2, 0, 0, 1, 1, 0, 0}, []int64{0, 0, 1}, false},
		{"flat", map[string][]byte{"b.png": pngOf(1, 1, red), "a.png": pngOf(1, 1, blue)}, Options{Inputs: colour}, []float64{0, 0, 1, 1, 0, 0}, nil, false},
		{"train part", parts, Options{Inputs: colour}, []float64{1, 0, 0, 0, 0, 1}, []int64{0, 1}, true},
		{"a class that the test part lacks", parts, Options{Inputs: colour, Split: Test}, []float64{.2, .2, .2}, []int64{1}, true},
		{
			"a class named as a part",
			map[string][]byte{"bus/1.png": pngOf(1, 1, red), "train/1.png": pngOf(1, 1, blue)},
			Options{Inputs: colour},
			[]float64{1, 0, 0, 0, 0, 1},
			[]int64{0, 1},
			false,
		},
		{"a single class", map[string][]byte{"bus/1.png": pngOf(1, 1, red)}, Options{Inputs: colour}, []float64{1, 0, 0}, []int64{0}, false},
		{
			"normalised",
			map[string][]byte{"1.png": pngOf(1, 1, grey5)},
			Options{Inputs: colour, Mean: []float64{0, .1, .2}, Std: []float64{1, .5, 1}},
			[]float64{.2, .2, 0},
			nil, false,
		},
		{"transparent", map[string][]byte{"1.png": pngOf(1, 1, color.NRGBA{51, 102, 255, 0})}, Options{Inputs: colour}, []float64{.2, .4, 1}, nil, false},
		{
			"resized",
			map[string][]byte{"1.png": pngOf(5, 7, red), "2.png": pngOf(2, 1, blue)},
			Options{Inputs: colour},
			[]float64{1, 0, 0, 0, 0, 1},
			nil, false,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := writeTree(t, t.TempDir(), c.files)
			archive := writeZip(t, filepath.Join(t.TempDir(), "images.zip"), c.files)
			for _, path := range []string{dir, archive} {
				s := open1(t, path, c.o)
				wantBatch(t, s, c.o.Inputs[0], []int64{int64(len(c.values) / 3), 3, 1, 1}, c.values, c.labels)
				if s.Divided() != c.divided {
					t.Errorf("divided: %v", s.Divided())
				}
			}
		})
	}
}

func TestImageLayout(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 2, 1))
	img.Set(0, 0, color.NRGBA{10, 20, 30, 255})
	img.Set(1, 0, color.NRGBA{40, 50, 60, 255})
	dir := writeTree(t, t.TempDir(), map[string][]byte{"1.png": encoded(img)})
	for _, c := range []struct {
		port   Port
		shape  []int64
		values []float64
	}{
		{Port{"x", tensor.Uint8, []int64{-1, 3, -1, -1}}, []int64{1, 3, 1, 2}, []float64{10, 40, 20, 50, 30, 60}},
		{Port{"x", tensor.Uint8, []int64{-1, -1, -1, -1}}, []int64{1, 3, 1, 2}, []float64{10, 40, 20, 50, 30, 60}},
		{Port{"x", tensor.Uint8, []int64{1, 2, 2, 3}}, []int64{1, 2, 2, 3}, []float64{10, 20, 30, 40, 50, 60, 10, 20, 30, 40, 50, 60}},
		{Port{"x", tensor.Int32, []int64{-1, -1, -1, 3}}, []int64{1, 1, 2, 3}, []float64{10, 20, 30, 40, 50, 60}},
		{Port{"x", tensor.Uint8, []int64{-1, 3, 1, 1}}, []int64{1, 3, 1, 1}, []float64{25, 35, 45}},
		{Port{"x", tensor.Uint8, []int64{-1, 1, -1, -1}}, []int64{1, 1, 1, 2}, []float64{18, 48}},
		{Port{"x", tensor.Uint8, []int64{-1, -1, -1}}, []int64{1, 1, 2}, []float64{18, 48}},
	} {
		t.Run(c.port.String(), func(t *testing.T) {
			s := open1(t, dir, Options{Inputs: []Port{c.port}})
			wantBatch(t, s, c.port, c.shape, c.values, nil)
		})
	}
}

func TestConcurrent(t *testing.T) {
	path := writeZip(t, filepath.Join(t.TempDir(), "images.zip"), map[string][]byte{"1.png": pngOf(1, 1, red), "2.png": pngOf(1, 1, blue)})
	s := open1(t, path, Options{Inputs: port("x", tensor.Float32, -1, 3, 1, 1)})
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			in, _, err := s.Batch([]int{i % 2})
			if err != nil {
				t.Error(err)
				return
			}
			if v := in["x"].Float32s(); v[0] != float32(1-i%2) || v[2] != float32(i%2) {
				t.Errorf("image %d is %v", i%2, v)
			}
		})
	}
	group.Wait()
}

func TestIDX(t *testing.T) {
	images := idxBytes(8, []uint32{2, 1, 2}, []uint8{0, 51, 102, 255})
	labels := idxBytes(8, []uint32{2}, []uint8{7, 1})
	test := idxBytes(8, []uint32{1, 1, 2}, []uint8{255, 0})
	for _, c := range []struct {
		name    string
		files   map[string][]byte
		split   Split
		values  []float64
		labels  []int64
		divided bool
	}{
		{
			"train",
			map[string][]byte{
				"train-images-idx3-ubyte.gz": gzipped(images), "train-labels-idx1-ubyte.gz": gzipped(labels),
				"t10k-images-idx3-ubyte": test, "readme.txt": nil,
			},
			Train,
			[]float64{0, .2, .4, 1},
			[]int64{7, 1},
			true,
		},
		{
			"test without labels",
			map[string][]byte{"train-images-idx3-ubyte": images, "t10k-images.idx3-ubyte": test},
			Test,
			[]float64{1, 0},
			nil, true,
		},
		{
			"undivided, packed and plain",
			map[string][]byte{
				"images-idx3-ubyte": images, "images-idx3-ubyte.gz": gzipped(images), "labels-idx1-ubyte": labels,
			},
			Test,
			[]float64{0, .2, .4, 1},
			[]int64{7, 1},
			false,
		},
		{
			"wide labels",
			map[string][]byte{"images-idx3-ubyte": images, "labels-idx1-ubyte": idxBytes(0x0c, []uint32{2}, []int32{1 << 20, 2})},
			Train,
			[]float64{0, .2, .4, 1},
			[]int64{1 << 20, 2},
			false,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := writeTree(t, t.TempDir(), c.files)
			in := port("x", tensor.Float32, -1, 1, 1, 2)
			s := open1(t, dir, Options{Inputs: in, Split: c.split})
			wantBatch(t, s, in[0], []int64{int64(len(c.values) / 2), 1, 1, 2}, c.values, c.labels)
			if s.Divided() != c.divided {
				t.Errorf("divided: %v", s.Divided())
			}
		})
	}
}
