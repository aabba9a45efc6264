// Package optest holds the routines of operators against their definitions:
// what they compute, and the gradients against differences.
package optest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"onnxcompress/graph/op"
	"onnxcompress/graph/tensor"
	"onnxcompress/runtime/kernel"
)

// Case is one node with its inputs; nil stands for an input that is absent.
type Case struct {
	Name    string
	Op      string
	Domain  string
	Version int // of the opset; 0 for 21
	Attrs   op.Attrs
	In      []*tensor.Tensor
	Outputs int // 0 for 1
	// Weighed lists outputs beside the first that the gradient comes from;
	// Unweighed says that it comes from them alone.
	Weighed   []int
	Unweighed bool
	// Train compiles for training. Definition is the node whose definition says
	// what the routine computes then; nil for the node itself.
	Train      bool
	Definition *op.Node
	// Constant lists inputs whose content the routine is told when it is made.
	Constant []int
	// Untold lists inputs that are no floats and whose content it is not told.
	Untold []int
	// Skip lists float inputs that have no gradient.
	Skip []int
	// Tolerance is relative to the largest element; 0 for 2e-5.
	Tolerance float64
	// NoGradient says that the operator has no derivative.
	NoGradient bool
}

// Run holds the routine of a case, in each layout it can take, against the
// operator's definition: outputs, and the gradients of all float inputs.
func Run(t *testing.T, c Case) {
	t.Helper()
	name := c.Op
	if c.Name != "" {
		name += "/" + c.Name
	}
	t.Run(name, func(t *testing.T) {
		spec := op.Lookup(c.Domain, c.Op)
		if spec == nil || spec.Compile == nil {
			t.Fatal("has no routine")
		}
		layouts := []bool{false}
		if spec.Layout != nil {
			if l, ok := spec.Layout(c.node(spec, t)); ok {
				layouts = []bool{true}
				if !l.Prefers {
					layouts = []bool{false, true}
				}
			}
		}
		for _, last := range layouts {
			for _, threads := range []int{1, 3} {
				t.Run(fmt.Sprintf("last=%v,threads=%d", last, threads), func(t *testing.T) { c.run(t, spec, last, threads) })
			}
		}
	})
}

func (c *Case) node(spec *op.Spec, t testing.TB) *op.Node {
	n := &op.Node{Type: c.Op, Domain: c.Domain, Version: c.Version, Attrs: c.Attrs, Outputs: max(c.Outputs, 1), Train: c.Train}
	if n.Version == 0 {
		n.Version = 21
	}
	for i, x := range c.In {
		if x == nil {
			n.In = append(n.In, nil)
			continue
		}
		f := op.Of(x.DType, x.Shape...)
		if slices.Contains(c.Constant, i) || x.DType != tensor.Float32 && !slices.Contains(c.Untold, i) {
			f.Value, f.Static = x, true
		}
		n.In = append(n.In, &f)
	}
	facts, err := spec.Infer(n)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n.Outputs {
		n.Out = append(n.Out, &facts[i])
	}
	return n
}

func (c *Case) run(t *testing.T, spec *op.Spec, last bool, threads int) {
	n := c.node(spec, t)
	n.Last = last
	var turned []int
	if last {
		l, _ := spec.Layout(n)
		turned = l.In
	}
	pool := kernel.NewPool(threads)
	defer pool.Close()
	n.Pool = pool
	r, err := spec.Compile(n)
	if err != nil || r == nil {
		t.Fatalf("made no routine: %v", err)
	}
	f := &op.Frame{Pool: pool, Scratch: poison(r.Scratch), State: poison(r.State), Seed: 1}
	for i, x := range c.In {
		if x != nil {
			x = x.Clone()
			if slices.Contains(turned, i) {
				x = turn(x, true)
			}
		}
		f.In = append(f.In, x)
	}
	for _, out := range n.Out {
		shape := out.Shape
		if last && len(shape) > 2 {
			shape = op.Rotate(shape)
		}
		y := tensor.New(out.DType, shape...)
		if out.DType == tensor.Float32 {
			y = tensor.FromFloat32s(shape, poison(y.Len()))
		}
		f.Out = append(f.Out, y)
	}
	if r.View {
		copy(f.Out[0].Data, f.In[0].Data)
	} else {
		r.Forward(f)
		sparing(t, "forward", func() { r.Forward(f) })
	}
	want := c.define(t, spec, c.In)
	for o, out := range f.Out {
		if last && out.Rank() > 2 {
			out = turn(out, false)
		}
		c.near(t, fmt.Sprintf("output %d", o), out.AsFloat64s(), want[o].AsFloat64s())
	}
	c.inPlace(t, r, f)
	if !c.NoGradient && !t.Failed() {
		forget(f.In, r.KeepIn)
		forget(f.Out, r.KeepOut)
		copy(f.Scratch, poison(r.Scratch))
		c.backward(t, spec, r, f, turned)
	}
}

// forget spoils the floats of what the way back does not read, as an executor may.
func forget(list []*tensor.Tensor, keep []int) {
	for i, x := range list {
		if x != nil && x.DType == tensor.Float32 && !slices.Contains(keep, i) {
			list[i] = tensor.FromFloat32s(x.Shape, poison(x.Len()))
		}
	}
}

// sparing holds that a call comes to allocate nothing: a worker of the pool may
// have its first part, for which it makes room, in a later call than the first.
func sparing(t *testing.T, what string, call func()) {
	t.Helper()
	n := 0.0
	for range 5 {
		if n = testing.AllocsPerRun(1, call); n == 0 {
			return
		}
	}
	t.Errorf("%s allocates %g times", what, n)
}

// inPlace holds that the output is the same where it takes over an input's
// buffer.
func (c *Case) inPlace(t *testing.T, r *op.Routine, f *op.Frame) {
	for _, i := range r.InPlace {
		if f.In[i].Len() != f.Out[0].Len() {
			continue
		}
		g, shared := *f, f.In[i].Clone()
		g.In, g.Out = slices.Clone(f.In), slices.Clone(f.Out)
		g.Scratch, g.State = poison(r.Scratch), poison(r.State)
		g.In[i], g.Out[0] = shared, tensor.FromFloat32s(f.Out[0].Shape, shared.Float32s())
		r.Forward(&g)
		c.near(t, fmt.Sprintf("output in place of input %d", i), g.Out[0].AsFloat64s(), f.Out[0].AsFloat64s())
	}
}

// define evaluates the definition.
func (c *Case) define(t *testing.T, spec *op.Spec, in []*tensor.Tensor) []*tensor.Tensor {
	n := c.Definition
	if n == nil {
		n = c.node(spec, t)
	}
	out, err := spec.Forward(n, in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// backward holds the gradients of Σ w·y, for random w, against differences.
func (c *Case) backward(t *testing.T, spec *op.Spec, r *op.Routine, f *op.Frame, turned []int) {
	f.DOut = make([]*tensor.Tensor, len(f.Out))
	plain := make([][]float64, len(f.Out))
	for o, y := range f.Out {
		if o > 0 && !slices.Contains(c.Weighed, o) || o == 0 && c.Unweighed {
			continue
		}
		weights := Random(99+uint64(o), y.Shape...)
		f.DOut[o] = weights
		if len(turned) > 0 {
			weights = turn(weights, false)
		}
		plain[o] = weights.AsFloat64s()
	}
	f.Add = make([]bool, len(f.In))
	for _, add := range []bool{false, true} {
		if add && !r.Adds {
			continue
		}
		f.DIn = make([]*tensor.Tensor, len(f.In))
		for i, x := range f.In {
			if x == nil || x.DType != tensor.Float32 || slices.Contains(c.Skip, i) {
				continue
			}
			f.DIn[i] = tensor.FromFloat32s(x.Shape, poison(x.Len()))
			if f.Add[i] = add; add {
				for k := range f.DIn[i].Float32s() {
					f.DIn[i].Float32s()[k] = 1
				}
			}
		}
		c.reverse(r, f)
		if !add && !r.View && r.Backward != nil {
			sparing(t, "backward", func() { r.Backward(f) })
			c.reverse(r, f)
			c.alone(t, r, f)
		}
		for i, d := range f.DIn {
			if d == nil {
				continue
			}
			if slices.Contains(turned, i) {
				d = turn(d, false)
			}
			got := d.AsFloat64s()
			if add {
				for k := range got {
					got[k]--
				}
			}
			places := sample(len(got))
			some := make([]float64, len(places))
			for k, at := range places {
				some[k] = got[at]
			}
			c.near(t, fmt.Sprintf("gradient of input %d, added %v", i, add), some, c.differences(t, spec, i, places, plain))
		}
	}
}

// alone holds that the gradient of an input is the same where that of no other is
// wanted.
func (c *Case) alone(t *testing.T, r *op.Routine, f *op.Frame) {
	for i, d := range f.DIn {
		if d == nil {
			continue
		}
		g := *f
		g.DIn = make([]*tensor.Tensor, len(f.DIn))
		g.DIn[i] = tensor.FromFloat32s(d.Shape, poison(d.Len()))
		c.reverse(r, &g)
		c.near(t, fmt.Sprintf("gradient of input %d alone", i), g.DIn[i].AsFloat64s(), d.AsFloat64s())
	}
}

// reverse computes the gradients as an executor does.
func (c *Case) reverse(r *op.Routine, f *op.Frame) {
	if r.Backward != nil {
		r.Backward(f)
	}
	for i, d := range f.DIn {
		if d == nil || !(r.View && i == 0) && !slices.Contains(r.Pass, i) {
			continue
		}
		// The executor adds what is passed on by itself.
		for k, v := range f.DOut[0].Float32s() {
			if f.Add[i] {
				v++
			}
			d.Float32s()[k] = v
		}
	}
}

// sample lists places of n elements: all of them, or some of many.
func sample(n int) []int {
	most := 150
	if n > 1000 {
		most = 20
	}
	r := rand.New(rand.NewPCG(3, uint64(n)))
	places := r.Perm(n)
	return places[:min(n, most)]
}

// differences are the central differences of Σ w·y with respect to elements of
// input i, of the definition on float64.
func (c *Case) differences(t *testing.T, spec *op.Spec, i int, places []int, w [][]float64) []float64 {
	in := make([]*tensor.Tensor, len(c.In))
	for k, x := range c.In {
		if in[k] = x; x != nil && x.DType == tensor.Float32 {
			in[k] = tensor.New(tensor.Float64, x.Shape...)
			for j, v := range x.AsFloat64s() {
				in[k].Set(j, v)
			}
		}
	}
	value := func() float64 {
		sum := 0.0
		out := c.define(t, spec, in)
		for o, list := range w {
			if list == nil {
				continue
			}
			for k, y := range out[o].AsFloat64s() {
				sum += list[k] * y
			}
		}
		return sum
	}
	const h = 1e-5
	x := in[i].AsFloat64s()
	d := make([]float64, len(places))
	for k, at := range places {
		in[i].Set(at, x[at]+h)
		up := value()
		in[i].Set(at, x[at]-h)
		d[k] = (up - value()) / (2 * h)
		in[i].Set(at, x[at])
	}
	return d
}

// near compares lists, relative to the largest element wanted.
func (c *Case) near(t *testing.T, what string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s has %d elements, not %d", what, len(got), len(want))
	}
	limit, scale := c.Tolerance, 1e-3
	if limit == 0 {
		limit = 2e-5
	}
	for _, v := range want {
		if !math.IsInf(v, 0) && !math.IsNaN(v) {
			scale = max(scale, math.Abs(v))
		}
	}
	for k := range want {
		same := got[k] == want[k] || math.IsNaN(got[k]) && math.IsNaN(want[k])
		if !same && !(math.Abs(got[k]-want[k]) <= limit*scale) {
			t.Fatalf("%s: element %d is %g, not %g", what, k, got[k], want[k])
		}
	}
}

// turn moves the channels of a tensor last, or back.
func turn(x *tensor.Tensor, last bool) *tensor.Tensor {
	if x.Rank() < 3 {
		return x
	}
	shape := op.Rotate(x.Shape)
	if !last {
		shape = op.Unrotate(x.Shape)
	}
	y, r := tensor.New(tensor.Float32, shape...), op.Turn(x.Shape, last)
	if r.View {
		copy(y.Data, x.Data)
		return y
	}
	r.Forward(&op.Frame{In: []*tensor.Tensor{x}, Out: []*tensor.Tensor{y}})
	return y
}

func poison(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(math.NaN())
	}
	return v
}

// Random is a tensor of numbers from N(0, 1).
func Random(seed uint64, shape ...int64) *tensor.Tensor {
	r := rand.New(rand.NewPCG(seed, 7))
	t := tensor.New(tensor.Float32, shape...)
	for i := range t.Float32s() {
		t.Float32s()[i] = float32(r.NormFloat64())
	}
	return t
}
