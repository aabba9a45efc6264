package train_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"onnxcompress/compress"
	"onnxcompress/compress/optim"
	"onnxcompress/compress/train"
	"onnxcompress/depgraph"
	"onnxcompress/graph"
	"onnxcompress/graph/tensor"
	"onnxcompress/internal/modeltext"
	"onnxcompress/internal/ortest"
	"onnxcompress/onnx"
	"onnxcompress/runtime"
)

func TestMain(m *testing.M) { ortest.Main(m) }

const heads = `
		input x N,16
		a = Gemm x w[16,32] w[32]
		r = Relu a
		y = Gemm r w[32,4] w[4]
		c = Gemm r w[32,24] w[24]
		d = Sigmoid c
		z = Gemm d w[24,6] w[6]
		output y
		output z`

// stills are models of which some weights are not trained with output y: those of
// another output's own, and those of other types.
var stills = []struct {
	name  string
	norms bool
	text  string
}{
	{"two heads", false, heads},
	{"with BatchNormalization put back", true, heads},
	{"normalised head", false, `
		input x N,16
		a = Gemm x w[16,32] w[32]
		r = Relu a
		y = Gemm r w[32,4] w[4]
		c = Gemm r w[32,24]
		n = BatchNormalization c p[24] w[24] w[24] p[24]
		d = Relu n
		z = Gemm d w[24,6] w[6]
		output y
		output z`},
	{"half precision", false, `
		input x N,16
		a = Gemm x w[16,32] w[32]
		r = Relu a
		h = Cast r ; to=10
		c = Gemm h half:w[32,24] bias:w[24]
		d = Relu c
		f = Cast d ; to=1
		y = Gemm f w[24,4] w[4]
		output y`},
	{"half precision within", false, `
		input x N,16
		a = Gemm x w[16,32] w[32]
		h = Cast a ; to=10
		c = Gemm h half:w[32,24] bias:w[24]
		d = Sigmoid c
		e = Gemm d half2:w[24,20]
		f = Cast e ; to=1
		y = Gemm f w[20,4] w[4]
		output y`},
}

// TestStill holds that groups go from weights that are not trained, too, in the
// model at its full size and in the compact one alike, and that what is not
// trained is chosen last.
func TestStill(t *testing.T) {
	for _, c := range stills {
		t.Run(c.name, func(t *testing.T) {
			p, err := modeltext.Parse(c.text, 17, 3)
			if err != nil {
				t.Fatal(err)
			}
			halve(t, p)
			own, err := train.Prepare(ortest.Model(t, p), train.Preparation{BatchNorms: c.norms, Batches: vectors(4), Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			n, err := train.NewNet(own, nil, runtime.TrainOptions{Threads: 1, Output: "y"})
			if err != nil {
				t.Fatal(err)
			}
			defer n.Close()
			n.Remove(nil, half(n.Graph)...)
			full := n.Full()
			if err := n.Shrink(&optim.SGD{}, nil); err != nil {
				t.Fatal(err)
			}
			equal(t, full, n.Full(), n.Model())
			for x := range vectors(3) {
				if err := n.Trainer().Forward(x["x"]); err != nil {
					t.Fatal(err)
				}
			}
			equal(t, n.Full(), n.Model())
		})
	}
}

// halve makes float16 of initializers that are named for it.
func halve(t *testing.T, p *onnx.ModelProto) {
	t.Helper()
	m := ortest.Model(t, p)
	for _, w := range p.GetGraph().GetInitializer() {
		if !strings.HasPrefix(w.GetName(), "half") && w.GetName() != "bias" {
			continue
		}
		v, err := graph.Decode(m, w)
		if err != nil {
			t.Fatal(err)
		}
		h := tensor.New(tensor.Float16, v.Shape...)
		for i, x := range v.AsFloat64s() {
			h.Set(i, x)
		}
		w.DataType = proto.Int32(int32(onnx.TensorProto_FLOAT16))
		onnx.SetData(w, h.Data)
	}
}

// TestChooseStill holds that groups without a weight that is trained are the last
// to be chosen.
func TestChooseStill(t *testing.T) {
	p, err := modeltext.Parse(heads, 17, 3)
	if err != nil {
		t.Fatal(err)
	}
	own, err := train.Prepare(ortest.Model(t, p), train.Preparation{})
	if err != nil {
		t.Fatal(err)
	}
	n, err := train.NewNet(own, nil, runtime.TrainOptions{Threads: 1, Output: "y"})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	s := &train.Step{Net: n, Total: 1, Select: func(scores compress.Scores, _ bool, _ *depgraph.Cut) (*depgraph.Cut, error) {
		return compress.Choose(n.Graph, scores, compress.Target{Measure: compress.Sparsity, Value: 0.9}, compress.Limits{}).Cut, nil
	}}
	groups, err := s.Choose(make(compress.Scores, len(n.Graph.Groups)), false)
	if err != nil {
		t.Fatal(err)
	}
	elements := n.Elements(train.Both)
	moved := slices.IndexFunc(groups, func(g int) bool { return elements[g] == 0 })
	if moved != 31 {
		t.Errorf("%d groups that are trained go before the first that is not, want all but one of 32", moved)
	}
	if slices.ContainsFunc(groups[moved:], func(g int) bool { return elements[g] > 0 }) {
		t.Errorf("groups that are trained go after some that are not: %v", groups)
	}
}

// equal holds that onnxruntime gets the same from models of x.
func equal(t *testing.T, models ...*onnx.Model) {
	t.Helper()
	x := vector(rand.New(rand.NewPCG(7, 7)))
	var first map[string]*tensor.Tensor
	for i, m := range models {
		defer m.Close()
		s, err := ortest.Open(t.TempDir(), m.Proto)
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.Run(map[string]*tensor.Tensor{"x": x})
		s.Close()
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = out
		}
		for name, y := range out {
			for k, v := range y.Float32s() {
				if want := first[name].Float32s()[k]; math.Abs(float64(v-want)) > 1e-4*(1+math.Abs(float64(want))) {
					t.Fatalf("element %d of %s is %v in model %d, %v in the first", k, name, v, i, want)
				}
			}
		}
	}
}

// vectors are batches of random inputs, vector is one.
func vectors(count int) train.Inputs {
	return func(yield func(map[string]*tensor.Tensor) bool) {
		rng := rand.New(rand.NewPCG(3, 3))
		for range count {
			if !yield(map[string]*tensor.Tensor{"x": vector(rng)}) {
				return
			}
		}
	}
}

func vector(rng *rand.Rand) *tensor.Tensor {
	x := tensor.New(tensor.Float32, 8, 16)
	for i := range x.Float32s() {
		x.Float32s()[i] = float32(rng.NormFloat64())
	}
	return x
}
