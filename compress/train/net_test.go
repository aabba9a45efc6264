package train_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"onnxcompress/compress/optim"
	"onnxcompress/compress/train"
	"onnxcompress/depgraph"
	"onnxcompress/graph"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
	"onnxcompress/runtime"
	"onnxcompress/runtime/loss"
)

const digits = "../../testdata/resnet8_digits.onnx"

// open readies a model for training.
func open(t *testing.T, path string, p train.Preparation) *train.Net {
	t.Helper()
	m, err := onnx.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	own, err := train.Prepare(m, p)
	if err != nil {
		t.Fatal(err)
	}
	n, err := train.NewNet(own, p.Shapes, runtime.TrainOptions{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// noise is batches of random pictures of digits.
func noise(count int) train.Inputs {
	return func(yield func(map[string]*tensor.Tensor) bool) {
		rng := rand.New(rand.NewPCG(3, 3))
		for range count {
			if !yield(map[string]*tensor.Tensor{"input": pictures(rng)}) {
				return
			}
		}
	}
}

func pictures(rng *rand.Rand) *tensor.Tensor {
	x := make([]float32, 16*64)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return tensor.FromFloat32s([]int64{16, 1, 8, 8}, x)
}

// half chooses every other group of each family.
func half(g *depgraph.Graph) []int {
	var groups []int
	for _, f := range g.Families {
		for i, group := range f.Groups {
			if i%2 == 1 {
				groups = append(groups, group)
			}
		}
	}
	return groups
}

// steps trains a net on random pictures, the same ones for each net.
func steps(t *testing.T, n *train.Net, o optim.Optimiser, count int, seed uint64) []float64 {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	var losses []float64
	for range count {
		x := pictures(rng)
		labels := make([]int64, 16)
		for i := range labels {
			labels[i] = rng.Int64N(10)
		}
		v, err := n.Trainer().Gradients(loss.CrossEntropy{}, tensor.FromInt64s([]int64{16}, labels), x)
		if err != nil {
			t.Fatal(err)
		}
		losses = append(losses, v)
		n.SilenceGradients()
		var params []optim.Param
		for _, v := range n.Variables() {
			params = append(params, optim.Param{Value: v.Value, Grad: v.Grad})
		}
		if err := o.Step(params); err != nil {
			t.Fatal(err)
		}
	}
	return losses
}

// TestShrink holds that training goes on the same whether the groups that are
// zero are there or not.
func TestShrink(t *testing.T) {
	for name, o := range map[string]func() optim.Optimiser{
		"momentum": func() optim.Optimiser { return &optim.SGD{LR: 0.01, Momentum: 0.9, WeightDecay: 1e-3} },
		"adamw":    func() optim.Optimiser { return optim.NewAdamW(1e-3) },
	} {
		t.Run(name, func(t *testing.T) {
			var got [2][]float64
			var full [2]*onnx.Model
			var used [2][]float32
			var trained []string
			for i := range 2 {
				n, o := open(t, digits, train.Preparation{BatchNorms: true, Batches: noise(20), Threads: 1}), o()
				got[i] = steps(t, n, o, 3, 1)
				n.Remove(o.Memories(), half(n.Graph)...)
				if i == 1 {
					if err := n.Shrink(o, nil); err != nil {
						t.Fatal(err)
					}
					if len(n.Variables()[0].Value) >= n.Graph.Witness.Values[n.Graph.Weights[0].Value.ID].Value.Len() {
						t.Error("the first weight has not lost a channel")
					}
				}
				got[i] = append(got[i], steps(t, n, o, 6, 2)...)
				out, err := n.Trainer().Evaluate(pictures(rand.New(rand.NewPCG(5, 5))))
				if err != nil {
					t.Fatal(err)
				}
				used[i] = slices.Clone(out[0].Float32s())
				full[i] = n.Full()
				defer full[i].Close()
				for _, v := range n.Variables() {
					trained = append(trained, v.Name)
				}
			}
			for k := range used[0] {
				if math.Abs(float64(used[0][k]-used[1][k])) > 1e-4 {
					t.Errorf("output %d is %v masked, %v shrunk", k, used[0][k], used[1][k])
				}
			}
			for k := range got[0] {
				if math.Abs(got[0][k]-got[1][k]) > 1e-4*(1+math.Abs(got[0][k])) {
					t.Errorf("step %d: loss %v masked, %v shrunk", k, got[0][k], got[1][k])
				}
			}
			same(t, full[0], full[1], trained)
		})
	}
}

// same compares initializers of two models.
func same(t *testing.T, a, b *onnx.Model, names []string) {
	t.Helper()
	y := b.Proto.GetGraph().GetInitializer()
	for i, p := range a.Proto.GetGraph().GetInitializer() {
		if !slices.Contains(names, p.GetName()) {
			continue // the statistics of what is zero have nobody to serve
		}
		u, v := contents(t, a, p), contents(t, b, y[i])
		for k := range u {
			if math.Abs(u[k]-v[k]) > 1e-4*(1+math.Abs(u[k])) {
				t.Errorf("%s: element %d is %g masked and %g shrunk", p.GetName(), k, u[k], v[k])
				break
			}
		}
	}
}

func contents(t *testing.T, m *onnx.Model, p *onnx.TensorProto) []float64 {
	t.Helper()
	v, err := graph.Decode(m, p)
	if err != nil {
		t.Fatal(err)
	}
	return v.AsFloat64s()
}
