package optest

import (
	"strings"
	"testing"

	"onnxcompress/graph/op"
	"onnxcompress/graph/tensor"
	"onnxcompress/runtime/kernel"
)

// Evaluate runs the routine of a case and returns output 0 and the gradient of
// input 0 where that of output 0 is slope everywhere.
func Evaluate(t *testing.T, c Case, slope float32) (y, dx []float32) {
	t.Helper()
	r, f := c.prepare(t, 1, false)
	defer f.Pool.Close()
	kernel.Fill(f.DOut[0].Float32s(), slope)
	r.Forward(f)
	r.Backward(f)
	return f.Y(0), f.DIn[0].Float32s()
}

// Bench measures the routine of a case, forward and backward, on a number of
// threads; last says that it runs channels-last.
func Bench(b *testing.B, c Case, threads int, last bool) {
	r, f := c.prepare(b, threads, last)
	defer f.Pool.Close()
	b.Run("forward", func(b *testing.B) {
		for b.Loop() {
			r.Forward(f)
		}
	})
	b.Run("backward", func(b *testing.B) {
		for b.Loop() {
			r.Backward(f)
		}
	})
}

// prepare makes the routine of a case and a frame with all gradients.
func (c *Case) prepare(t testing.TB, threads int, last bool) (*op.Routine, *op.Frame) {
	t.Helper()
	spec := op.Lookup(c.Domain, c.Op)
	n := c.node(spec, t)
	n.Last, n.Pool = last, kernel.NewPool(threads)
	r, err := spec.Compile(n)
	if err != nil || r == nil {
		t.Fatalf("made no routine: %v", err)
	}
	f := &op.Frame{Pool: n.Pool, In: c.In, Scratch: poison(r.Scratch), State: poison(r.State), Add: make([]bool, len(c.In))}
	f.DIn = make([]*tensor.Tensor, len(c.In))
	for i, x := range c.In {
		if x != nil && x.DType == tensor.Float32 {
			f.DIn[i] = tensor.FromFloat32s(x.Shape, poison(x.Len()))
		}
	}
	f.DOut = make([]*tensor.Tensor, len(n.Out))
	for o, out := range n.Out {
		f.Out = append(f.Out, tensor.New(out.DType, out.Shape...))
		if o == 0 {
			f.DOut[0] = Random(99, out.Shape...)
		}
	}
	return r, f
}

// Fails holds that the routine of a case says why it cannot compute, which the
// definition cannot either.
func Fails(t *testing.T, c Case, want string) {
	t.Helper()
	r, f := c.prepare(t, 2, false)
	defer f.Pool.Close()
	if r.Forward(f); f.Err == nil || !strings.Contains(f.Err.Error(), want) {
		t.Errorf("%s fails with %v, not with %q", c.Op, f.Err, want)
	}
	if _, err := op.Lookup(c.Domain, c.Op).Forward(c.node(op.Lookup(c.Domain, c.Op), t), c.In); err == nil {
		t.Errorf("the definition of %s does not fail", c.Op)
	}
}
