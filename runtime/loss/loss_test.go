package loss

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"onnxcompress/graph/tensor"
)

func floats(v []float32, shape ...int64) *tensor.Tensor { return tensor.FromFloat32s(shape, v) }

// random is a tensor of n(0, 3²).
func random(r *rand.Rand, shape ...int64) *tensor.Tensor {
	t := tensor.New(tensor.Float32, shape...)
	for i, v := 0, t.Float32s(); i < len(v); i++ {
		v[i] = float32(3 * r.NormFloat64())
	}
	return t
}

// randomClasses are class numbers below n.
func randomClasses(r *rand.Rand, n int64, shape ...int64) *tensor.Tensor {
	t := tensor.New(tensor.Int64, shape...)
	for i, v := 0, t.Int64s(); i < len(v); i++ {
		v[i] = r.Int64N(n)
	}
	return t
}

func value(t *testing.T, l Loss, pred, target *tensor.Tensor, grad []float32) float64 {
	t.Helper()
	v, err := l.Value(pred, target, grad)
	if err != nil {
		t.Fatalf("%T%+v of %v: %v", l, l, pred.Shape, err)
	}
	return v
}

// TestSlopes compares gradients with differences of the loss.
func TestSlopes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pred, other := random(r, 3, 4, 2), random(r, 3, 4, 2)
	class := randomClasses(r, 4, 3, 2)
	share := other.Clone() // shares need not add up to one
	for i, v := range share.Float32s() {
		share.Float32s()[i] = v * v
	}
	for _, c := range []struct {
		Loss
		target *tensor.Tensor
	}{
		{CrossEntropy{}, class},
		{CrossEntropy{Smoothing: 0.3}, class},
		{CrossEntropy{Smoothing: 0.3}, share},
		{CrossEntropy{Axis: -1}, randomClasses(r, 2, 3, 4)},
		{Distill{}, other},
		{Distill{Temperature: 3, Axis: 2}, other},
		{MSE{}, other},
		{L1{}, other},
		{BCE{}, share},
	} {
		grad, x := make([]float32, pred.Len()), pred.Float32s()
		value(t, c.Loss, pred, c.target, grad)
		for i, at := range x {
			const step = 1.0 / 1024
			x[i] = at + step
			up := value(t, c.Loss, pred, c.target, nil)
			x[i] = at - step
			down := value(t, c.Loss, pred, c.target, nil)
			x[i] = at
			want := (up - down) / float64((at+step)-(at-step))
			if !near(float64(grad[i]), want, 1e-5) {
				t.Errorf("%T%+v: slope %d is %v, differences say %v", c.Loss, c.Loss, i, grad[i], want)
			}
		}
	}
}

// TestTargets: classes are shares of all or nothing, and smoothing mixes them
// with an even spread.
func TestTargets(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	pred, class := random(r, 4, 5), randomClasses(r, 5, 4)
	for _, smoothing := range []float32{0, 0.1, 1} {
		hot, mixed := tensor.New(tensor.Float32, 4, 5), tensor.New(tensor.Float32, 4, 5)
		for i := range mixed.Len() {
			mixed.Float32s()[i] = smoothing / 5
		}
		for i, c := range class.Int64s() {
			hot.Float32s()[i*5+int(c)] = 1
			mixed.Float32s()[i*5+int(c)] += 1 - smoothing
		}
		a, b, c := make([]float32, 20), make([]float32, 20), make([]float32, 20)
		want := value(t, CrossEntropy{Smoothing: smoothing}, pred, class, a)
		same := value(t, CrossEntropy{Smoothing: smoothing}, pred, hot, b)
		byHand := value(t, CrossEntropy{}, pred, mixed, c)
		if want != same || !slices.Equal(a, b) {
			t.Errorf("smoothing %v: classes give %v, shares %v", smoothing, want, same)
		}
		if !near(byHand, want, 1e-6) {
			t.Errorf("smoothing %v gives %v, smoothed by hand %v", smoothing, want, byHand)
		}
	}
}

// TestTemperature: softened logits are logits over the temperature, and the
// squared temperature keeps the size of the gradient.
func TestTemperature(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	pred, teacher := random(r, 3, 4), random(r, 3, 4)
	cool, coolTeacher := pred.Clone(), teacher.Clone()
	for i := range cool.Len() {
		cool.Float32s()[i] /= 4
		coolTeacher.Float32s()[i] /= 4
	}
	a, b := make([]float32, 12), make([]float32, 12)
	warm := value(t, Distill{Temperature: 4}, pred, teacher, a)
	if one := value(t, Distill{Temperature: 1}, cool, coolTeacher, b); !near(warm, 16*one, 1e-12) {
		t.Errorf("temperature 4 gives %v, want 16 times %v", warm, one)
	}
	for i := range a {
		if !near(float64(a[i]), 4*float64(b[i]), 1e-6) {
			t.Errorf("gradient %d is %v, want 4 times %v", i, a[i], b[i])
		}
	}
	if unset, one := value(t, Distill{}, pred, teacher, nil), value(t, Distill{Temperature: 1}, pred, teacher, nil); unset != one {
		t.Errorf("no temperature gives %v, 1 gives %v", unset, one)
	}
	if same := value(t, Distill{Temperature: 2}, pred, pred, a); same != 0 || slices.Max(a) != 0 || slices.Min(a) != 0 {
		t.Errorf("a student that is its teacher has loss %v and gradient %v", same, a)
	}
}

// TestPositions: a loss over many positions is made of those of each alone, and
// wherever the axis of classes is, the answer is the same.
func TestPositions(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	const batch, count, width = 3, 5, 2*lanes + 3
	wide, teacher := random(r, batch, count, width), random(r, batch, count, width)
	class := randomClasses(r, count, batch, width)
	last := tensor.New(tensor.Float32, batch, width, count)
	var sum, divergence float64
	for p := range batch * width {
		x, y := make([]float32, count), make([]float32, count)
		for c := range count {
			at := p/width*count*width + c*width + p%width
			x[c], y[c] = wide.Float32s()[at], teacher.Float32s()[at]
		}
		copy(last.Float32s()[p*count:], x)
		one := floats(x, 1, count)
		sum += value(t, CrossEntropy{}, one, tensor.Vector(class.Int64s()[p]), nil)
		divergence += value(t, Distill{Temperature: 2}, one, floats(y, 1, count), nil)
	}
	grad, gradLast := make([]float32, wide.Len()), make([]float32, wide.Len())
	if got, want := value(t, CrossEntropy{}, wide, class, grad), sum/(batch*width); !near(got, want, 1e-12) {
		t.Errorf("cross-entropy is %v, of positions %v", got, want)
	}
	if got, want := value(t, Distill{Temperature: 2}, wide, teacher, nil), divergence/batch; !near(got, want, 1e-12) {
		t.Errorf("divergence is %v, of positions %v", got, want)
	}
	if got, want := value(t, CrossEntropy{Axis: -1}, last, class, gradLast), sum/(batch*width); !near(got, want, 1e-12) {
		t.Errorf("cross-entropy is %v with classes last, of positions %v", got, want)
	}
	for i, g := range grad {
		b, c, p := i/(count*width), i/width%count, i%width
		if g != gradLast[(b*width+p)*count+c] {
			t.Fatalf("gradient of class %d at %d of sample %d is %v, with classes last %v", c, p, b, g, gradLast[(b*width+p)*count+c])
		}
	}
}

// TestNotFinite: what is not a number stays so, in its own position's gradient
// and in the value; a logit of minus infinity rules a class out and no more.
func TestNotFinite(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	sane := []float32{1, 2, 3, 1, 2, 3}
	for _, l := range []Loss{CrossEntropy{}, CrossEntropy{Smoothing: 0.1}, Distill{}, MSE{}, L1{}, BCE{}} {
		spoilt, grad := floats([]float32{1, nan, 3, 1, 2, 3}, 2, 3), make([]float32, 6)
		if v := value(t, l, spoilt, floats(sane, 2, 3), grad); !math.IsNaN(v) || grad[1] == grad[1] || grad[4] != grad[4] {
			t.Errorf("%T of a NaN: %v, gradient %v", l, v, grad)
		}
		if v := value(t, l, floats(sane, 2, 3), spoilt, nil); !math.IsNaN(v) {
			t.Errorf("%T of a NaN in the target: %v", l, v)
		}
	}
	masked, grad := floats([]float32{0, -inf, 0}, 1, 3), make([]float32, 3)
	for _, c := range []struct {
		Loss
		target *tensor.Tensor
		want   float64
	}{
		{CrossEntropy{}, tensor.Vector(0), math.Ln2},
		{CrossEntropy{}, floats([]float32{1, 0, 0}, 1, 3), math.Ln2},
		{CrossEntropy{}, tensor.Vector(1), math.Inf(1)},
		{Distill{}, masked, 0},
	} {
		if v := value(t, c.Loss, masked, c.target, grad); v != c.want || grad[0] != grad[0] || grad[1] != grad[1] {
			t.Errorf("%T of a ruled out class: %v, gradient %v; want %v", c.Loss, v, grad, c.want)
		}
	}
}

func TestBadArguments(t *testing.T) {
	x := floats(make([]float32, 6), 2, 3)
	whole := tensor.New(tensor.Int64, 2, 3)
	for _, c := range []struct {
		Loss
		pred, target *tensor.Tensor
		grad         []float32
		want         string
	}{
		{MSE{}, whole, x, nil, "predictions are int64, want float32"},
		{L1{}, x, whole, nil, "target is int64, want float32"},
		{BCE{}, x, floats(make([]float32, 6), 3, 2), nil, "target has shape [3 2], want [2 3]"},
		{MSE{}, x, x, make([]float32, 5), "gradient has 5 elements, want 6"},
		{MSE{}, floats(nil, 0, 3), floats(nil, 0, 3), nil, "predictions are empty"},
		{CrossEntropy{}, x, tensor.Vector(0, 3), nil, "target 1 is class 3 of 3"},
		{CrossEntropy{}, x, tensor.Vector(-1, 0), nil, "target 0 is class -1 of 3"},
		{CrossEntropy{}, x, tensor.Vector(0, 1, 2), nil, "target has shape [3], want [2 3] without axis 1"},
		{CrossEntropy{}, x, whole, nil, "target has shape [2 3], want [2 3] without axis 1"},
		{CrossEntropy{}, x, tensor.New(tensor.Int32, 2), nil, "target is int32"},
		{CrossEntropy{}, floats(nil, 2, 0), tensor.Vector(0, 0), nil, "have no classes"},
		{CrossEntropy{}, floats(nil, 0, 3), tensor.Vector(), nil, "are empty"},
		{CrossEntropy{}, floats(make([]float32, 3), 3), tensor.Vector(), nil, "no classes on axis 1"},
		{CrossEntropy{Axis: 2}, x, tensor.Vector(0, 0), nil, "no classes on axis 2"},
		{CrossEntropy{Axis: -2}, x, tensor.Vector(0, 0), nil, "no classes on axis 0"},
		{CrossEntropy{Axis: -3}, x, tensor.Vector(0, 0), nil, "no classes on axis -1"},
		{CrossEntropy{Smoothing: 2}, x, tensor.Vector(0, 0), nil, "smoothing 2 is not in [0, 1]"},
		{CrossEntropy{Smoothing: float32(math.NaN())}, x, tensor.Vector(0, 0), nil, "smoothing NaN"},
		{Distill{}, floats(nil, 2, 0), floats(nil, 2, 0), nil, "have no classes"},
		{Distill{}, x, whole, nil, "target is int64"},
		{Distill{Temperature: -1}, x, x, nil, "temperature -1"},
		{Distill{Temperature: float32(math.NaN())}, x, x, nil, "temperature NaN"},
		{Distill{Temperature: float32(math.Inf(1))}, x, x, nil, "temperature +Inf"},
	} {
		_, err := c.Value(c.pred, c.target, c.grad)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%T%+v of %v: %v, want %q", c.Loss, c.Loss, c.pred.Shape, err, c.want)
		}
	}
}

func TestAllocatesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	pred, other, class := random(r, 2, 3, 70), random(r, 2, 3, 70), randomClasses(r, 3, 2, 70)
	grad := make([]float32, pred.Len())
	for _, c := range []struct {
		Loss
		target *tensor.Tensor
	}{
		{CrossEntropy{Smoothing: 0.1}, class},
		{CrossEntropy{}, other},
		{Distill{Temperature: 2}, other},
		{MSE{}, other},
		{L1{}, other},
		{BCE{}, other},
	} {
		if n := testing.AllocsPerRun(10, func() { value(t, c.Loss, pred, c.target, grad) }); n != 0 {
			t.Errorf("%T allocates %v times", c.Loss, n)
		}
	}
}
