package dhspg

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestPenalty holds penalties to what is worked out by hand, for the rule that
// doubles and caps at ten.
func TestPenalty(t *testing.T) {
	r := Rule{Lambda: 0.1, Amplify: 2, Cap: 10}
	for _, c := range []struct {
		name       string
		xx, xv, vv float64
		want       float64
	}{
		{"descent shortens", 25, 3, 1, 0.1},
		{"descent turns", 25, 0, 1, 0.1},
		{"nothing moves", 25, 0, 0, 0.1},
		{"a little longer: the least is enough", 25, -0.2, 1, 0.1},
		{"longer: twice the lower bound", 25, -2, 1, 0.8},
		{"twice the bound is above the cap and the cap within", 25, -4, 4, 1},
		{"the cap is below the lower bound", 25, -30, 400, 12},
		{"beyond the upper bound: the middle", 25, -0.45, 0.01, (0.09 + 0.1/0.9) / 2},
		{"straight against the weights: neither can be", 25, -5, 1, 1},
	} {
		if got := r.penalty(c.xx, c.xv, c.vv, r.Lambda); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestInterval(t *testing.T) {
	for _, c := range []struct{ xx, xv, vv, low, high float64 }{
		{25, -3, 1, 0.6, 5.0 / 3}, // x = (3, 4), v = (-1, 0)
		{25, 3, 1, 0, math.Inf(1)},
		{25, -5, 1, 1, 1},
		{0, 0, 1, 0, math.Inf(1)},
	} {
		low, high := interval(c.xx, c.xv, c.vv)
		if math.Abs(low-c.low) > 1e-12 || high != c.high && math.Abs(high-c.high) > 1e-12 {
			t.Errorf("%+v: (%v, %v)", c, low, high)
		}
	}
}

// TestDescent holds that whatever the weights, their direction and the rule, norm
// and loss both descend.
func TestDescent(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 10000 {
		n := 2 + rng.IntN(20)
		x, v := make([]float64, n), make([]float64, n)
		scale := math.Exp(6 * rng.NormFloat64())
		for i := range x {
			x[i], v[i] = rng.NormFloat64(), scale*rng.NormFloat64()
		}
		r := Rule{Lambda: math.Exp(6 * rng.NormFloat64()), Amplify: 1 + 20*rng.Float64(), Cap: 1 + 1000*rng.Float64()}
		xx, xv, vv := dot(x, x), dot(x, v), dot(v, v)
		lambda := r.penalty(xx, xv, vv, r.Lambda)
		d := make([]float64, n)
		for i := range d {
			d[i] = -(v[i] + lambda*x[i]/math.Sqrt(xx))
		}
		if along, against := dot(d, x), dot(d, v); xv < 0 && (along >= 0 || against >= 0) || lambda <= 0 {
			t.Fatalf("x %v, v %v, %+v: penalty %v gives <d,x> = %v and <d,v> = %v", x, v, r, lambda, along, against)
		}
	}
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

func TestProjected(t *testing.T) {
	for _, c := range []struct {
		x, y []float64
		eps  float64
		want bool
	}{
		{[]float64{3, 4}, []float64{3, 4}, 0.95, false},
		{[]float64{3, 4}, []float64{2.7, 3.6}, 0.95, true},
		{[]float64{3, 4}, []float64{2.7, 3.6}, 0.9, false}, // on the boundary
		{[]float64{3, 4}, []float64{2.7, 3.6}, 0.5, false},
		{[]float64{3, 4}, []float64{4, -3}, 0, false}, // across a right angle nothing is left, nor beyond
		{[]float64{3, 4}, []float64{4, -3.1}, 0, true},
		{[]float64{3, 4}, []float64{30, -19}, 0.95, true}, // long, and turned away
	} {
		if got := projected(dot(c.x, c.y), dot(c.x, c.x), c.eps); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
