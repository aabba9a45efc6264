package runtime

import (
	"testing"

	"onnxcompress/graph/op/optest"
)

// TestViews: products that read and write tensors where they lie give what they
// give of copies, gradients too, without a step for each copy, and allocate
// nothing.
func TestViews(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		steps int // that are left
	}{
		"turned weights": {`
			input x 3,5,8
			v = Transpose w[12,8] ; perm=[1,0]
			y = MatMul x v
			output y`, 1},
		"turned twice": {`
			input x 3,5,8
			h = MatMul x w[8,12]
			v = Transpose h ; perm=[0,2,1]
			u = Transpose v ; perm=[0,2,1]
			y = MatMul u w[12,3]
			output y`, 2},
		"products with itself": {`
			input x 3,5,8
			h = MatMul x w[8,12]
			v = Transpose h ; perm=[0,2,1]
			y = MatMul h v
			output y`, 2},
		"one packed tensor": {`
			input x 3,7,8
			a = MatMul x w[8,36]
			b = Reshape a i[3,7,3,2,6]
			c = Transpose b ; perm=[2,0,3,1,4]
			q, k, v = Split c ; axis=0
			d = Squeeze q i[0]
			e = Squeeze k i[0]
			f = Squeeze v i[0]
			g = Transpose e ; perm=[0,1,3,2]
			s = MatMul d g
			r = MatMul s f
			z = Transpose r ; perm=[0,2,1,3]
			y = Reshape z i[3,7,12]
			output y`, 3},
		"parts by index": {`
			input x 3,7,8
			a = MatMul x w[8,36]
			b = Reshape a i[3,7,2,3,6]
			c = Transpose b ; perm=[3,0,2,1,4]
			q = Gather c i[0] ; axis=0
			k = Gather c i[-2] ; axis=0
			v = Gather c i[2] ; axis=0
			e = Transpose k ; perm=[0,1,2,4,3]
			s = MatMul q e
			y = MatMul s v
			output y`, 3},
		"parts that overlap": {`
			input x 3,9,8
			a = MatMul x w[8,6]
			q = Slice a i[0] i[6] i[1]
			k = Slice a i[1] i[9] i[1] i[2]
			e = Transpose k ; perm=[0,2,1]
			y = MatMul q e
			output y`, 2},
		"a part, and all": {`
			input x 3,9,8
			a = MatMul x w[8,6]
			q = Gather a i[4] ; axis=1
			b = MatMul q w[6,6]
			c = MatMul b w[6,6]
			y = Add a c
			output y`, 4},
		"vectors": {`
			input x 4,6
			a = MatMul x w[6,5]
			k = Transpose a ; perm=[1,0]
			u = MatMul w[5] k
			v = MatMul k w[4]
			d = MatMul u w[4,5]
			y = Add d v
			output y`, 5},
		"read otherwise, too": {`
			input x 3,5,8
			a = MatMul x w[8,12]
			v = Transpose a ; perm=[0,2,1]
			r = Relu v
			s = MatMul r a
			u = MatMul v a
			y = Add s u
			output y`, 6},
		"no axis without gaps": {`
			input x 3,4,10
			a = MatMul x w[10,24]
			b = Reshape a i[3,4,6,4]
			v = Transpose b ; perm=[0,3,2,1]
			y = MatMul v w[3,4,4,5]
			output y`, 3},
		"rows at two distances": {`
			input x 3,4,10
			a = MatMul x w[10,24]
			b = Transpose a ; perm=[0,2,1]
			y = MatMul b w[4,5]
			output y`, 3},
	} {
		t.Run(name, func(t *testing.T) { alikeApart(t, c.text, c.steps) })
	}
}

// alikeApart holds that a training, and a run without one, computes the same where nodes are computed
// together and where each is by itself, in so many steps.
func alikeApart(t *testing.T, text string, steps int) {
	t.Helper()
	m := parsed(t, text)
	var shape []int64
	for _, d := range m.Proto.GetGraph().GetInput()[0].GetType().GetTensorType().GetShape().GetDim() {
		shape = append(shape, d.GetDimValue())
	}
	x := optest.Random(3, shape...)
	one, many := trained(t, m, true, x), trained(t, m, false, x)
	count := 0
	for _, s := range many.steps {
		if s.routine == nil || !s.routine.View {
			count++
		}
	}
	if count != steps {
		t.Errorf("%d steps, not %d", count, steps)
	}
	for range 2 {
		want := run(t, one)
		near(t, "output", run(t, many), want)
	}
	for name, want := range one.slopes {
		near(t, "gradient of "+name, many.slopes[name].tensor, want.tensor)
	}
	near(t, "output of no training", used(t, m, false, x), used(t, m, true, x))
	again := func() {
		if err := many.Run(); err != nil {
			t.Fatal(err)
		}
		if err := many.back(); err != nil {
			t.Fatal(err)
		}
	}
	n := 1.0
	for i := 0; n > 0 && i < 5; i++ {
		n = testing.AllocsPerRun(1, again)
	}
	if n > 0 {
		t.Errorf("a step allocates %g times", n)
	}
}
