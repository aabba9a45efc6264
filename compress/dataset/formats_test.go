package dataset

import (
	"archive/tar"
	"bytes"
	"image"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/image/bmp"
	"google.golang.org/protobuf/proto"

	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

// cifarBytes are records of pictures whose planes hold the class, one more and
// two more. Of two label bytes the first is 77.
func cifarBytes(labels int, classes ...byte) []byte {
	var b []byte
	for _, c := range classes {
		for range labels - 1 {
			b = append(b, 77)
		}
		b = append(b, c)
		for plane := range byte(3) {
			b = append(b, bytes.Repeat([]byte{c + plane}, 1024)...)
		}
	}
	return b
}

func tarOf(files map[string][]byte) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range sortedKeys(files) {
		err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(files[name])), Typeflag: tar.TypeReg})
		if err == nil {
			_, err = w.Write(files[name])
		}
		if err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func tensorProto(name string, dims []int64, v ...float32) *onnx.TensorProto {
	return &onnx.TensorProto{Name: proto.String(name), Dims: dims, DataType: proto.Int32(1), FloatData: v}
}

func encodedProto(t *testing.T, p proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func bmpOf(t *testing.T, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		img.Set(i%w, i/w, blue)
	}
	if err := bmp.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestFormats(t *testing.T) {
	ten := map[string][]byte{"cifar-10-batches-bin/data_batch_1.bin": cifarBytes(1, 3, 1), "cifar-10-batches-bin/data_batch_2.bin": cifarBytes(1, 9), "cifar-10-batches-bin/test_batch.bin": cifarBytes(1, 5)}
	hundred := map[string][]byte{"train.bin": cifarBytes(2, 99, 0), "test.bin": cifarBytes(2, 5)}
	one := tensorProto("x", []int64{1, 2}, 1, 2)
	two := tensorProto("", []int64{1, 2}, 3, 4)
	sets := map[string][]byte{
		"test_data_set_0/input_0.pb": encodedProto(t, one), "test_data_set_0/output_0.pb": nil,
		"test_data_set_10/input_0.pb": encodedProto(t, one), "test_data_set_2/input_0.pb": encodedProto(t, two),
	}
	f := tensor.Float32
	flat := port("x", f, -1, 2)
	small := port("x", f, -1, 3, 1, 1)
	cats := "a,b,label\n1,2,dog\n3,4,cat\n"
	for _, c := range []struct {
		name   string
		files  map[string][]byte
		o      Options
		values []float64
		labels []int64
	}{
		{"cifar10", ten, Options{Inputs: small}, []float64{3, 4, 5, 1, 2, 3, 9, 10, 11}, []int64{3, 1, 9}},
		{"cifar10", ten, Options{Inputs: small, Split: Test}, []float64{5, 6, 7}, []int64{5}},
		{"cifar10", map[string][]byte{"cifar-10-binary.tar.gz": gzipped(tarOf(ten))}, Options{Inputs: small, Split: Test}, []float64{5, 6, 7}, []int64{5}},
		{"cifar10", map[string][]byte{"some.bin": cifarBytes(1, 4)}, Options{Inputs: small}, []float64{4, 5, 6}, []int64{4}},
		{"cifar100", hundred, Options{Inputs: small}, []float64{99, 100, 101, 0, 1, 2}, []int64{99, 0}},
		{"cifar100", map[string][]byte{"x.tar": tarOf(hundred)}, Options{Inputs: small, Split: Test}, []float64{5, 6, 7}, []int64{5}},
		{"csv", map[string][]byte{"x.csv": []byte(cats)}, Options{Inputs: flat}, []float64{1, 2, 3, 4}, []int64{1, 0}},
		{"csv", map[string][]byte{"x.csv.gz": gzipped([]byte(cats))}, Options{Inputs: flat}, []float64{1, 2, 3, 4}, []int64{1, 0}},
		{"csv", map[string][]byte{"x.csv": []byte("1.5,2,7\n\n3,-4e1,0\n")}, Options{Inputs: flat}, []float64{1.5, 2, 3, -40}, []int64{7, 0}},
		{"csv", map[string][]byte{"x.csv": []byte("1,2\r\n3,4\r\n")}, Options{Inputs: flat}, []float64{1, 2, 3, 4}, nil},
		{"csv", map[string][]byte{"x.csv": []byte("label,1x1,1x2\n1,2,3\n0,5,6\n")}, Options{Inputs: flat}, []float64{2, 3, 5, 6}, []int64{1, 0}},
		{"csv", map[string][]byte{"x.csv": []byte("z;y;x_1;x[0]\n9;1;\"2\";3\n")}, Options{Inputs: flat}, []float64{2, 3}, []int64{1}},
		{"csv", map[string][]byte{"x.tsv": []byte(",a\tb\tclass\n0\t1\t5\n")}, Options{Inputs: flat}, []float64{0, 1}, []int64{5}},
		{"csv", map[string][]byte{"train.csv": []byte("1,2,b\n"), "test.csv": []byte("3,4,a\n")}, Options{Inputs: flat}, []float64{1, 2}, []int64{1}},
		{"csv", map[string][]byte{"train.csv": []byte("1,2,b\n"), "test.csv": []byte("3,4,a\n")}, Options{Inputs: flat, Split: Test}, []float64{3, 4}, []int64{0}},
		{"csv", map[string][]byte{"x.csv": []byte("0,51,102,9\n255,0,0,1\n")}, Options{Inputs: small}, []float64{0, 51, 102, 255, 0, 0}, []int64{9, 1}},
		{"csv", map[string][]byte{"l.csv": []byte("file,label\np/1.png,b\np/2.png,a\n"), "p/1.png": nil, "p/2.png": nil}, Options{Inputs: small}, []float64{255, 0, 0, 0, 0, 255}, []int64{1, 0}},
		{"jsonl", map[string][]byte{"x.jsonl": []byte(`{"input": [1, 2], "label": 3}` + "\n\n" + ` {"label": 0, "input": [4, 5]}`)}, Options{Inputs: flat}, []float64{1, 2, 4, 5}, []int64{3, 0}},
		{"jsonl", map[string][]byte{"x.jsonl.gz": gzipped([]byte(`{"x": [[1], [true]], "y": [0, 1, 0]}`))}, Options{Inputs: flat}, []float64{1, 1}, []int64{1}},
		{"jsonl", map[string][]byte{"l.jsonl": []byte(`{"image": "p/1.png", "label": "b"}`), "p/1.png": nil}, Options{Inputs: small}, []float64{255, 0, 0}, []int64{0}},
		{"onnx", sets, Options{Inputs: flat}, []float64{1, 2, 3, 4, 1, 2}, nil},
		{"onnx", map[string][]byte{"input_0.pb": encodedProto(t, two)}, Options{Inputs: flat}, []float64{3, 4}, nil},
		{"npz", map[string][]byte{"x.npy": npyBytes("<f4", []int{1, 2}, []float32{1, 2}), "y.npy": npyBytes("|u1", []int{1}, []uint8{3})}, Options{Inputs: flat}, []float64{1, 2}, []int64{3}},
		{"idx", map[string][]byte{"a/t10k-images-idx2-ubyte": idxBytes(0x0d, []uint32{1, 2}, []float32{1, 2}), "a/t10k-labels-idx1-ubyte": idxBytes(8, []uint32{1}, []uint8{1})}, Options{Inputs: flat, Split: Test}, []float64{1, 2}, []int64{1}},
		{"images", map[string][]byte{"1.bmp": bmpOf(t, 2, 3), "2.webp": contentOf(t, "testdata/red.webp")}, Options{Inputs: small}, []float64{0, 0, 255, 255, 0, 0}, nil},
		{"images", map[string][]byte{"1.png": pngOf(1, 1, blue), "2.png": pngOf(1, 1, red), "labels.txt": []byte("4\n1\n")}, Options{Inputs: small}, []float64{0, 0, 255, 255, 0, 0}, []int64{4, 1}},
		{"images", map[string][]byte{"1.png": pngOf(1, 1, blue), "2.png": pngOf(1, 1, red), "labels.csv": []byte("file,label\n2.png,dog\n1.png,bee\n")}, Options{Inputs: small}, []float64{0, 0, 255, 255, 0, 0}, []int64{0, 1}},
	} {
		t.Run(c.name+" "+strings.Join(sortedKeys(c.files), " "), func(t *testing.T) {
			for name, data := range c.files {
				if strings.HasSuffix(name, "/1.png") && data == nil {
					c.files[name] = pngOf(1, 1, red)
				} else if strings.HasSuffix(name, "/2.png") && data == nil {
					c.files[name] = pngOf(1, 1, blue)
				}
			}
			values := c.values
			if c.o.Inputs[0].Shape[1] == 3 {
				values = nil
				for _, v := range c.values {
					values = append(values, v/255)
				}
			}
			shape := append([]int64{int64(len(values)) / c.o.Inputs[0].Shape[1]}, c.o.Inputs[0].Shape[1:]...)
			dir := writeTree(t, t.TempDir(), c.files)
			zipped := writeZip(t, filepath.Join(t.TempDir(), "all.zip"), c.files)
			paths := []string{dir, dir + ":" + c.name, zipped, zipped + ":" + c.name}
			if c.files["some.bin"] != nil || strings.Contains(strings.Join(sortedKeys(c.files), " "), ".tar") {
				paths = nil // which speak for themselves, but not for a folder
			}
			if c.files["p/1.png"] != nil {
				paths = []string{dir + ":" + c.name, zipped + ":" + c.name}
			}
			if len(c.files) == 1 && c.name != "onnx" {
				for name := range c.files {
					paths = append(paths, filepath.Join(dir, name), filepath.Join(dir, name)+":"+c.name)
				}
			}
			for _, path := range paths {
				wantBatch(t, open1(t, path, c.o), c.o.Inputs[0], shape, values, c.labels)
			}
		})
	}
}

func TestTextOfSeveralInputs(t *testing.T) {
	in := []Port{{"ids", tensor.Int64, []int64{-1, 2}}, {"mask", tensor.Float32, []int64{-1, 1}}}
	for name, text := range map[string]string{
		"x.csv":   "mask,ids_0,ids_1,target\n0.5,1,2,3.5\n1,3,4,-1\n",
		"x.jsonl": `{"ids": [1, 2], "mask": 0.5, "target": 3.5}` + "\n" + `{"ids": [3, 4], "mask": 1, "target": -1}`,
	} {
		s := open1(t, writeFile(t, filepath.Join(t.TempDir(), name), []byte(text)), Options{Inputs: in})
		wantBatch(t, s, in[0], []int64{2, 2}, []float64{1, 2, 3, 4}, nil)
		wantBatch(t, s, in[1], []int64{2, 1}, []float64{.5, 1}, nil)
		wantTargets(t, s, []float32{3.5, -1})
	}
}

func TestFormatNames(t *testing.T) {
	dir := t.TempDir()
	in := port("x", tensor.Float32, -1, 1)
	odd := writeFile(t, filepath.Join(dir, "odd:csv"), npyBytes("<f4", []int{1, 1}, []float32{1}))
	open1(t, odd, Options{Inputs: in})
	plain := writeFile(t, filepath.Join(dir, "data.txt"), []byte("1,2\n3,4\n5,6\n"))
	open1(t, plain+":csv", Options{Inputs: in})
	open1(t, plain+":CSV", Options{Inputs: in})
	for suffix, want := range map[string]string{"": "is neither", ":xls": `format "xls" is not known; there are onnx, idx`, ":npz": "not a numpy array", ":parquet": "is no Parquet file", ":jsonl": "first line"} {
		if _, err := Open(plain+suffix, Options{Inputs: in}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", suffix, err, want)
		}
	}
	if _, err := Open(`C:\none.csv`, Options{Inputs: in}); err == nil || strings.Contains(err.Error(), "format") {
		t.Error(err)
	}
}

func TestBadText(t *testing.T) {
	in := port("x", tensor.Float32, -1, 2)
	for _, c := range []struct{ file, text, want string }{
		{"x.csv", "", "is neither"},
		{"x.csv", "a,b,label\n", "after the names"},
		{"x.csv", "a,b,label\n1,2,0\n1,oops,1\n", `line 3: column b: "oops" is no number`},
		{"x.csv", "a,b,label\n1,2,0\n1,,1\n", `line 3: column b: "" is no number`},
		{"x.csv", "1,2,0\n1,NaN,1\n", `line 2: column 2: "NaN" is not finite`},
		{"x.csv", "1,2,0\n1,2\n", "line 2: wrong number of fields"},
		{"x.csv", "1,2,0\n1,\"2,1\n", "line 2: extraneous or missing"},
		{"x.csv", "1,2,3,0\n", "do not fit input"},
		{"x.csv", "1,2,0\n1,2,-1\n", "label 1 is -1: want a class number"},
		{"x.csv", "file,label\n1.png,0\n", "takes no images"},
		{"x.jsonl", "{\"x\": [1, 2]}\n[1]\n", "line 2: json"},
		{"x.jsonl", "{\"x\": [1, 2]}\n{\"y\": [1]}\n", "line 2: has no key x"},
		{"x.jsonl", "{\"x\": [1, 2]}\n{\"x\": [1, [2]]}\n", "line 2: key x: a list where others have numbers"},
		{"x.jsonl", "{\"x\": [[1], [2, 3]]}\n", "line 1: key x: lists of 1 and of 2"},
		{"x.jsonl", "{\"x\": [1, 2]}\n{\"x\": [1, 2, 3]}\n", "line 2: sample of shape [3] after others of [2]"},
		{"x.jsonl", "{\"z\": [1, 2]}\n", "has no key for input x; its keys are z"},
		{"x.jsonl", "{\"x\": [1, null]}\n", `"null" is no number`},
		{"x.jsonl", "{\"x\": []}\n", "an empty list"},
		{"x.jsonl", "\n\n", "first line"},
		{"x.bin", "short", "is neither"},
		{"data_batch_1.bin", "short", "no records of 3073"},
		{"x.parquet", "PAR1 and no\x02\x00\x00\x00PAR1", "readable Parquet"},
		{"x.parquet", "PAR1\xff\xff\xff\x7fPAR1", "description takes"},
		{"x.tar", "nothing", "EOF"},
	} {
		wantRefusal(t, writeFile(t, filepath.Join(t.TempDir(), c.file), []byte(c.text)), Options{Inputs: in}, c.want)
	}
	images := Options{Inputs: port("x", tensor.Float32, -1, 3, 1, 1)}
	wantRefusal(t, writeFile(t, filepath.Join(t.TempDir(), "x.csv"), []byte("file,label\n../1.png,0\n")), images, "lies outside")
	for name, c := range map[string]struct{ file, text, want string }{
		"short":   {"labels.txt", "1\n", "labels.txt: 2 images, but 1 labels"},
		"long":    {"labels.txt", "1\n2\n3\n", "labels.txt: 2 images, but 3 labels"},
		"missing": {"labels.csv", "1.png,0\n", "labels.csv: has no label for 2.png"},
		"minus":   {"labels.txt", "1\n-2\n", "want a class number"},
	} {
		dir := writeTree(t, t.TempDir(), map[string][]byte{"1.png": pngOf(1, 1, red), "2.png": pngOf(1, 1, red), c.file: []byte(c.text)})
		t.Run(name, func(t *testing.T) { wantRefusal(t, dir, images, c.want) })
	}
}
