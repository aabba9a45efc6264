package ort

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"onnxcompress/compress/dataset"
	"onnxcompress/graph/tensor"
)

var everyType = []tensor.DType{
	tensor.Float32, tensor.Float64, tensor.Float16, tensor.BFloat16, tensor.Bool, tensor.String,
	tensor.Int8, tensor.Int16, tensor.Int32, tensor.Int64, tensor.Uint8, tensor.Uint16, tensor.Uint32, tensor.Uint64,
}

func TestRunKeepsTypesAndShapes(t *testing.T) {
	shapes := map[string][]int64{"matrix": {2, 3}, "empty": {0, 3}, "scalar": nil}
	for _, dtype := range everyType {
		for name, shape := range shapes {
			narrow := dtype == tensor.Float16 || dtype == tensor.BFloat16
			if shape == nil && (narrow || dtype == tensor.String) {
				continue // no such scalar can be passed in; see TestScalarOfEveryKind
			}
			t.Run(dtype.String()+" "+name, func(t *testing.T) {
				declared := slices.Clone(shape)
				if len(shape) > 0 {
					declared[0] = -1
				}
				for _, dims := range [][]int64{append([]int64{}, declared...), nil} {
					s := mustOpen(t, model(nodes(node("Identity", "y", nil, "x")),
						input("x", dtype, declared...), port(fieldGraphOutput, "y", dtype, dims)), Options{Threads: 1})
					x := counting(dtype, shape...)
					y := mustRun(t, s, map[string]*tensor.Tensor{"x": x})["y"]
					if e := CompareTensors("y", x, y); e.RelError != 0 || e.Mismatch != 0 {
						t.Fatalf("%v %v came back as %v %v: %v", x.Shape, x.Data, y.Shape, y.Data, e)
					}
				}
			})
		}
	}
}

func TestScalarOfEveryKind(t *testing.T) {
	for _, dtype := range everyType {
		if dtype == tensor.String {
			continue
		}
		s := mustOpen(t, model(nodes(node("Cast", "y", intAttribute("to", int64(dtype)), "x")),
			input("x", tensor.Float32), output("y", dtype)), Options{Threads: 1})
		y := mustRun(t, s, map[string]*tensor.Tensor{"x": tensor.FromFloat32s(nil, []float32{1})})["y"]
		if y.DType != dtype || y.Rank() != 0 || y.AsFloat64s()[0] != 1 {
			t.Errorf("Cast of the scalar 1 to %v gave %v%v", dtype, y.DType, y.Shape)
		}
	}
}

func TestModelWithoutInputs(t *testing.T) {
	w := counting(tensor.Float32, 3)
	s := mustOpen(t, model(initializer("w", w), nodes(node("Neg", "y", nil, "w")), output("y", tensor.Float32, 3)), Options{})
	if len(s.Inputs()) != 0 {
		t.Errorf("inputs %v of a model that has none", s.Inputs())
	}
	if y := mustRun(t, s, nil)["y"]; !slices.Equal(y.Float32s(), []float32{-1, -2, -3}) {
		t.Errorf("Neg gave %v", y.Float32s())
	}
}

func TestOverridableInitializerIsNoInput(t *testing.T) {
	w := counting(tensor.Float32, 2)
	s := mustOpen(t, model(input("x", tensor.Float32, 2), input("w", tensor.Float32, 2), initializer("w", w),
		nodes(node("Add", "y", nil, "x", "w")), output("y", tensor.Float32, 2)), Options{})
	if got := s.Inputs(); len(got) != 1 || got[0].Name != "x" {
		t.Errorf("inputs are %v, want x alone", got)
	}
	if y := mustRun(t, s, map[string]*tensor.Tensor{"x": w})["y"]; !slices.Equal(y.Float32s(), []float32{2, 4}) {
		t.Errorf("x+w gave %v", y.Float32s())
	}
}

func TestSequenceOutput(t *testing.T) {
	kind := appendMessage(nil, 1, appendMessage(nil, fieldTypeTensor, appendInt(nil, fieldElemType, int64(tensor.Float32))))
	value := appendMessage(appendString(nil, fieldValueName, "y"), fieldValueType, appendMessage(nil, 4, kind))
	s := mustOpen(t, model(input("x", tensor.Float32, 2), nodes(node("SequenceConstruct", "y", nil, "x", "x")),
		appendMessage(nil, fieldGraphOutput, value)), Options{})
	if p := s.Outputs()[0]; p.DType != tensor.Undefined {
		t.Errorf("a sequence is declared as %v", p)
	}
	out := mustRun(t, s, map[string]*tensor.Tensor{"x": counting(tensor.Float32, 2)})
	if len(out) != 2 || out["y[0]"] == nil || !slices.Equal(out["y[1]"].Float32s(), []float32{1, 2}) {
		t.Errorf("a sequence of two came back as %v", out)
	}
}

func TestExternalDataBesideGraftedModel(t *testing.T) {
	dir := t.TempDir()
	w := counting(tensor.Float16, 2)
	external := appendInt(appendInt(nil, fieldTensorDims, 2), fieldTensorType, int64(tensor.Float16))
	external = appendString(external, 8, "w")
	external = appendMessage(external, 13, appendString(appendString(nil, 1, "location"), 2, "w.bin"))
	external = appendInt(external, 14, 1)
	b := model(appendMessage(nil, 5, external), input("x", tensor.Float16, 2),
		nodes(node("Add", "y", nil, "x", "w")), output("y", tensor.Float16, 2))
	path := filepath.Join(dir, "m.onnx")
	for name, data := range map[string][]byte{path: b, filepath.Join(dir, "w.bin"): w.Data} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(path, Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if y := mustRun(t, s, map[string]*tensor.Tensor{"x": w})["y"]; !slices.Equal(y.AsFloat64s(), []float64{2, 4}) {
		t.Errorf("x+w gave %v", y.AsFloat64s())
	}
}

func TestRunInSeveralGoroutines(t *testing.T) {
	s := scaled(t, 3)
	var group sync.WaitGroup
	for g := range 4 {
		group.Go(func() {
			for n := range int64(20) {
				v := float32(g + 1)
				out, err := s.Run(map[string]*tensor.Tensor{"x": tensor.FromFloat32s([]int64{1}, []float32{v})})
				if err != nil || out["y"].Float32s()[0] != 3*v {
					t.Errorf("run %d of %v: %v, %v", n, v, out, err)
				}
			}
		})
	}
	group.Wait()
}

func TestMisalignedInput(t *testing.T) {
	s := mustOpen(t, model(input("x", tensor.Float64, 2), nodes(node("Neg", "y", nil, "x")), output("y", tensor.Float64, 2)), Options{})
	x := counting(tensor.Float64, 2)
	x.Data = append([]byte{0}, x.Data...)[1:]
	if y := mustRun(t, s, map[string]*tensor.Tensor{"x": x})["y"]; !slices.Equal(y.AsFloat64s(), []float64{-1, -2}) {
		t.Errorf("Neg gave %v", y.AsFloat64s())
	}
}

func TestErrors(t *testing.T) {
	s := mustOpen(t, model(input("x", tensor.Float32, 2, 3), input("z", tensor.Float32, -1, -1),
		nodes(node("MatMul", "y", nil, "x", "z")), output("y", tensor.Float32, 2, -1)), Options{})
	x, z := counting(tensor.Float32, 2, 3), counting(tensor.Float32, 3, 1)
	short := &tensor.Tensor{DType: tensor.Float32, Shape: []int64{2, 3}, Data: make([]byte, 8)}
	runs := map[string]struct {
		in   map[string]*tensor.Tensor
		want string
	}{
		"missing":    {map[string]*tensor.Tensor{"x": x}, "no value for input z (float32[?,?])"},
		"type":       {map[string]*tensor.Tensor{"x": counting(tensor.Int64, 2, 3), "z": z}, "input x is float32, not int64"},
		"dimension":  {map[string]*tensor.Tensor{"x": counting(tensor.Float32, 2, 4), "z": z}, "x"},
		"in the run": {map[string]*tensor.Tensor{"x": x, "z": counting(tensor.Float32, 5, 5)}, "MatMul"},
		"short data": {map[string]*tensor.Tensor{"x": short, "z": z}, "24 bytes, not 8"},
	}
	for name, c := range runs {
		t.Run(name, func(t *testing.T) {
			_, err := s.Run(c.in)
			checkError(t, err, ErrRun, c.want)
		})
	}
	if _, err := s.Run(map[string]*tensor.Tensor{"x": x, "z": z, "unused": x}); err != nil {
		t.Errorf("an input the model does not have: %v", err)
	}
	_, err := OpenBytes([]byte("no model"), Options{})
	checkError(t, err, ErrLoad, "in memory")
	_, err = OpenBytes(model(input("x", tensor.Float32, 1)), Options{})
	checkError(t, err, ErrLoad, "")
	_, err = OpenBytes(nil, Options{})
	checkError(t, err, ErrLoad, "")
	_, err = Open("absent.onnx", Options{})
	checkError(t, err, ErrLoad, "absent.onnx")
	s.Close()
	_, err = s.Run(map[string]*tensor.Tensor{"x": x, "z": z})
	checkError(t, err, ErrRun, "closed")
	_, err = Latency(s, nil, LatencyOptions{})
	checkError(t, err, ErrRun, "closed")
}

func checkError(t *testing.T, err, kind error, want string) {
	t.Helper()
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q, want one line of %q with %q", err, kind, want)
	}
}

// shared is a trained classifier that lies outside this repository.
func shared(t *testing.T) string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "models", "resnet8_digits.onnx")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("needs %s, which is absent", path)
	}
	return path
}

func TestTrainedModel(t *testing.T) {
	path := shared(t)
	plain, err := Open(path, Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	optimized := mustOpen(t, b, Options{Threads: 2, Optimize: true})
	if !reflect.DeepEqual(plain.Inputs(), optimized.Inputs()) || !reflect.DeepEqual(plain.Outputs(), optimized.Outputs()) {
		t.Errorf("ports %v and %v", plain.Inputs(), optimized.Inputs())
	}
	var batches []map[string]*tensor.Tensor
	for batch := range int64(3) {
		in, err := dataset.Random([]dataset.Port{dataset.Port(plain.Inputs()[0])}, map[string][]int64{plain.Inputs()[0].Name: {batch + 1, 1, 8, 8}}, rand.New(rand.NewPCG(1, uint64(batch))))
		if err != nil {
			t.Fatal(err)
		}
		batches = append(batches, in)
	}
	c, err := Compare(plain, optimized, batches)
	if err != nil {
		t.Fatal(err)
	}
	if c.Max > 1e-5 || c.Batches != 3 || len(c.Outputs) != 1 || c.Outputs[0].Name != "logits" {
		t.Errorf("the model differs from itself: %+v", c)
	}
	other, err := Open(strings.Replace(path, "digits", "fashion", 1), Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := Compare(plain, other, batches); !errors.Is(err, ErrRun) {
		t.Errorf("a model that takes other inputs: %v", err)
	}
}
