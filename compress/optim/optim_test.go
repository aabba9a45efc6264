package optim

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// rules are optimisers of each kind of memory, made anew.
var rules = map[string]func() Optimiser{
	"plain":    func() Optimiser { return &SGD{LR: 0.1, WeightDecay: 0.1} },
	"momentum": func() Optimiser { return &SGD{LR: 0.1, Momentum: 0.9, WeightDecay: 0.1, Decoupled: true} },
	"nesterov": func() Optimiser { return &SGD{LR: 0.1, Momentum: 0.9, Nesterov: true} },
	"adam":     func() Optimiser { return NewAdam(0.01) },
	"adamw":    func() Optimiser { return NewAdamW(0.01) },
}

// hills are parameters of the given lengths, all with gradients.
func hills(r *rand.Rand, lengths ...int) []Param {
	var params []Param
	for _, n := range lengths {
		p := Param{Value: make([]float32, n), Grad: make([]float32, n)}
		for i := range n {
			p.Value[i] = float32(r.NormFloat64())
		}
		params = append(params, p)
	}
	return params
}

// descendFor takes steps on a slope of each weight's own: what one weight does
// depends on no other.
func descendFor(t *testing.T, o Optimiser, params []Param, steps int) {
	t.Helper()
	for range steps {
		for _, p := range params {
			for i, v := range p.Value {
				p.Grad[i] = float32(math.Sin(float64(3*v))) + v
			}
		}
		if err := o.Step(params); err != nil {
			t.Fatal(err)
		}
	}
}

func valuesOf(params []Param) (v []float32) {
	for _, p := range params {
		v = append(v, p.Value...)
	}
	return v
}

// TestRecall: a run that stops, hands its memories on and continues is the run
// that did not stop, to the bit.
func TestRecall(t *testing.T) {
	for name, rule := range rules {
		whole, parts := hills(rand.New(rand.NewPCG(1, 1)), 5, 1, 0), hills(rand.New(rand.NewPCG(1, 1)), 5, 1, 0)
		descendFor(t, rule(), whole, 9)
		first, second := rule(), rule()
		if m := first.Memories(); m != nil {
			t.Errorf("%s: remembers %v before any step", name, m)
		}
		descendFor(t, first, parts, 4)
		second.Recall(first.Memories())
		descendFor(t, second, parts, 5)
		if !slices.Equal(valuesOf(whole), valuesOf(parts)) {
			t.Errorf("%s: %v in one go, %v in two", name, valuesOf(whole), valuesOf(parts))
		}
		for i, m := range second.Memories() {
			if m.Steps != 9 {
				t.Errorf("%s: parameter %d has taken %d steps of 9", name, i, m.Steps)
			}
		}
	}
}

// TestCut: memories that are cut as the weights are cut continue as those
// weights would have in the whole.
func TestCut(t *testing.T) {
	kept := []int{0, 2, 5}
	cut := func(v []float32) (c []float32) {
		for _, i := range kept {
			c = append(c, v[i])
		}
		return c
	}
	for name, rule := range rules {
		whole := hills(rand.New(rand.NewPCG(2, 2)), 6)
		o := rule()
		descendFor(t, o, whole, 3)
		small := []Param{{Value: cut(whole[0].Value), Grad: make([]float32, len(kept))}}
		m := Memory{Steps: o.Memories()[0].Steps}
		for _, moment := range o.Memories()[0].Moments {
			m.Moments = append(m.Moments, cut(moment))
		}
		next := rule()
		next.Recall([]Memory{m})
		descendFor(t, o, whole, 4)
		descendFor(t, next, small, 4)
		if want := cut(whole[0].Value); !slices.Equal(small[0].Value, want) {
			t.Errorf("%s: %v, want %v", name, small[0].Value, want)
		}
	}
}

// TestRest: a parameter without a gradient keeps its value and starts afresh
// once it has one.
func TestRest(t *testing.T) {
	for name, rule := range rules {
		params, late := hills(rand.New(rand.NewPCG(3, 3)), 4, 4), hills(rand.New(rand.NewPCG(3, 3)), 4, 4)
		before, grad := slices.Clone(params[1].Value), params[1].Grad
		o := rule()
		params[1].Grad = nil
		if err := o.Step(params); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(params[1].Value, before) {
			t.Errorf("%s: moved without a gradient", name)
		}
		params[1].Grad = grad
		descendFor(t, o, params, 3)
		descendFor(t, rule(), late, 3)
		if !slices.Equal(params[1].Value, late[1].Value) {
			t.Errorf("%s: %v after a rest, want %v", name, params[1].Value, late[1].Value)
		}
	}
}

func TestMisfits(t *testing.T) {
	v, short := []float32{1, 2}, []float32{1}
	for _, c := range []struct {
		name     string
		rule     Optimiser
		memories []Memory
		params   []Param
		want     string
	}{
		{"gradient", &SGD{LR: 1}, nil, []Param{{Value: v, Grad: v}, {Value: v, Grad: short}}, "parameter 1 has 2 elements and a gradient of 1"},
		{"count", &SGD{LR: 1}, make([]Memory, 2), []Param{{Value: v, Grad: v}}, "1 parameters, but memories of 2"},
		{"moments", NewAdam(1), []Memory{{1, [][]float32{v}}}, []Param{{Value: v, Grad: v}}, "remembered by 1 moments, want 2"},
		{"plain", &SGD{LR: 1}, []Memory{{1, [][]float32{v}}}, []Param{{Value: v, Grad: v}}, "remembered by 1 moments, want 0"},
		{"length", &SGD{LR: 1, Momentum: 1}, []Memory{{1, [][]float32{short}}}, []Param{{Value: v, Grad: v}}, "2 elements and a moment of 1"},
	} {
		c.rule.Recall(c.memories)
		err := c.rule.Step(c.params)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if !slices.Equal(v, []float32{1, 2}) {
			t.Fatalf("%s: moved to %v", c.name, v)
		}
	}
}

func TestAllocatesNothing(t *testing.T) {
	for name, rule := range rules {
		params, o := hills(rand.New(rand.NewPCG(4, 4)), 100, 3), rule()
		descendFor(t, o, params, 1)
		step := func() {
			ClipNorm(params, 1)
			ClipValue(params, 1)
			descendFor(t, o, params, 1)
		}
		if n := testing.AllocsPerRun(10, step); n != 0 {
			t.Errorf("%s allocates %v times a step", name, n)
		}
	}
}

func TestClipNorm(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, c := range []struct {
		a, b        []float32
		limit, norm float64
		first       float32 // of a, afterwards
	}{
		{[]float32{3, 0}, []float32{-4}, 10, 5, 3},
		{[]float32{3, 0}, []float32{-4}, 5.1, 5, 3},
		{[]float32{3, 0}, []float32{-4}, 1, 5, 0.6},
		{[]float32{3, 0}, []float32{-4}, 0, 5, 0},
		{[]float32{0, 0}, nil, 1, 0, 0},
		{[]float32{1e30, 0}, []float32{0}, 1, 1e30, 1}, // its square is no float32
		{[]float32{1, inf}, []float32{1}, 1, math.Inf(1), 0},
		{[]float32{1, nan}, []float32{1}, 1, math.NaN(), nan},
	} {
		params := []Param{{Value: make([]float32, len(c.a)), Grad: c.a}, {Grad: c.b}}
		norm := ClipNorm(params, c.limit)
		if !alike(norm, c.norm) || !alike(float64(c.a[0]), float64(c.first)) {
			t.Errorf("norm %v clipped to %v: %v; want norm %v and %v first", norm, c.limit, c.a, c.norm, c.first)
		}
	}
}

// alike is near, and true of two NaN and of two infinities.
func alike(a, b float64) bool {
	return a == b || math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= 1e-6*math.Abs(b)
}

func TestClipValue(t *testing.T) {
	g := []float32{-3, -0.5, 0, 0.5, 3, float32(math.Inf(-1)), float32(math.NaN())}
	ClipValue([]Param{{Grad: g}, {}}, 1)
	if want := []float32{-1, -0.5, 0, 0.5, 1, -1}; !slices.Equal(g[:6], want) || g[6] == g[6] {
		t.Errorf("clipped to %v, want %v and NaN", g, want)
	}
}

// TestScheduleEnds: schedules have an answer where their numbers leave no room
// for a part of them.
func TestScheduleEnds(t *testing.T) {
	for _, c := range []struct {
		Schedule
		step int
		want float64
	}{
		{Constant(0.5), 1 << 40, 0.5},
		{MultiStep{Factor: 0.1}, 9, 1},
		{Warmup{Then: Constant(1)}, 0, 1},
		{OneCycle{Steps: 1}, 0, 1.0 / 25 / 1e4},
		{OneCycle{Steps: 10}, 99, 1.0 / 25 / 1e4},
		{OneCycle{Steps: 10, Rise: 0.1}, 0, 1},
		{OneCycle{Steps: 10, Rise: 1}, 9, 1},
		{OneCycle{Steps: 10, Rise: 1}, 10, 1.0 / 25 / 1e4},
	} {
		if got := c.At(c.step); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%T%+v at %d: %v, want %v", c.Schedule, c.Schedule, c.step, got, c.want)
		}
	}
}
