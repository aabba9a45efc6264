package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

// lengths meet every kind of block, vector and tail.
var lengths = []int{0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 1000}

// atLevels runs a test with every set of loops that this processor has.
func atLevels(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	defer func(v *vectors) { vec = v }(vec)
	for _, v := range vectorLevels() {
		vec = v
		t.Run(v.name, f)
	}
}

// operands says which slices of a loop hold a matrix (m) and which one row (r),
// for loops over several rows.
var operands = map[string]string{
	"biasRows": "mmr", "mulRows": "mmr",
	"scaleShiftRows": "mmrr", "scaleShiftReluRows": "mmrr",
	"scaleShiftAddRows": "mmmrr", "scaleShiftAddReluRows": "mmmrr",
	"normGradRows": "mmmrrr", "normGradReluRows": "mmmmrrr",
	"sumRows": "rm", "momentsRows": "rrmr", "gradSumsRows": "rrmmr", "gradSumsReluRows": "rrmmmr",
}

// updated is how many of a loop's first slices it may write, where that is
// not one.
var updated = map[string]int{
	"sum": 0, "sumSquares": 0, "largest": 0, "smallest": 0, "dot": 0, "sumSquaresAbout": 0, "sumExp": 0,
	"momentum": 2, "nesterov": 2, "adam": 3, "momentsRows": 2, "gradSumsRows": 2, "gradSumsReluRows": 2,
}

// A call is one loop with its arguments.
type call struct {
	name   string
	args   []reflect.Value
	guards [][]float32 // what the slices of args are parts of
}

const (
	fringe    = 16
	untouched = float32(-12345.5)
)

// newCall makes arguments of n elements per row.
func newCall(name string, of reflect.Type, n, rows, skew int, draw func() float32) call {
	c := call{name: name}
	for i := range of.NumIn() {
		switch of.In(i).Kind() {
		case reflect.Slice:
			size := n
			if s := operands[name]; s != "" && s[i] == 'm' {
				size = n * rows
			}
			whole := make([]float32, size+2*fringe)
			Fill(whole, untouched)
			part := whole[fringe+skew : fringe+skew+size : fringe+skew+size]
			for j := range part {
				part[j] = draw()
			}
			c.args = append(c.args, reflect.ValueOf(part))
			c.guards = append(c.guards, whole)
		case reflect.Int:
			c.args = append(c.args, reflect.ValueOf(rows))
		default:
			c.args = append(c.args, reflect.ValueOf(0.25+float32(i)/8))
		}
	}
	return c
}

// clone is a call with slices of its own. If alias is not zero, the slice
// with that index takes the place of the first.
func (c call) clone(alias int) call {
	d := call{name: c.name}
	for i, a := range c.args {
		if a.Kind() == reflect.Slice {
			whole := append([]float32(nil), c.guards[i]...)
			from := fringe + (len(whole)-2*fringe-a.Len())/2
			for from < len(whole)-a.Len() && a.Len() > 0 && &c.guards[i][from] != &a.Interface().([]float32)[0] {
				from++
			}
			d.guards = append(d.guards, whole)
			a = reflect.ValueOf(whole[from : from+a.Len() : from+a.Len()])
		}
		d.args = append(d.args, a)
	}
	if alias != 0 {
		d.args[0], d.guards[0] = d.args[alias], d.guards[alias]
	}
	return d
}

// run returns all that the loop of a set leaves: every slice, then results.
func (c call) run(v *vectors) [][]float32 {
	out := reflect.ValueOf(v).Elem().FieldByName(c.name)
	results := reflect.NewAt(out.Type(), out.Addr().UnsafePointer()).Elem().Call(c.args)
	all := append([][]float32(nil), c.guards...)
	for _, r := range results {
		all = append(all, []float32{float32(r.Float())})
	}
	return all
}

// compare checks that a set does to the call what the definition does.
func (c call) compare(t *testing.T, alias int, tolerance float64) {
	t.Helper()
	want, got := c.clone(alias).run(&vectorsGo), c.clone(alias).run(vec)
	for s := range want {
		for i, w := range want[s] {
			if !near(got[s][i], w, tolerance) {
				t.Fatalf("%s, %d elements, alias %d: slice %d has %v at %d, want %v",
					c.name, c.args[0].Len(), alias, s, got[s][i], i-fringe, w)
			}
		}
	}
}

// near compares with respect to 1 or to what is wanted, if that is larger.
func near(got, want float32, tolerance float64) bool {
	g, w := float64(got), float64(want)
	switch {
	case g == w || math.IsNaN(g) && math.IsNaN(w):
		return true
	case math.IsInf(g, 0) || math.IsInf(w, 0):
		return false
	}
	return math.Abs(g-w) <= tolerance*(1+math.Abs(w))
}

// loops visits the loops that share the shape of their arguments with the
// definitions.
func loops(visit func(name string, of reflect.Type)) {
	for f := range reflect.TypeFor[vectors]().Fields() {
		if f.Type.Kind() == reflect.Func && f.Name != "transposeBlock" {
			visit(f.Name, f.Type)
		}
	}
}

func TestLoopsAgree(t *testing.T) {
	atLevels(t, func(t *testing.T) {
		loops(func(name string, of reflect.Type) {
			r := rand.New(rand.NewPCG(1, 2))
			draw := func() float32 {
				if name == "adam" {
					return 0.1 + r.Float32()
				}
				return float32(r.NormFloat64())
			}
			writes, known := updated[name]
			if !known {
				writes = 1
			}
			for _, n := range lengths {
				for _, rows := range []int{1, 3} {
					c := newCall(name, of, n, rows, n%3, draw)
					c.compare(t, 0, 4e-6)
					for i := writes; i < len(c.guards) && writes > 0; i++ {
						if s := operands[name]; s == "" || s[0] == 'm' && s[i] == 'm' {
							c.compare(t, i, 4e-6)
						}
					}
				}
			}
		})
	})
}

func TestSetsAreComplete(t *testing.T) {
	for _, v := range vectorLevels() {
		for i := range reflect.TypeFor[vectors]().NumField() {
			if f := reflect.ValueOf(v).Elem().Field(i); f.IsZero() {
				t.Errorf("%s lacks %s", v.name, reflect.TypeFor[vectors]().Field(i).Name)
			}
		}
	}
}

// special are the numbers where functions have corners.
var special = func() []float32 {
	inf := float32(math.Inf(1))
	all := []float32{0, inf, float32(math.NaN()), math.SmallestNonzeroFloat32, 1e-40, 0x1p-126, 1e-20, 0.5, 1, 3, 6, 20, 88, 89, 103, 105, 1e10, math.MaxFloat32}
	for _, v := range all {
		all = append(all, -v)
	}
	return append(all, float32(math.Copysign(0, -1)))
}()

// overflows are the loops with products that may exceed a float32 on the way
// to a result that does not.
var overflows = map[string]bool{
	"rsqrtGrad": true, "reciprocalGrad": true, "sgd": true, "momentum": true, "nesterov": true, "adam": true,
}

func TestSpecialNumbers(t *testing.T) {
	atLevels(t, func(t *testing.T) {
		loops(func(name string, of reflect.Type) {
			if operands[name] != "" || of.NumOut() > 0 || overflows[name] {
				return
			}
			for _, shift := range []int{0, 1, 5} {
				i := -1
				c := newCall(name, of, len(special), 1, 0, func() float32 {
					i++
					return special[(i+i/len(special)*shift)%len(special)]
				})
				c.compare(t, 0, 4e-6)
			}
		})
	})
}

func TestExtremes(t *testing.T) {
	nan := float32(math.NaN())
	atLevels(t, func(t *testing.T) {
		for _, n := range lengths[1:] {
			for at := 0; at < n; at += 1 + n/9 {
				x := make([]float32, n)
				for i := range x {
					x[i] = -float32(n + 1)
				}
				x[at] = -1
				if Largest(x) != -1 || ArgMax(x) != at {
					t.Fatalf("%d elements: largest %v at %d, want -1 at %d", n, Largest(x), ArgMax(x), at)
				}
				x[at] = -1e9
				if Smallest(x) != -1e9 || ArgMin(x) != at {
					t.Fatalf("%d elements: smallest %v at %d, want -1e9 at %d", n, Smallest(x), ArgMin(x), at)
				}
				x[at] = nan
				if v := Largest(x); v == v || ArgMax(x) != at {
					t.Fatalf("%d elements: largest %v at %d, want NaN at %d", n, v, ArgMax(x), at)
				}
				if v := Smallest(x); v == v || ArgMin(x) != at {
					t.Fatalf("%d elements: smallest %v at %d, want NaN at %d", n, v, ArgMin(x), at)
				}
			}
		}
		if ArgMax(nil) != -1 || !math.IsInf(float64(Largest(nil)), -1) {
			t.Error("an empty slice has a largest element")
		}
	})
}

func TestLongSums(t *testing.T) {
	const n = 1_000_003
	x := make([]float32, n)
	r := rand.New(rand.NewPCG(3, 4))
	var sum, squares float64
	for i := range x {
		x[i] = 0.1 + r.Float32()/1000
		sum += float64(x[i])
		squares += float64(x[i]) * float64(x[i])
	}
	atLevels(t, func(t *testing.T) {
		column := make([]float32, 1)
		SumRows(column, x)
		for name, pair := range map[string][2]float64{
			"Sum":        {Sum(x), sum},
			"SumSquares": {SumSquares(x), squares},
			"Dot":        {Dot(x, x), squares},
			"SumRows":    {float64(column[0]), sum},
		} {
			limit := 1e-6
			if name == "SumRows" {
				limit = 3e-5
			}
			if e := math.Abs(pair[0]/pair[1] - 1); e > limit {
				t.Errorf("%s is off by %.2g", name, e)
			}
		}
	})
}

func TestLengthsMustMatch(t *testing.T) {
	for i, f := range []func(){
		func() { Add(make([]float32, 3), make([]float32, 3), make([]float32, 4)) },
		func() { Exp(make([]float32, 3), make([]float32, 2)) },
		func() { SumRows(make([]float32, 2), make([]float32, 3)) },
		func() { BiasRows(make([]float32, 2), make([]float32, 2), nil) },
		func() { Softmax(make([]float32, 4), make([]float32, 4), 3) },
		func() { Transpose(make([]float32, 5), make([]float32, 6), 2, 3, 2, 3) },
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}
