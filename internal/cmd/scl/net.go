package main

import (
	"math"
	"math/rand/v2"

	"google.golang.org/protobuf/proto"

	"onnxcompress/graph/tensor"
	"onnxcompress/internal/modeltext"
	"onnxcompress/onnx"
)

// lenet is LeNet-300-100.
const lenet = `
	input x N,1,28,28
	f = Flatten x
	a = Gemm f w1:w[300,784] b1:w[300] ; transB=1
	r = Relu a
	b = Gemm r w2:w[100,300] b2:w[100] ; transB=1
	s = Relu b
	y = Gemm s w3:w[10,100] b3:w[10] ; transB=1
	output y`

// untrained is LeNet-300-100 as Kaiming's uniform rule draws it: weights and biases
// between ±1/√fan.
func untrained(seed uint64) (*onnx.Model, error) {
	p, err := modeltext.Parse(lenet, 17, seed)
	if err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	bound := 1.0
	for _, t := range p.GetGraph().GetInitializer() {
		if dims := t.GetDims(); len(dims) == 2 {
			bound = 1 / math.Sqrt(float64(dims[1])) // a bias follows its weight
		}
		values := tensor.New(tensor.Float32, t.GetDims()...)
		for i := range values.Float32s() {
			values.Float32s()[i] = float32(bound * (2*rng.Float64() - 1))
		}
		onnx.SetData(t, values.Data)
	}
	b, err := proto.Marshal(p)
	if err != nil {
		return nil, err
	}
	return onnx.Parse(b)
}
