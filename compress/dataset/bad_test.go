package dataset

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"path/filepath"
	"strings"
	"testing"

	"onnxcompress/graph/tensor"
	"onnxcompress/graph/tensor/npy"
)

func TestBadArrays(t *testing.T) {
	one := npyBytes("<f4", []int{1, 2}, []float32{1, 2})
	in := port("x", tensor.Float32, -1, 2)
	two := append(port("x", tensor.Float32, -1, 2), port("mask", tensor.Int64, -1, 2)...)
	for _, c := range []struct {
		name, want string
		arrays     map[string][]byte
		o          Options
	}{
		{"missing array", "no array for mask", map[string][]byte{"x": one}, Options{Inputs: two}},
		{"unknown arrays", "its arrays are p, q", map[string][]byte{"p": one, "q": one}, Options{Inputs: in}},
		{"no such part", "has no test samples", map[string][]byte{"x_train": one}, Options{Inputs: in, Split: Test}},
		{"label count", "1 samples, but 2 labels", map[string][]byte{"x": one, "y": npyBytes("|u1", []int{2}, []uint8{1, 2})}, Options{Inputs: in}},
		{"label shape", "want one per sample", map[string][]byte{"x": one, "y": npyBytes("|u1", []int{1, 0}, []uint8{})}, Options{Inputs: in}},
		{"targets too few", "2 samples, but 1 labels", map[string][]byte{"x": npyBytes("<f4", []int{2, 2}, []float32{1, 2, 3, 4}), "y": npyBytes("<f4", []int{1, 2}, []float32{.5, 1})}, Options{Inputs: in}},
		{"negative label", "want a class number", map[string][]byte{"x": one, "y": npyBytes("|i1", []int{1}, []int8{-1})}, Options{Inputs: in}},
		{"differing counts", "but 2 of mask", map[string][]byte{"x": one, "mask": npyBytes("<i8", []int{2, 2}, make([]int64, 4)), "y": npyBytes("|u1", []int{1}, []uint8{1})}, Options{Inputs: two}},
		{"wrong shape", "do not fit input", map[string][]byte{"x": one}, Options{Inputs: port("x", tensor.Float32, -1, 3)}},
		{"wrong channels", "do not fit input", map[string][]byte{"x": npyBytes("|u1", []int{1, 2, 2, 2}, make([]uint8, 8))}, Options{Inputs: port("x", tensor.Float32, -1, 3, 2, 2)}},
		{"no samples", "holds no samples", map[string][]byte{"x": npyBytes("<f4", []int{0, 2}, []float32{})}, Options{Inputs: in}},
		{"no elements", "holds no samples", map[string][]byte{"x": npyBytes("<f4", []int{2, 0, 1 << 40, 3}, []float32{})}, Options{Inputs: port("x", tensor.Float32, -1, 3, -1, -1)}},
		{"scalar", "is a scalar", map[string][]byte{"x": rawNPY("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", []float32{1})}, Options{Inputs: in}},
		{"mean per channel", "mean has 3 values for 1 channels", map[string][]byte{"x": npyBytes("|u1", []int{1, 1, 2}, []uint8{1, 2})}, Options{Inputs: port("x", tensor.Float32, -1, 1, 1, 2), Mean: []float64{1, 2, 3}}},
		{"zero std", "zero", map[string][]byte{"x": one}, Options{Inputs: in, Std: []float64{0}}},
		{"mean for integers", "fit no input", map[string][]byte{"x": one}, Options{Inputs: port("x", tensor.Int64, -1, 2), Mean: []float64{1}}},
		{"no inputs", "no input", map[string][]byte{"x": one}, Options{}},
		{"objects", "no plain array", map[string][]byte{"x": npyBytes("|O", []int{1}, []byte{0})}, Options{Inputs: in}},
		{"structured", "no plain array", map[string][]byte{"x": rawNPY("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", []float32{1})}, Options{Inputs: in}},
		{"empty type", "no plain array", map[string][]byte{"x": npyBytes("", []int{1}, []byte{0})}, Options{Inputs: in}},
		{"magic", "not a numpy array", map[string][]byte{"x": []byte("nonsense of some length")}, Options{Inputs: in}},
		{"version", "too long", map[string][]byte{"x": []byte(npy.Magic + "\x02\x00\xff\xff\xff\xff")}, Options{Inputs: in}},
		{"header cut", "EOF", map[string][]byte{"x": one[:20]}, Options{Inputs: in}},
		{"data cut", "there are", map[string][]byte{"x": one[:len(one)-4]}, Options{Inputs: in}},
		{"data left", "there are", map[string][]byte{"x": append(bytes.Clone(one), 0)}, Options{Inputs: in}},
		{"huge", "more than", map[string][]byte{"x": npyBytes("<f4", []int{1 << 39, 1 << 39}, []float32{})}, Options{Inputs: in}},
		{"large", "there are", map[string][]byte{"x": npyBytes("<f4", []int{1 << 33}, []float32{})}, Options{Inputs: in}},
		{"negative", "no plain array", map[string][]byte{"x": npyBytes("<f4", []int{-1, -2}, []float32{1, 2})}, Options{Inputs: in}},
		{"string input", "no data can be read", map[string][]byte{"x": one}, Options{Inputs: port("x", tensor.String, -1, 2)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantRefusal(t, writeNPZ(t, c.arrays), c.o, c.want)
		})
	}
}

func wantRefusal(t *testing.T, path string, o Options, want string) {
	t.Helper()
	_, err := Open(path, o)
	if err == nil {
		t.Fatalf("opened; want an error with %q", want)
	}
	if msg := err.Error(); !strings.Contains(msg, want) || strings.Contains(msg, "\n") || !strings.Contains(msg, path) {
		t.Errorf("error %q: want one line with the path and %q", msg, want)
	}
}

func TestBadFiles(t *testing.T) {
	in := port("x", tensor.Float32, -1, 1, 1, 2)
	images := idxBytes(8, []uint32{1, 1, 2}, []uint8{1, 2})
	dir := func(files map[string][]byte) string { return writeTree(t, t.TempDir(), files) }
	idx := func(data []byte) string { return dir(map[string][]byte{"train-images-idx3-ubyte": data}) }
	packed := func(data []byte) string { return dir(map[string][]byte{"train-images-idx3-ubyte.gz": data}) }
	flipped := gzipped(images)
	flipped[len(flipped)-5] ^= 1 // in the checksum
	for _, c := range []struct {
		name, path, want string
	}{
		{"missing", filepath.Join(t.TempDir(), "none.npz"), "no such file"},
		{"empty folder", t.TempDir(), "holds no samples"},
		{"neither", writeFile(t, filepath.Join(t.TempDir(), "x.txt"), []byte("a,b,c,d\n")), "is neither"},
		{"empty file", writeFile(t, filepath.Join(t.TempDir(), "x.npz"), nil), "is neither"},
		{"broken zip", writeFile(t, filepath.Join(t.TempDir(), "x.npz"), []byte("PK\x03\x04 and no more")), "zip"},
		{"no arrays", writeZip(t, filepath.Join(t.TempDir(), "x.npz"), nil), "has no array for input x"},
		{"array claims", claim(t, 1<<40), "claims"},
		{"IDX magic", idx([]byte("\x01\x02\x03\x04 and more")), "magic number"},
		{"IDX header", idx(images[:9]), "IDX header"},
		{"IDX data cut", idx(images[:len(images)-1]), "the file has 1"},
		{"IDX data left", idx(append(bytes.Clone(images), 1)), "the file has 3"},
		{"IDX huge", idx(idxBytes(8, []uint32{1 << 31, 1 << 31, 2}, []uint8{1})), "2^40"},
		{"IDX packed huge", packed(gzipped(idxBytes(8, []uint32{1 << 20, 1 << 10, 2}, []uint8{1}))), "the file has"},
		{"IDX packed cut", packed(gzipped(images[:len(images)-1])), "the file has 1"},
		{"IDX packed left", packed(gzipped(append(bytes.Clone(images), 1))), "the file has 3"},
		{"IDX packed broken", packed(flipped), "checksum"},
		{"IDX not packed", packed(images), "gzip"},
		{"IDX other part", dir(map[string][]byte{"t10k-images-idx3-ubyte": images}), "has 0 IDX files of train images"},
		{"IDX label count", dir(map[string][]byte{"images-idx3-ubyte": images, "labels-idx1-ubyte": idxBytes(8, []uint32{2}, []uint8{1, 2})}), "1 samples, but 2 labels"},
		{"images of the other part", dir(map[string][]byte{"test/a/1.png": pngOf(1, 1, red)}), "has no folder of train images"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantRefusal(t, c.path, Options{Inputs: in}, c.want)
		})
	}
}

// claim is an npz whose directory says that an array of a few bytes unpacks to
// size bytes.
func claim(t *testing.T, size uint64) string {
	t.Helper()
	path := writeNPZ(t, map[string][]byte{"x": {1, 2, 3}})
	data := contentOf(t, path)
	at := bytes.LastIndex(data, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(data[at+24:], uint32(min(size, 0xfffffffe)))
	return writeFile(t, path, data)
}

func TestBadImages(t *testing.T) {
	good := pngOf(2, 1, red)
	large := bytes.Clone(good) // 2^20 by 2^20 pixels
	binary.BigEndian.PutUint32(large[16:], 1<<20)
	binary.BigEndian.PutUint32(large[20:], 1<<20)
	binary.BigEndian.PutUint32(large[29:], crc32.ChecksumIEEE(large[12:29]))
	for _, c := range []struct {
		name, want string
		shape      []int64
		dtype      tensor.DType
		files      map[string][]byte
	}{
		{"no image", "2.png: image: unknown format", []int64{-1, 3, 1, 1}, tensor.Float32, map[string][]byte{"1.png": good, "2.png": []byte("text")}},
		{"cut", "1.png: ", []int64{-1, 3, 1, 1}, tensor.Float32, map[string][]byte{"1.png": good[:len(good)-20]}},
		{"large", "1048576x1048576 pixels", []int64{-1, 3, 1, 1}, tensor.Float32, map[string][]byte{"1.png": large}},
		{"sizes differ", "2.png is 1x1, 1.png 2x1", []int64{-1, 3, -1, -1}, tensor.Float32, map[string][]byte{"1.png": good, "2.png": pngOf(1, 1, red)}},
		{"pixels too large for the type", "cannot be stored as int8", []int64{-1, 3, 1, 1}, tensor.Int8, map[string][]byte{"1.png": good}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open1(t, writeTree(t, t.TempDir(), c.files), Options{Inputs: port("x", c.dtype, c.shape...)})
			_, _, err := s.Batch(upTo(s.Len()))
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v: want one line with %q", err, c.want)
			}
		})
	}
	dir := writeTree(t, t.TempDir(), map[string][]byte{"1.png": good})
	wantRefusal(t, dir, Options{Inputs: port("x", tensor.Float32, -1, 10)}, "takes no images")
	wantRefusal(t, dir, Options{Inputs: port("x", tensor.Float32, -1, 3, 1<<20, 1<<20)}, "pixels")
	wantRefusal(t, dir, Options{Inputs: append(port("x", tensor.Float32, -1, 3, 1, 1), port("z", tensor.Float32, -1)...)}, "images feed one input")
}
