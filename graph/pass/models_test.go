package pass_test

import (
	"archive/zip"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"onnxcompress/compress/dataset"
	"onnxcompress/graph/pass"
	"onnxcompress/graph/tensor"
	"onnxcompress/graph/tensor/npy"
	"onnxcompress/internal/modelgen"
	"onnxcompress/internal/ortest"
	"onnxcompress/onnx"
)

// Rewritten models may lie from the original, relative to the largest output,
// as far as rounding goes: that of weights, which networks of many layers
// magnify, where BatchNormalization is put into them.
const (
	tolerance = 1e-6
	loose     = 1e-3
)

// all are the rewrites in the order in which they are asked for.
func all() []pass.Pass { return append(pass.Simplify(), pass.BatchNorms) }

func TestRandomModels(t *testing.T) {
	const models = 220
	before, after := 0, 0
	for seed := range uint64(models) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			m := ortest.Model(t, modelgen.Model(seed))
			s := rewritten(t, m, all()...)
			b, a := len(m.Proto.Graph.Node), len(s.Proto.Graph.Node)
			if a > b {
				t.Errorf("%d nodes became %d", b, a)
			}
			before, after = before+b, after+a
			same(t, m.Proto, s.Proto, nil, int64(seed), loose)
		})
	}
	t.Logf("%d nodes of %d are left", after, before)
	if before == 0 {
		t.Error("no models")
	}
}

// zooEvery is the share of the models of the zoo that are simplified in one
// run; $ZOO_EVERY=1 asks for all.
const zooEvery = 8

func TestZoo(t *testing.T) {
	every := zooEvery
	if _, err := fmt.Sscan(os.Getenv("ZOO_EVERY"), &every); err != nil {
		every = zooEvery
	}
	for _, name := range []string{"dev", "real"} {
		z, err := zip.OpenReader(filepath.Join("..", "..", "..", "shared", "zoo", name+".zip"))
		if err != nil {
			t.Skipf("../shared/zoo/%s.zip is missing: %v", name, err)
		}
		defer z.Close()
		for i, f := range z.File {
			if path.Ext(f.Name) != ".onnx" || i%every != 0 || f.UncompressedSize64 > 8<<20 {
				continue
			}
			t.Run(f.Name, func(t *testing.T) { zooModel(t, f) })
		}
	}
}

func zooModel(t *testing.T, f *zip.File) {
	r, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	m, err := onnx.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	plain := rewritten(t, m, pass.Simplify()...)
	s := rewritten(t, m, all()...)
	before, after := len(m.Proto.Graph.Node), len(s.Proto.Graph.Node)
	sizes := [2]int{proto.Size(m.Proto), proto.Size(plain.Proto)}
	t.Logf("%d nodes became %d, %d bytes %d", before, after, sizes[0], sizes[1])
	if after > before {
		t.Errorf("%d nodes became %d", before, after)
	}
	if sizes[1] > sizes[0]+sizes[0]/20+4096 {
		t.Errorf("%d bytes became %d", sizes[0], sizes[1])
	}
	inputs := filepath.Join("..", "..", "..", "shared", "zoo", "inputs", strings.TrimSuffix(path.Base(f.Name), ".onnx")+".npz")
	in := given(t, inputs)
	same(t, m.Proto, plain.Proto, in, 1, tolerance)
	same(t, m.Proto, s.Proto, in, 1, loose)
}

// given are the inputs that a model has beside it, nil if it has none.
func given(t *testing.T, file string) map[string]*tensor.Tensor {
	t.Helper()
	if _, err := os.Stat(file); err != nil {
		return nil
	}
	in, _, err := npy.ReadArchive(file)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// same runs both models on given inputs, or on random ones of two sizes.
func same(t *testing.T, before, after *onnx.ModelProto, in map[string]*tensor.Tensor, seed int64, tolerance float64) {
	t.Helper()
	a, err := ortest.Open(t.TempDir(), before)
	if err != nil {
		t.Fatalf("original: %v", err)
	}
	defer a.Close()
	b, err := ortest.Open(t.TempDir(), after)
	if err != nil {
		t.Fatalf("rewritten: %v", err)
	}
	defer b.Close()
	if in != nil {
		compare(t, a, b, in, tolerance)
		return
	}
	rng := rand.New(rand.NewPCG(uint64(seed), 5))
	if in, err = dataset.Random(ortest.Ports(a), nil, rng); err != nil {
		t.Fatal(err)
	}
	compare(t, a, b, in, tolerance)
	if in, err = ortest.Inputs(a, rng); err != nil {
		t.Fatal(err)
	}
	// Sizes that the original does not run on are none of its own.
	if _, err := a.Run(in); err == nil {
		compare(t, a, b, in, tolerance)
	}
}
