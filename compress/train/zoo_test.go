package train_test

import (
	"archive/zip"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"onnxcompress/compress"
	"onnxcompress/compress/dataset"
	"onnxcompress/compress/optim"
	"onnxcompress/compress/pipeline"
	"onnxcompress/compress/train"
	"onnxcompress/graph/pass"
	"onnxcompress/graph/tensor"
	"onnxcompress/runtime"
)

// zoo are models that lie beside the repository.
const zoo = "../../../shared/zoo/dev.zip"

// TestZoo takes a step with real models of many exporters, removes groups, and
// holds that the net computes the same when it has shrunk, and takes another.
func TestZoo(t *testing.T) {
	z, err := zip.OpenReader(zoo)
	if err != nil {
		t.Skipf("%s: not here: %v", zoo, err)
	}
	defer z.Close()
	dir := t.TempDir()
	for i, f := range z.File {
		if !strings.HasSuffix(f.Name, ".onnx") || testing.Short() && i%10 != 0 {
			continue
		}
		path := filepath.Join(dir, "model.onnx")
		unzip(t, f, path)
		t.Run(strings.TrimSuffix(filepath.Base(f.Name), ".onnx"), func(t *testing.T) { trainAndShrink(t, path) })
	}
}

func unzip(t *testing.T, f *zip.File, path string) {
	t.Helper()
	r, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func trainAndShrink(t *testing.T, path string) {
	n, inputs := readied(t, path)
	o := &optim.SGD{LR: 1e-6, Momentum: 0.9}
	if err := step(n, o, inputs); err != nil {
		t.Fatal(err)
	}
	target := compress.Target{Measure: compress.MACs, Value: 0.6 * float64(compress.SizeOf(n.Graph).MACs)}
	cut := compress.Choose(n.Graph, compress.Random(n.Graph, 1), target, compress.Limits{MinKept: 0.05, RoundTo: 1}).Cut
	for g := range n.Graph.Groups {
		if cut.Has(g) {
			n.Remove(o.Memories(), g)
		}
	}
	masked := outputs(t, n, inputs)
	if err := n.Shrink(o, nil); err != nil {
		t.Fatal(err)
	}
	for i, small := range outputs(t, n, inputs) {
		apart, size := 0.0, 0.0
		for k, v := range masked[i] {
			apart, size = apart+math.Abs(v-small[k]), size+math.Abs(v)
		}
		if !(apart <= 1e-3*size+1e-9) {
			t.Errorf("output %d differs by %g of %g", i, apart, size)
		}
	}
	if err := step(n, o, inputs); err != nil {
		t.Error(err)
	}
}

// readied is a net of all outputs of a model, and inputs for it.
func readied(t *testing.T, path string) (*train.Net, []*tensor.Tensor) {
	t.Helper()
	s, err := pipeline.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	m, err := train.Prepare(s.Model, train.Preparation{})
	if err != nil {
		t.Fatal(err)
	}
	var floats []string
	for _, v := range s.Graph.Outputs {
		if s.Graph.Nominal.Values[v.ID].DType == tensor.Float32 {
			floats = append(floats, v.Name)
		}
	}
	n, err := train.NewNet(m, nil, runtime.TrainOptions{Threads: 2, Output: pass.Join(m, floats)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	random, err := dataset.Random(s.Ports, nil, rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	var inputs []*tensor.Tensor
	for _, name := range n.Trainer().Inputs() {
		inputs = append(inputs, random[name])
	}
	return n, inputs
}

// step draws all outputs towards zero.
func step(n *train.Net, o optim.Optimiser, inputs []*tensor.Tensor) error {
	if err := n.Trainer().Forward(inputs...); err != nil {
		return err
	}
	y := n.Trainer().Output().Float32s()
	for i, v := range y {
		n.Trainer().Seed()[i] = v / float32(len(y))
	}
	if err := n.Trainer().Backward(); err != nil {
		return err
	}
	n.SilenceGradients()
	var params []optim.Param
	for _, v := range n.Variables() {
		params = append(params, optim.Param{Value: v.Value, Grad: v.Grad})
	}
	optim.ClipNorm(params, 1)
	return o.Step(params)
}

// outputs are those of the net as it is used.
func outputs(t *testing.T, n *train.Net, inputs []*tensor.Tensor) [][]float64 {
	t.Helper()
	out, err := n.Trainer().Evaluate(inputs...)
	if err != nil {
		t.Fatal(err)
	}
	var list [][]float64
	for _, o := range out {
		if o.DType == tensor.Float32 {
			list = append(list, o.AsFloat64s())
		}
	}
	return list
}
