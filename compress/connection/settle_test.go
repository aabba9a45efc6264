package connection_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"onnxcompress/compress/connection"
	"onnxcompress/compress/optim"
	"onnxcompress/compress/sparsify"
	"onnxcompress/compress/train"
	"onnxcompress/graph/tensor"
	"onnxcompress/internal/modeltext"
	"onnxcompress/internal/ortest"
	"onnxcompress/onnx"
	"onnxcompress/runtime"
	"onnxcompress/runtime/loss"
)

func TestMain(m *testing.M) { ortest.Main(m) }

// nets are small models, all with 5 outputs.
var nets = []struct {
	name, text string
	shape      []int64
}{
	{"plain", `
		input x N,3,8,8
		a = Conv x w[16,3,3,3] w[16] ; pads=[1,1,1,1]
		r = Relu a
		b = Conv r w[24,16,3,3] w[24] ; pads=[1,1,1,1] strides=[2,2]
		s = Sigmoid b
		p = GlobalAveragePool s
		f = Flatten p
		y = Gemm f w[5,24] w[5] ; transB=1
		output y`, []int64{8, 3, 8, 8}},
	{"residual", `
		input x N,3,8,8
		a = Conv x w[16,3,3,3] ; pads=[1,1,1,1]
		n = BatchNormalization a p[16] w[16] w[16] p[16]
		r = Relu n
		b = Conv r w[12,16,1,1] w[12]
		s = Relu b
		c = Conv s w[16,12,3,3] w[16] ; pads=[1,1,1,1]
		d = Add r c
		q = Relu d
		e = Conv q w[16,1,3,3] w[16] ; group=16 pads=[1,1,1,1]
		p = GlobalAveragePool e
		f = Flatten p
		y = Gemm f w[16,5] w[5]
		output y`, []int64{8, 3, 8, 8}},
	{"tokens", `
		input x N,6,10
		a = MatMul x w[10,32]
		b = Add a w[32]
		g = Gelu b ; approximate=tanh
		c = MatMul g w[32,20]
		d = Add c w[20]
		r = Relu d
		m = ReduceMean r i[1] ; keepdims=0
		y = Gemm m w[20,5] w[5]
		output y`, []int64{8, 6, 10}},
	{"upwards", `
		input x N,12,3,3
		a = Conv x w[16,12,1,1] w[16]
		r = Relu a
		c = ConvTranspose r w[16,8,2,2] w[8] ; strides=[2,2]
		s = Relu c
		j = Concat s s ; axis=1
		k = Conv j w[6,16,3,3] w[6]
		t = Tanh k
		p = GlobalAveragePool t
		f = Flatten p
		y = Gemm f w[6,5] w[5]
		output y`, []int64{8, 12, 3, 3}},
}

// noise is a train.Source of random samples.
type noise struct {
	shape []int64
	rng   *rand.Rand
}

// Steps implements train.Source.
func (s *noise) Steps() int { return 12 }

// Seek implements train.Source.
func (s *noise) Seek(int, int) error { return nil }

// Next implements train.Source.
func (s *noise) Next(context.Context) (train.Batch, error) {
	labels := make([]int64, s.shape[0])
	for i := range labels {
		labels[i] = s.rng.Int64N(5)
	}
	return train.Batch{Inputs: map[string]*tensor.Tensor{"x": s.tensor()}, Truth: tensor.FromInt64s([]int64{s.shape[0]}, labels)}, nil
}

func (s *noise) tensor() *tensor.Tensor {
	x := tensor.New(tensor.Float32, s.shape...)
	for i := range x.Float32s() {
		x.Float32s()[i] = float32(s.rng.NormFloat64())
	}
	return x
}

// TestSettle holds that a net made sparse gives the same at its full size and
// without the groups that nothing was left of, that there are such, and that as
// many connections are left as were to be.
func TestSettle(t *testing.T) {
	for _, net := range nets {
		for _, sparsity := range []float64{0.5, 0.9, 0.97, 0.999} {
			t.Run(net.name, func(t *testing.T) {
				p, err := modeltext.Parse(net.text, 20, 5)
				if err != nil {
					t.Fatal(err)
				}
				s := &noise{net.shape, rand.New(rand.NewPCG(2, 2))}
				task := &train.Task{
					Net: ready(t, p), Method: sparsify.New(sparsify.Once(sparsify.Random, sparsity, 0.5)), Source: s,
					Objective: &train.Objective{Truth: loss.CrossEntropy{}}, Optimiser: &optim.SGD{Momentum: 0.9},
					Rate: 0.01, Schedule: optim.Constant(1), Epochs: 1,
				}
				if _, err := task.Run(t.Context()); err != nil {
					t.Fatal(err)
				}
				c := connection.Of(task.Net)
				if want := int(math.Round((1 - sparsity) * float64(c.Total))); c.Live != want {
					t.Errorf("%d of %d connections, want %d", c.Live, c.Total, want)
				}
				if sparsity > 0.95 && task.Net.Removed() == 0 {
					t.Errorf("at %v nothing is removed", sparsity)
				}
				alike(t, task.Net.Full(), task.Net.Model(), s.tensor())
			})
		}
	}
}

func ready(t *testing.T, p *onnx.ModelProto) *train.Net {
	t.Helper()
	own, err := train.Prepare(ortest.Model(t, p), train.Preparation{})
	if err != nil {
		t.Fatal(err)
	}
	n, err := train.NewNet(own, nil, runtime.TrainOptions{Threads: 1})
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

// alike holds that onnxruntime gets the same from two models.
func alike(t *testing.T, full, compact *onnx.Model, x *tensor.Tensor) {
	t.Helper()
	var said [2][]float32
	for i, m := range []*onnx.Model{full, compact} {
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
		for _, y := range out {
			said[i] = y.Float32s()
		}
	}
	for k := range said[0] {
		if math.Abs(float64(said[0][k]-said[1][k])) > 1e-4*(1+math.Abs(float64(said[0][k]))) {
			t.Fatalf("output %d is %v masked, %v compact", k, said[0][k], said[1][k])
		}
	}
}
