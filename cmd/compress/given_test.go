package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/proto"

	"onnxcompress/graph/tensor"
	"onnxcompress/graph/tensor/npy"
	"onnxcompress/internal/modeltext"
	"onnxcompress/onnx"
)

// TestTrainKeeps holds that a training removes nothing that must stay, also where
// it is dead from the start, and whatever outputs a model has: the compact model
// equals the masked one, or the command would fail.
func TestTrainKeeps(t *testing.T) {
	needRuntime(t)
	p, err := modeltext.Parse(`
		input x N,16
		a = Gemm x w[16,32] w[32]
		r = Relu a
		c = Gemm r dead:w[32,32] w[32]
		d = Relu c
		y = Gemm d w[32,4] w[4]
		e = Gemm d w[32,24] w[24]
		s = Sigmoid e
		z = Gemm s w[24,6] w[6]
		output y
		output z`, 17, 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range p.GetGraph().GetInitializer() {
		if w.GetName() == "dead" { // nothing hears the first 20 channels of a
			data := make([]float32, 32*32)
			for i := 20 * 32; i < len(data); i++ {
				data[i] = float32(i%7-3) / 9
			}
			onnx.SetData(w, tensor.FromFloat32s([]int64{32, 32}, data).Data)
		}
	}
	model, data := sampled(t, p)
	for _, target := range [][]string{
		{"--method", "magnitude", "--target-macs", "85%"},
		{"--method", "obs", "--target-macs", "85%"},
		{"--method", "dhspg", "--target-macs", "60%"},
		{"--method", "hesso", "--target-macs", "60%"},
		{"--method", "scl", "--target-sparsity", "95%"},
	} {
		t.Run(target[1], func(t *testing.T) {
			out, report := filepath.Join(t.TempDir(), "out.onnx"), filepath.Join(t.TempDir(), "report.json")
			args := append([]string{model, "--data", data, "--keep", "^a$", "--epochs", "2", "--from-scratch", "-o", out, "--json", report}, target...)
			if code, _, stderr := command(args...); code != 0 {
				t.Fatalf("exit %d: %s", code, stderr)
			}
			var r struct {
				Groups struct{ Removed int }
				Layers []struct {
					Name        string
					Kept, Total int
				}
			}
			read(t, report, &r)
			if r.Groups.Removed == 0 || len(r.Layers) == 0 {
				t.Errorf("nothing has gone: %+v", r)
			}
			if first := r.Layers[0]; first.Kept != first.Total || first.Total != 32 {
				t.Errorf("%d of %d channels are left of %s, which was to stay", first.Kept, first.Total, first.Name)
			}
		})
	}
}

// TestTrainTied holds that groups are counted as the original has them where weights
// that its layers share come apart.
func TestTrainTied(t *testing.T) {
	needRuntime(t)
	p, err := modeltext.Parse(`
		input x N,16
		a = Gemm x w[16,32] w[32]
		r = Relu a
		b = Gemm r t:w[32,32] w[32]
		s = Relu b
		c = Gemm s t w[32]
		d = Relu c
		y = Gemm d w[32,4] w[4]
		output y`, 17, 3)
	if err != nil {
		t.Fatal(err)
	}
	model, data := sampled(t, p)
	dir := t.TempDir()
	out, report := filepath.Join(dir, "out.onnx"), filepath.Join(dir, "report.json")
	code, _, stderr := command(model, "--data", data, "--target-macs", "50%", "--epochs", "1", "--from-scratch", "-o", out, "--json", report)
	if code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	var r struct {
		Groups struct{ Total, Removed int }
		Layers []struct{ Kept, Total int }
	}
	read(t, report, &r)
	if len(r.Layers) != 3 {
		t.Fatalf("%d layers, want the 3 that the one family has come to be: %+v", len(r.Layers), r)
	}
	if gone := r.Layers[0].Total - r.Layers[0].Kept; gone == 0 || r.Groups.Removed != gone || r.Groups.Total != 32 {
		t.Errorf("%d of %d groups have gone, want %d of 32", r.Groups.Removed, r.Groups.Total, gone)
	}
}

// sampled writes a model of 16 inputs and at least 4 classes, and random samples for it.
func sampled(t *testing.T, p *onnx.ModelProto) (model, data string) {
	t.Helper()
	dir := t.TempDir()
	content, err := proto.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	model, data = filepath.Join(dir, "model.onnx"), filepath.Join(dir, "data.npz")
	if err := os.WriteFile(model, content, 0o600); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	x, labels := tensor.New(tensor.Float32, 200, 16), tensor.New(tensor.Int64, 200)
	for i := range x.Float32s() {
		x.Float32s()[i] = float32(rng.NormFloat64())
	}
	for i := range labels.Int64s() {
		labels.Int64s()[i] = rng.Int64N(4)
	}
	if err := npy.WriteArchive(data, []string{"x", "labels"}, map[string]*tensor.Tensor{"x": x, "labels": labels}); err != nil {
		t.Fatal(err)
	}
	return model, data
}
