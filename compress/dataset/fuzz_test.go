package dataset

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

// fuzzOpen holds that no file makes Open or a batch panic or fail with more than
// a line, and that what opens has the samples it counts.
func fuzzOpen(f *testing.F, ending string, in []Port) {
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<20 {
			return
		}
		path := filepath.Join(dir, strings.ReplaceAll(t.Name(), "/", "_")+ending)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, skip := range []bool{false, true} {
			s, err := Open(path, Options{Inputs: in, SkipBad: skip})
			if err != nil {
				wantOneLine(t, err)
				continue
			}
			b, err := s.Read([]int{0, s.Len() - 1}[:min(s.Len(), 2)])
			if err != nil {
				wantOneLine(t, err)
			} else if x := b.Inputs[in[0].Name]; len(x.Data) != x.Len()*x.DType.Size() {
				t.Errorf("%v of %v in %d bytes", x.Shape, x.DType, len(x.Data))
			}
			if err := s.CheckLabels(10); err != nil {
				wantOneLine(t, err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

func wantOneLine(t *testing.T, err error) {
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("an error of several lines: %q", err)
	}
}

func readBytes(f *testing.F, path string) []byte {
	data, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	return data
}

func FuzzCSV(f *testing.F) {
	for _, s := range []string{"a,b,label\n1,2,0\n3,4,1\n", "1;2;cat\n3;4;dog\n", "\ufeffx_0\tx_1\n1\t\"2\"\n", "file,label\na.png,1\n"} {
		f.Add([]byte(s))
	}
	fuzzOpen(f, ".csv", port("x", tensor.Float32, -1, 2))
}

func FuzzJSONL(f *testing.F) {
	for _, s := range []string{`{"x": [1, 2], "y": 1}` + "\n" + `{"x": [3, 4], "y": 0}`, `{"input": [[1.5], [true]], "label": "cat"}`, `{"image": "a.png"}`} {
		f.Add([]byte(s))
	}
	fuzzOpen(f, ".jsonl", port("x", tensor.Float32, -1, 2))
}

func FuzzNPY(f *testing.F) {
	f.Add(npyBytes("<f4", []int{2, 1}, []float32{1, 2}))
	f.Add(rawNPY("{'descr': '>u2', 'fortran_order': True, 'shape': (2, 1), }", []uint16{1, 2}))
	fuzzOpen(f, ".npy", port("x", tensor.Float32, -1, 1))
}

func FuzzIDX(f *testing.F) {
	f.Add(idxBytes(8, []uint32{2, 2}, []uint8{1, 2, 3, 4}))
	f.Add(idxBytes(0x0d, []uint32{1, 2}, []float32{1, 2}))
	fuzzOpen(f, "-images-idx3-ubyte", port("x", tensor.Float32, -1, 2))
}

func FuzzCIFAR(f *testing.F) {
	f.Add(cifarBytes(1, 0, 9))
	f.Add(tarOf(map[string][]byte{"a/data_batch_1.bin": cifarBytes(1, 3)}))
	fuzzOpen(f, ".tar", port("x", tensor.Float32, -1, 3, 32, 32))
}

func FuzzZip(f *testing.F) {
	for _, entries := range []map[string][]byte{
		{"x.npy": npyBytes("<f4", []int{1, 12}, make([]float32, 12)), "y.npy": npyBytes("|u1", []int{1}, []uint8{1})},
		{"a/1.png": pngOf(1, 1, red), "b/2.png": pngOf(2, 2, blue)},
		{"train.csv": []byte("1,2,3,4,5,6,7,8,9,10,11,12,0\n")},
	} {
		f.Add(zipOf(entries))
	}
	fuzzOpen(f, ".zip", port("x", tensor.Float32, -1, 3, 2, 2))
}

func FuzzONNX(f *testing.F) {
	b, err := proto.Marshal(tensorProto("x", []int64{2, 1}, 1, 2))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	b, err = proto.Marshal(&onnx.TensorProto{Dims: []int64{2}, DataType: proto.Int32(7), Int64Data: []int64{1, 2}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(dir, "input_0.pb")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(dir, Options{Inputs: port("x", tensor.Float32, -1, 1)})
		if err != nil {
			wantOneLine(t, err)
			return
		}
		if _, err := s.Read([]int{0}); err != nil {
			wantOneLine(t, err)
		}
	})
}
