package runtime_test

import (
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/proto"

	"onnxcompress/compress/dataset"
	"onnxcompress/graph"
	"onnxcompress/graph/tensor"
	"onnxcompress/internal/modelgen"
	"onnxcompress/onnx"
	"onnxcompress/runtime"
)

// FuzzRun: a model that can be opened runs, or says why it does not, in memory
// that is bounded.
func FuzzRun(f *testing.F) {
	for seed := range uint64(48) {
		b, err := proto.Marshal(modelgen.Model(seed))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := onnx.Parse(b)
		if err != nil || m.Check() != nil {
			return
		}
		s, err := runtime.Open(m, runtime.Options{Threads: 1, MemoryLimit: 64 << 20})
		if err != nil {
			return
		}
		defer s.Close()
		if in := inputsFor(m); in != nil {
			_, _ = s.Run(in)
		}
	})
}

// inputsFor makes small inputs for a model; nil where it declares none that are.
func inputsFor(m *onnx.Model) map[string]*tensor.Tensor {
	g, err := graph.Import(m)
	if err != nil {
		return nil
	}
	var ports []dataset.Port
	for _, v := range g.Inputs {
		tt := v.Type.GetTensorType()
		p := dataset.Port{Name: v.Name, DType: tensor.DType(tt.GetElemType())}
		for _, d := range tt.GetShape().GetDim() {
			if d.GetDimValue() > 64 {
				return nil
			}
			p.Shape = append(p.Shape, max(d.GetDimValue(), -1))
		}
		ports = append(ports, p)
	}
	in, err := dataset.Random(ports, nil, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		return nil
	}
	return in
}
