package runtime

import (
	"math"
	"testing"

	"onnxcompress/graph/op/optest"
	"onnxcompress/graph/tensor"
)

// TestOneValueTwice: a value that a node reads more than once, itself or under
// another shape, is not overwritten while it is read: the output is the same where
// the value is an output of the model, and keeps a place of its own.
func TestOneValueTwice(t *testing.T) {
	for name, test := range map[string]struct{ text, kept string }{
		"sum":          {"input x 4,64\nh = MatMul x w[64,64]\nc = MatMul x w[64,64]\ny = Sum h c h\noutput y", "h"},
		"mean":         {"input x 4,64\nh = MatMul x w[64,64]\nc = MatMul x w[64,64]\ny = Mean h c h\noutput y", "h"},
		"view":         {"input x 4,64\nh = MatMul x w[64,64]\nc = MatMul x w[64,64]\ni = Identity h\ny = Sum h c i\noutput y", "h"},
		"chain":        {"input x 4,64\nh = MatMul x w[64,64]\nc = MatMul x w[64,64]\ni = Identity h\nr = Relu h\ny = Sum r c i\noutput y", "h"},
		"scatter":      {"input x 4,64\nh = MatMul x w[64,64]\nk = Reshape i[3,2,1,0] i[4,1]\ny = ScatterND h k h\noutput y", "h"},
		"scatter add":  {"input x 4,64\nh = MatMul x w[64,64]\nk = Reshape i[3,2,1,0] i[4,1]\ny = ScatterND h k h ; reduction=add\noutput y", "h"},
		"elements":     {"input x 4\nh = Mul x w[4]\ng = Exp h\ny = ScatterElements g i[3,2,1,0] g\noutput y", "g"},
		"other shapes": {"input x 4,64\nh = MatMul x w[64,64]\nk = Reshape h i[64,4]\nl = Reshape k i[4,64]\nz = Mul h l\ny = Sub z h\noutput y", "h"},
	} {
		t.Run(name, func(t *testing.T) {
			near(t, "output", inferred(t, test.text), inferred(t, test.text+"\noutput "+test.kept))
		})
	}
}

// inferred is the output y of a model for random input.
func inferred(t *testing.T, text string) *tensor.Tensor {
	t.Helper()
	s, err := Open(parsed(t, text), Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out, err := s.Run(map[string]*tensor.Tensor{"x": random(s)})
	if err != nil {
		t.Fatal(err)
	}
	return out["y"]
}

// random suits the first input of a session.
func random(s *Session) *tensor.Tensor {
	var shape []int64
	for _, d := range s.graph.Inputs[0].Type.GetTensorType().GetShape().GetDim() {
		shape = append(shape, d.GetDimValue())
	}
	return optest.Random(3, shape...)
}

// TestSharedGradients: the gradient of a weight does not depend on whether what a
// node reads twice is one value or two that are equal.
func TestSharedGradients(t *testing.T) {
	for name, test := range map[string][2]string{
		"attention": {
			"input x 2,5,16\nh = MatMul x w[16,16]\ny = Attention h h h ; q_num_heads=2 kv_num_heads=2\noutput y",
			"input x 2,5,16\nh = MatMul x w[16,16]\nk = Identity h\nv = Neg h\nu = Neg v\ny = Attention h k u ; q_num_heads=2 kv_num_heads=2\noutput y",
		},
		"keys are values": {
			"input x 2,5,16\nh = MatMul x w[16,16]\ny = Attention x h h ; q_num_heads=2 kv_num_heads=2\noutput y",
			"input x 2,5,16\nh = MatMul x w[16,16]\nv = Neg h\nu = Neg v\ny = Attention x h u ; q_num_heads=2 kv_num_heads=2\noutput y",
		},
		"product": {
			"input x 5,5\nh = MatMul x w[5,5]\ny = MatMul h h\noutput y",
			"input x 5,5\nh = MatMul x w[5,5]\nv = Neg h\nu = Neg v\ny = MatMul h u\noutput y",
		},
		"found as it runs": {
			"input x 3,4\nk = Cast x ; to=11\nf = Cast k ; to=1\ny = Mul f q:w[3,4]\noutput y",
			"input x 3,4\ny = Mul x q:w[3,4]\noutput y",
		},
	} {
		t.Run(name, func(t *testing.T) {
			near(t, "gradient", slope(t, test[0]), slope(t, test[1]))
		})
	}
}

// slope is the gradient of a model's first variable.
func slope(t *testing.T, text string) *tensor.Tensor {
	t.Helper()
	m := parsed(t, text)
	m.Proto.OpsetImport[0].Version = ptr(int64(23))
	tr, err := NewTrainer(m, TrainOptions{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	if err := tr.Forward(random(tr.train)); err != nil {
		t.Fatal(err)
	}
	for i := range tr.Seed() {
		tr.Seed()[i] = float32(math.Cos(float64(i)))
	}
	if err := tr.Backward(); err != nil {
		t.Fatal(err)
	}
	v := tr.Variables()[0]
	return tensor.FromFloat32s(v.Shape, v.Grad).Clone()
}

func ptr[T any](v T) *T { return &v }

// TestGradientsOfFound: a gradient reads what a definition made as the step ran.
func TestGradientsOfFound(t *testing.T) {
	for name, text := range map[string]string{
		"indices":   "input x 3\nk = Cast x ; to=7\ny = Gather q:w[8,4] k\noutput y",
		"condition": "input x 3,4\na = Add x q:w[3,4]\nc = Greater x f[1.0]\ny = Where c a x\noutput y",
	} {
		t.Run(name, func(t *testing.T) {
			sum := 0.0
			for _, v := range slope(t, text).AsFloat64s() {
				sum += math.Abs(v)
			}
			if sum == 0 {
				t.Error("the gradient is zero")
			}
		})
	}
}

// TestMisuse: what a caller does wrong is an error.
func TestMisuse(t *testing.T) {
	s, err := Open(parsed(t, "input x N,4\ny = Relu x\noutput y"), Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Run(map[string]*tensor.Tensor{"x": optest.Random(1, 3, 4)}); err != nil {
		t.Fatal(err)
	}
	short := optest.Random(1, 3, 4)
	short.Data = short.Data[:8]
	if _, err := s.Run(map[string]*tensor.Tensor{"x": short}); err == nil {
		t.Error("an input of too few bytes is taken")
	}
	tr, err := NewTrainer(parsed(t, "input x 3,4\ny = MatMul x w[4,4]\noutput y"), TrainOptions{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	if err := tr.Backward(); err == nil || tr.Output() != nil || tr.Seed() != nil {
		t.Error("there is a gradient before anything was computed")
	}
}
