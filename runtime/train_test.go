package runtime_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"onnxcompress/compress/optim"
	"onnxcompress/graph/pass"
	"onnxcompress/graph/tensor"
	"onnxcompress/internal/modeltext"
	"onnxcompress/internal/ortest"
	"onnxcompress/onnx"
	"onnxcompress/runtime"
	"onnxcompress/runtime/loss"
)

// textModel is a model written as text, its initializers set to those given.
func textModel(t testing.TB, text string, weights map[string][]float32) *onnx.Model {
	t.Helper()
	p, err := modeltext.Parse(text, 20, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range p.Graph.Initializer {
		if v, ok := weights[w.GetName()]; ok {
			onnx.SetData(w, tensor.FromFloat32s([]int64{int64(len(v))}, v).Data)
		}
	}
	m := ortest.Model(t, p)
	t.Cleanup(func() { _ = m.Close() })
	return m
}

func newTrainer(t testing.TB, m *onnx.Model, o runtime.TrainOptions) *runtime.Trainer {
	t.Helper()
	tr, err := runtime.NewTrainer(m, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tr.Close() })
	return tr
}

// learner moves a trainer's variables.
type learner struct {
	*runtime.Trainer
	rule   optim.Optimiser
	params []optim.Param
}

func (l *learner) step(t testing.TB, of loss.Loss, y *tensor.Tensor, x ...*tensor.Tensor) float64 {
	t.Helper()
	value, err := l.Gradients(of, y, x...)
	if err != nil {
		t.Fatal(err)
	}
	l.params = l.params[:0]
	for _, v := range l.Variables() {
		l.params = append(l.params, optim.Param{Value: v.Value, Grad: v.Grad})
	}
	if err := l.rule.Step(l.params); err != nil {
		t.Fatal(err)
	}
	return value
}

const mlp = `
input x N,6
a = Gemm x w1:w[10,6] b1:w[10] ; transB=1
t = Tanh a
m = MatMul t w2:w[10,10]
s = Add m b2:w[10]
r = Relu s
h = Add t r
g = Gelu h
y = Gemm g w3:w[4,10] b3:w[4] ; transB=1
output y
`

const cnn = `
input x N,1,8,8
a1 = Conv x c1:w[4,1,3,3] ; pads=[1,1,1,1]
n1 = BatchNormalization a1 scale1:p[4] shift1:w[4] mean1:w[4] var1:p[4]
r1 = Relu n1
p1 = MaxPool r1 ; kernel_shape=[2,2] strides=[2,2]
a2 = Conv p1 c2:w[6,4,3,3] ; pads=[1,1,1,1]
n2 = BatchNormalization a2 scale2:p[6] shift2:w[6] mean2:w[6] var2:p[6]
r2 = Relu n2
p2 = GlobalAveragePool r2
f = Flatten p2
y = Gemm f w:w[4,6] b:w[4] ; transB=1
output y
`

// numbers are some that follow from the shape.
func numbers(shape ...int64) *tensor.Tensor {
	x := tensor.New(tensor.Float32, shape...)
	for i := range x.Float32s() {
		x.Float32s()[i] = float32(math.Sin(float64(3*i + 1)))
	}
	return x
}

// gradient is that of a variable after a step of mean squares against zero.
func gradient(t *testing.T, tr *runtime.Trainer, name string, x *tensor.Tensor) []float32 {
	t.Helper()
	if err := tr.Forward(x); err != nil {
		t.Fatal(err)
	}
	if _, err := (loss.MSE{}).Value(tr.Output(), tensor.New(tensor.Float32, tr.Output().Shape...), tr.Seed()); err != nil {
		t.Fatal(err)
	}
	if err := tr.Backward(); err != nil {
		t.Fatal(err)
	}
	for _, v := range tr.Variables() {
		if v.Name == name {
			return slices.Clone(v.Grad)
		}
	}
	t.Fatalf("%s is no variable", name)
	return nil
}

// TestTied: the gradients of the uses of one initializer add up.
func TestTied(t *testing.T) {
	const tied = `
input x N,5
a = MatMul x w:w[5,5]
r = Tanh a
b = MatMul r w
s = Add b v:w[5]
y = Add s v
output y`
	apart := strings.Replace(tied, "b = MatMul r w", "b = MatMul r u:w[5,5]", 1)
	same := textModel(t, tied, nil)
	w := map[string][]float32{}
	for _, p := range same.Proto.Graph.Initializer {
		w[p.GetName()] = numbers(p.Dims...).Float32s()
	}
	w["u"] = w["w"]
	x := numbers(3, 5)
	one, two := newTrainer(t, textModel(t, tied, w), runtime.TrainOptions{}), newTrainer(t, textModel(t, apart, w), runtime.TrainOptions{})
	got, first, second := gradient(t, one, "w", x), gradient(t, two, "w", x), gradient(t, two, "u", x)
	for i := range got {
		if want := first[i] + second[i]; math.Abs(float64(got[i]-want)) > 1e-5 {
			t.Errorf("gradient %d is %v, want %v", i, got[i], want)
		}
	}
}

// TestOneGradientOfTwo: variables that are added have one gradient, each in a
// place of its own.
func TestOneGradientOfTwo(t *testing.T) {
	tr := newTrainer(t, textModel(t, `
input x 2,3
a = Add x u:w[2,3]
y = Add a v:w[2,3]
output y`, nil), runtime.TrainOptions{})
	gradient(t, tr, "u", numbers(2, 3))
	u, v := tr.Variables()[0], tr.Variables()[1]
	if !slices.Equal(u.Grad, v.Grad) || len(u.Grad) != 6 {
		t.Fatalf("gradients %v and %v", u.Grad, v.Grad)
	}
	u.Grad[0]++
	if u.Grad[0] == v.Grad[0] {
		t.Error("they share their memory")
	}
}

// TestSteps: a step allocates nothing, other batches are planned anew on the
// same weights, and evaluation sees them.
func TestSteps(t *testing.T) {
	for _, text := range []string{mlp, cnn} {
		l := learner{Trainer: newTrainer(t, textModel(t, text, nil), runtime.TrainOptions{Threads: 2}), rule: &optim.SGD{LR: 0.1, Momentum: 0.9}}
		sample := []int64{6}
		if text == cnn {
			sample = []int64{1, 8, 8}
		}
		batch := func(n int64) (x, y *tensor.Tensor) {
			return numbers(append([]int64{n}, sample...)...), tensor.New(tensor.Int64, n)
		}
		x, y := batch(8)
		var of loss.Loss = loss.CrossEntropy{}
		first := l.step(t, of, y, x)
		if n := testing.AllocsPerRun(10, func() { l.step(t, of, y, x) }); n != 0 {
			t.Errorf("%v allocations a step", n)
		}
		few, fewY := batch(3)
		l.step(t, of, fewY, few)
		last := 0.0
		for range 20 {
			last = l.step(t, of, y, x)
		}
		if !(last < first/2) {
			t.Errorf("loss %v after all steps, %v before", last, first)
		}
		out, err := l.Evaluate(x)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := of.Value(out[0], y, nil); err != nil || !(got < first/2) {
			t.Errorf("evaluated to a loss of %v (%v)", got, err)
		}
		if n := testing.AllocsPerRun(10, func() { _, _ = l.Evaluate(x) }); n != 0 {
			t.Errorf("%v allocations an evaluation", n)
		}
	}
}

// TestExport: what is exported computes what the trainer evaluates, and differs
// from the model in its weights only.
func TestExport(t *testing.T) {
	for _, text := range []string{mlp, cnn} {
		m := textModel(t, text, nil)
		l := learner{Trainer: newTrainer(t, m, runtime.TrainOptions{}), rule: &optim.SGD{LR: 0.1}}
		x := numbers(4, 6)
		if text == cnn {
			x = numbers(4, 1, 8, 8)
		}
		for range 3 {
			l.step(t, loss.CrossEntropy{}, tensor.New(tensor.Int64, 4), x)
		}
		out := l.Export()
		defer out.Close()
		s, err := runtime.Open(out, runtime.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		got, err := s.Run(map[string]*tensor.Tensor{"x": x})
		if err != nil {
			t.Fatal(err)
		}
		want, err := l.Evaluate(x)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range got["y"].Float32s() {
			if math.Abs(float64(v-want[0].Float32s()[i])) > 1e-6 {
				t.Errorf("output %d is %v, want %v", i, v, want[0].Float32s()[i])
			}
		}
		for i, p := range out.Proto.Graph.Initializer {
			onnx.SetData(p, nil)
			onnx.SetData(m.Proto.Graph.Initializer[i], nil)
		}
		if !proto.Equal(out.Proto, m.Proto) {
			t.Error("more than weights has changed")
		}
	}
}

// TestRestore: a training that continues from a state repeats itself bit by bit.
func TestRestore(t *testing.T) {
	x, y := numbers(8, 6), tensor.New(tensor.Int64, 8)
	run := func(l *learner, steps int) (losses []float64) {
		for range steps {
			losses = append(losses, l.step(t, loss.CrossEntropy{}, y, x))
		}
		return losses
	}
	start := func() *learner {
		o := runtime.TrainOptions{Threads: 2, Seed: 5}
		return &learner{Trainer: newTrainer(t, textModel(t, mlp, nil), o), rule: &optim.SGD{LR: 0.1, Momentum: 0.9}}
	}
	whole, first, second := start(), start(), start()
	want := run(whole, 10)
	got := run(first, 5)
	if err := second.Restore(first.State()); err != nil {
		t.Fatal(err)
	}
	second.rule.Recall(first.rule.Memories())
	if got = append(got, run(second, 5)...); !slices.Equal(got, want) {
		t.Errorf("losses %v, want %v", got, want)
	}
	state := first.State()
	state.Weights["w1"] = numbers(2)
	if err := second.Restore(state); err == nil {
		t.Error("a weight of another shape is accepted")
	}
	delete(state.Weights, "w1")
	if err := second.Restore(state); err == nil {
		t.Error("a state without a weight is accepted")
	}
}

// TestInterleaved: other batches and evaluations between the steps of a training
// leave no trace in it.
func TestInterleaved(t *testing.T) {
	for _, text := range []string{mlp, cnn} {
		batch := func(n int64) *tensor.Tensor {
			if text == mlp {
				return numbers(n, 6)
			}
			return numbers(n, 1, 8, 8)
		}
		losses := func(disturb bool) (all []float64) {
			l := learner{Trainer: newTrainer(t, textModel(t, text, nil), runtime.TrainOptions{Threads: 2}), rule: optim.NewAdam(0.01)}
			for range 5 {
				all = append(all, l.step(t, loss.CrossEntropy{}, tensor.New(tensor.Int64, 8), batch(8)))
				if !disturb {
					continue
				}
				state := l.State()
				for name, w := range state.Weights {
					state.Weights[name] = w.Clone()
				}
				for _, n := range []int64{3, 17} {
					if _, err := l.Gradients(loss.CrossEntropy{}, tensor.New(tensor.Int64, n), batch(n)); err != nil {
						t.Fatal(err)
					}
					if _, err := l.Evaluate(batch(n)); err != nil {
						t.Fatal(err)
					}
				}
				if err := l.Restore(state); err != nil {
					t.Fatal(err)
				}
			}
			return all
		}
		if got, want := losses(true), losses(false); !slices.Equal(got, want) {
			t.Errorf("losses %v, want %v", got, want)
		}
	}
}

// TestDropout: what is dropped differs from step to step, follows from the seed
// and the number of the step, and nothing is where the model is used.
func TestDropout(t *testing.T) {
	const text = "input x N,64\nd = Dropout x half:f[0.5]\ny = Mul d w:p[64]\noutput y"
	x := numbers(2, 64)
	step := func(tr *runtime.Trainer) []float32 {
		if err := tr.Forward(x); err != nil {
			t.Fatal(err)
		}
		return slices.Clone(tr.Output().Float32s())
	}
	start := func(seed uint64) *runtime.Trainer {
		return newTrainer(t, textModel(t, text, nil), runtime.TrainOptions{Seed: seed})
	}
	one, same, other := start(1), start(1), start(2)
	first, second := step(one), step(one)
	if slices.Equal(first, second) || slices.Equal(first, step(other)) {
		t.Error("the same is dropped in two steps or for two seeds")
	}
	if err := same.Restore(runtime.State{Steps: 1, Weights: one.State().Weights}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(step(same), second) {
		t.Error("step 1 is not repeated")
	}
	dropped := 0
	for i, v := range second {
		if v == 0 && x.Float32s()[i] != 0 {
			dropped++
		}
	}
	if dropped < 32 || dropped > 96 {
		t.Errorf("%d of 128 are dropped", dropped)
	}
	out, err := one.Evaluate(x)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(out[0].Float32s(), 0) {
		t.Error("something is dropped where the model is used")
	}
}

// TestThreads: the number of threads changes no more than rounding does.
func TestThreads(t *testing.T) {
	x, y := numbers(16, 1, 8, 8), tensor.New(tensor.Int64, 16)
	var want []float64
	for _, threads := range []int{1, 2, 3} {
		l := learner{Trainer: newTrainer(t, textModel(t, cnn, nil), runtime.TrainOptions{Threads: threads}), rule: &optim.SGD{LR: 0.05}}
		for i := range 10 {
			got := l.step(t, loss.CrossEntropy{}, y, x)
			if threads == 1 {
				want = append(want, got)
			} else if math.Abs(got-want[i]) > 1e-4 {
				t.Errorf("%d threads: loss %v at step %d, want %v", threads, got, i, want[i])
			}
		}
	}
}

// TestParted: parameters that an export wrote once are trained apart, and
// statistics among them change by themselves.
func TestParted(t *testing.T) {
	m := textModel(t, `
input x N,3
scale = Identity var:p[3]
mean = Identity shift:w[3]
y = BatchNormalization x scale shift mean var
output y`, nil)
	if _, err := runtime.NewTrainer(m, runtime.TrainOptions{}); err == nil {
		t.Error("statistics behind an Identity are trained")
	}
	own, err := pass.Trainable(m)
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	tr := newTrainer(t, own, runtime.TrainOptions{})
	var names []string
	for _, v := range tr.Variables() {
		names = append(names, v.Name)
	}
	if got := strings.Join(names, " "); got != "shift scale" {
		t.Errorf("variables %q", got)
	}
	before := slices.Clone(tr.State().Weights["mean"].Float32s())
	gradient(t, tr, "scale", numbers(6, 3))
	if weights := tr.State().Weights; slices.Equal(weights["mean"].Float32s(), before) || !slices.Equal(weights["shift"].Float32s(), before) {
		t.Errorf("mean %v and shift %v after a step, both %v before", weights["mean"].Float32s(), weights["shift"].Float32s(), before)
	}
}
