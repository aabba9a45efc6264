package optest

import (
	"testing"

	"onnxcompress/graph/op"
	"onnxcompress/graph/tensor"
	"onnxcompress/runtime/kernel"
)

// Evaluate runs the routine of a case and returns output 0 and the gradient of
// input 0 where that of output 0 is slope everywhere.
func Evaluate(t *testing.T, c Case, slope float32) (y, dx []float32) {
	t.Helper()
	spec := op.Lookup(c.Domain, c.Op)
	n := c.node(spec, t)
	r, err := spec.Compile(n)
	if err != nil || r == nil {
		t.Fatalf("made no routine: %v", err)
	}
	pool := kernel.NewPool(1)
	defer pool.Close()
	f := &op.Frame{Pool: pool, In: c.In, Scratch: poison(r.Scratch), State: poison(r.State), Add: make([]bool, len(c.In))}
	f.DIn = make([]*tensor.Tensor, len(c.In))
	f.DIn[0] = tensor.FromFloat32s(c.In[0].Shape, poison(c.In[0].Len()))
	for _, out := range n.Out {
		f.Out = append(f.Out, tensor.New(out.DType, out.Shape...))
	}
	f.DOut = make([]*tensor.Tensor, len(f.Out))
	f.DOut[0] = tensor.New(tensor.Float32, n.Out[0].Shape...)
	kernel.Fill(f.DOut[0].Float32s(), slope)
	r.Forward(f)
	r.Backward(f)
	return f.Y(0), f.DIn[0].Float32s()
}
