package runtime

import (
	"math"
	"strings"
	"testing"

	"onnxcompress/graph/op/optest"
	"onnxcompress/graph/tensor"
	"onnxcompress/internal/modeltext"
	"onnxcompress/internal/ortest"
	"onnxcompress/onnx"
)

// parsed is a model from text.
func parsed(t *testing.T, text string) *onnx.Model {
	t.Helper()
	p, err := modeltext.Parse(text, 21, 1)
	if err != nil {
		t.Fatal(err)
	}
	return ortest.Model(t, p)
}

// trained is a program with the gradients of all float initializers but scalars
// and those whose names begin with c.
func trained(t *testing.T, m *onnx.Model, apart bool, x *tensor.Tensor) *Program {
	t.Helper()
	s, err := Open(m, Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	s.apart, s.train = apart, true
	s.variables, s.running, s.weights = map[string]bool{}, map[string]bool{}, map[string]*tensor.Tensor{}
	for _, v := range s.graph.Values {
		if v.Init != nil && tensor.DType(v.Init.GetDataType()) == tensor.Float32 && len(v.Init.GetDims()) > 0 && !strings.HasPrefix(v.Name, "c") {
			if strings.HasPrefix(v.Name, "m") || strings.HasPrefix(v.Name, "v") {
				s.running[v.Name] = true
			} else {
				s.variables[v.Name] = true
			}
		}
	}
	p, err := s.program([]*tensor.Tensor{x})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.set(0, x); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestChains: what nodes compute in a chain, and its gradients, are what they compute one
// by one.
func TestChains(t *testing.T) {
	for name, text := range map[string]string{
		"gelu": `
			input x 4,50,96
			a = MatMul x w[96,128]
			b = Add a w[128]
			c = Div b f[1.4142135]
			d = Erf c
			e = Add d f[1.0]
			g = Mul b e
			y = Mul g f[0.5]
			output y`,
		"gelu, halved first": `
			input x 4,50,96
			b = MatMul x w[96,128]
			c = Mul b f[0.70710677]
			d = Erf c
			e = Add f[1.0] d
			g = Mul b f[0.5]
			h = Mul g e
			y = Add h b
			output y`,
		"gelu, halved last but one": `
			input x 4,50,96
			b = MatMul x w[96,128]
			c = Mul b f[0.70710677]
			d = Erf c
			e = Add f[1.0] d
			g = Mul f[0.5] e
			y = Mul b g
			output y`,
		"no gelu": `
			input x 4,50,96
			b = MatMul x w[96,128]
			c = Mul b f[0.70710677]
			d = Erf c
			e = Add f[1.0] d
			g = Mul f[0.25] e
			y = Mul b g
			output y`,
		"residual": `
			input x 2,16,9,9
			a = Conv x w[64,16,3,3] ; pads=[1,1,1,1]
			b = Mul a w[64,1,1]
			c = Add b w[1,64,1,1]
			d = Add c a
			y = Relu d
			output y`,
		"used twice": `
			input x 3,200
			a = Gemm x w[200,160]
			b = Sigmoid a
			c = Mul a b
			d = Tanh c
			e = Sub d c
			y = Mul e e
			output y`,
		"batch normalisation": `
			input x 4,8,6,6
			a = Conv x w[24,8,3,3] ; pads=[1,1,1,1]
			b = BatchNormalization a w[24] w[24] m1:w[24] v1:p[24]
			r = Relu b
			c = Conv r w[24,24,1,1] w[24]
			d = BatchNormalization c w[24] w[24] m2:w[24] v2:p[24]
			e = Add d r
			g = Relu e
			h = Conv g w[24,24,3,3]
			i = BatchNormalization h w[24] w[24] m3:w[24] v3:p[24]
			k = Conv g w[24,24,3,3]
			y = Add i k
			output y`,
		"column": `
			input x 40,64
			a = Gemm x w[64,96]
			b = Mul a w[40,1]
			y = Exp b
			output y`,
	} {
		t.Run(name, func(t *testing.T) {
			m := parsed(t, text)
			var shape []int64
			for _, d := range m.Proto.GetGraph().GetInput()[0].GetType().GetTensorType().GetShape().GetDim() {
				shape = append(shape, d.GetDimValue())
			}
			x := optest.Random(3, shape...)
			one, many := trained(t, m, true, x), trained(t, m, false, x)
			if len(many.steps) >= len(one.steps) {
				t.Fatalf("%d steps and not fewer than %d", len(many.steps), len(one.steps))
			}
			var want *tensor.Tensor
			for range 2 {
				want = run(t, one)
				near(t, "output", run(t, many), want)
			}
			for name, want := range one.slopes {
				near(t, "gradient of "+name, many.slopes[name].tensor, want.tensor)
			}
		})
	}
}

// run computes the output, and the gradients.
func run(t *testing.T, p *Program) *tensor.Tensor {
	t.Helper()
	if err := p.Run(); err != nil {
		t.Fatal(err)
	}
	out, seed := p.Output(0).Clone(), p.seed.tensor.Float32s()
	for i := range seed {
		seed[i] = float32(math.Sin(float64(i)))
	}
	for _, s := range p.backward {
		if err := s.run(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// near compares tensors, relative to the largest element.
func near(t *testing.T, what string, got, want *tensor.Tensor) {
	t.Helper()
	v, w, scale := got.AsFloat64s(), want.AsFloat64s(), 1e-6
	if len(v) != len(w) {
		t.Fatalf("%s has %d elements, not %d", what, len(v), len(w))
	}
	for _, x := range w {
		scale = max(scale, math.Abs(x))
	}
	for i := range w {
		if !(math.Abs(v[i]-w[i]) <= 1e-4*scale) {
			t.Fatalf("%s: element %d is %g, not %g", what, i, v[i], w[i])
		}
	}
}

// TestTails: in inference a step that stands for several nodes computes what they do
// one by one.
func TestTails(t *testing.T) {
	for name, text := range map[string]string{
		"scale": `
			input x 2,3,8,8
			a = Conv x w[20,3,3,3] w[20]
			b = BatchNormalization a w[20] w[20] w[20] p[20]
			y = HardSwish b
			output y`,
		"sum": `
			input x 2,16,8,8
			a = Conv x w[16,16,3,3] ; pads=[1,1,1,1]
			b = BatchNormalization a w[16] w[16] w[16] p[16]
			c = Conv x w[16,16,1,1]
			d = BatchNormalization c w[16] w[16] w[16] p[16]
			e = Add b d
			y = Relu e
			output y`,
		"depthwise": `
			input x 2,16,8,8
			a = Conv x w[16,1,3,3] w[16] ; group=16 pads=[1,1,1,1]
			b = Add x a
			y = Sigmoid b
			output y`,
		"dense": `
			input x 2,9,16
			a = MatMul x w[16,24]
			b = Add w[24] a
			c = Relu b
			d = MatMul c w[24,16]
			e = Add d w[16]
			y = Add x e
			output y`,
		"gemm": `
			input x 5,16
			a = Gemm x w[24,16] w[24] ; transB=1
			y = Clip a f[-0.5] f[0.5]
			output y`,
		"nothing": `
			input x 0,64
			a = Mul x w[64]
			b = Exp a
			y = Add b w[64]
			output y`,
		"read twice": `
			input x 2,16,8,8
			a = Conv x w[16,16,3,3] ; pads=[1,1,1,1]
			b = Relu a
			y = Add a b
			output y`,
	} {
		t.Run(name, func(t *testing.T) {
			m := parsed(t, text)
			var shape []int64
			for _, d := range m.Proto.GetGraph().GetInput()[0].GetType().GetTensorType().GetShape().GetDim() {
				shape = append(shape, d.GetDimValue())
			}
			x := optest.Random(3, shape...)
			near(t, "output", used(t, m, false, x), used(t, m, true, x))
		})
	}
}

// used is output y of a run without training.
func used(t *testing.T, m *onnx.Model, apart bool, x *tensor.Tensor) *tensor.Tensor {
	t.Helper()
	s, err := Open(m, Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.apart = apart
	out, err := s.Run(map[string]*tensor.Tensor{"x": x})
	if err != nil {
		t.Fatal(err)
	}
	return out["y"].Clone()
}
