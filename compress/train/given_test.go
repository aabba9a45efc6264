package train_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"onnxcompress/compress"
	"onnxcompress/compress/compact"
	"onnxcompress/compress/train"
	"onnxcompress/depgraph"
	"onnxcompress/graph"
	"onnxcompress/graph/tensor"
	"onnxcompress/internal/modeltext"
	"onnxcompress/internal/ortest"
	"onnxcompress/onnx"
	"onnxcompress/runtime"
)

// matched are models with weights that repair may make different ones of, with
// groups of several kinds, and with another output.
var matched = []struct{ name, text string }{
	{"two heads", heads},
	{"tied", `
		input x N,16
		a = Gemm x w[16,32] w[32]
		r = Relu a
		b = Gemm r t:w[32,32] w[32]
		s = Relu b
		c = Gemm s t w[32]
		d = Relu c
		y = Gemm d w[32,4] w[4]
		output y`},
	{"attention", `
		input x N,6,24
		q = MatMul x w[24,24]
		k = MatMul x w[24,24]
		v = MatMul x w[24,24]
		q1 = Reshape q i[0,6,4,6]
		k1 = Reshape k i[0,6,4,6]
		v1 = Reshape v i[0,6,4,6]
		q2 = Transpose q1 ; perm=[0,2,1,3]
		k2 = Transpose k1 ; perm=[0,2,3,1]
		v2 = Transpose v1 ; perm=[0,2,1,3]
		s = MatMul q2 k2
		p = Softmax s ; axis=3
		o = MatMul p v2
		o1 = Transpose o ; perm=[0,2,1,3]
		o2 = Reshape o1 i[0,6,24]
		m = MatMul o2 w[24,24]
		n = ReduceMean m i[1] ; keepdims=0
		y = Gemm n w[24,4] w[4]
		output y`},
}

// TestMatch holds that the groups of a cut are found again after weights were
// silenced, untied and readied for training, and no others: whatever else is zero.
func TestMatch(t *testing.T) {
	for _, c := range matched {
		for _, untied := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				p, err := modeltext.Parse(c.text, 18, 3)
				if err != nil {
					t.Fatal(err)
				}
				m := ortest.Model(t, p)
				dead(t, m)
				g, err := graph.Import(m)
				if err != nil {
					t.Fatal(err)
				}
				dg := depgraph.Build(graph.Analyze(g, nil))
				rng := rand.New(rand.NewPCG(1, 1))
				cut := dg.NewCut()
				for _, f := range dg.Families {
					for _, group := range f.Groups[1:] {
						if rng.IntN(3) == 0 {
							cut.Add(group)
						}
					}
				}
				// What was tied may come to be several groups, which go alike.
				masked, err := compact.Mask(m, dg, cut)
				if untied {
					masked, err = compact.Model(dg, dg.NewCut(), repaired(t, dg, cut, rng))
				}
				if err != nil {
					t.Fatal(err)
				}
				defer masked.Close()
				own, err := train.Prepare(masked, train.Preparation{})
				if err != nil {
					t.Fatal(err)
				}
				n, err := train.NewNet(own, nil, runtime.TrainOptions{Threads: 1})
				if err != nil {
					t.Fatal(err)
				}
				defer n.Close()
				groups := n.Match(cut)
				if cut.Len == 0 || len(groups) < cut.Len {
					t.Fatalf("%d groups of %d are found again", len(groups), cut.Len)
				}
				again := n.Graph.NewCut()
				for _, group := range groups {
					again.Add(group)
				}
				if got, want := compress.SizeWithout(n.Graph, again).MACs, compress.SizeWithout(dg, cut).MACs; got != want {
					t.Errorf("without them there are %d MACs, want %d", got, want)
				}
			})
		}
	}
}

// dead silences some of what reads channels, and makes them.
func dead(t *testing.T, m *onnx.Model) {
	t.Helper()
	for _, w := range m.Proto.GetGraph().GetInitializer() {
		if len(w.GetDims()) != 2 {
			continue
		}
		v, err := graph.Decode(m, w)
		if err != nil {
			t.Fatal(err)
		}
		x := slices.Clone(v.Float32s())
		clear(x[:len(x)/2])
		onnx.SetData(w, tensor.FromFloat32s(v.Shape, x).Data)
	}
}

// repaired are other numbers for all weights, which are silent where a cut takes them.
func repaired(t *testing.T, g *depgraph.Graph, cut *depgraph.Cut, rng *rand.Rand) compact.Weights {
	t.Helper()
	weights := compact.Weights{}
	for _, w := range g.Weights {
		v, err := g.Witness.Tensor(w.Value)
		if err != nil {
			t.Fatal(err)
		}
		if len(v.Shape) != 2 {
			continue
		}
		v = v.Clone()
		for i := range v.Float32s() {
			v.Float32s()[i] *= 1 + rng.Float32()
		}
		weights[w] = v
	}
	return weights
}
