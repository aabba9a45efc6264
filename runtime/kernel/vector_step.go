package kernel

import "math"

// A Step is what the steps of gradient descent have in common.
type Step struct {
	Rate float64
	L2   float64 // times the weight, is added to the gradient
	// Decay, times the rate, is the share of a weight that is lost per step,
	// which momentum does not see.
	Decay float64
}

func (s Step) numbers() (rate, l2, keep float32) {
	return float32(-s.Rate), float32(s.L2), float32(1 - s.Rate*s.Decay)
}

// SGD moves the weights w against the gradient g.
func SGD(w, g []float32, s Step) {
	same(w, g)
	rate, l2, keep := s.numbers()
	vec.sgd(w, g, rate, l2, keep)
}

// Momentum sets v to mu·v plus the gradient, and moves w against v.
func Momentum(w, v, g []float32, s Step, mu float64) {
	same(w, v, g)
	rate, l2, keep := s.numbers()
	vec.momentum(w, v, g, rate, l2, keep, float32(mu))
}

// Nesterov sets v to mu·v plus the gradient, and moves w against the gradient
// plus mu·v.
func Nesterov(w, v, g []float32, s Step, mu float64) {
	same(w, v, g)
	rate, l2, keep := s.numbers()
	vec.nesterov(w, v, g, rate, l2, keep, float32(mu))
}

// Betas are the parameters of Adam.
type Betas struct {
	Beta1, Beta2, Eps float64
}

// Adam makes step number t, counted from 1: it moves w against m/(√v + Eps),
// where m and v are the running means of the gradient and its square, with
// their bias removed. With Step.Decay it is AdamW.
func Adam(w, m, v, g []float32, s Step, b Betas, t int) {
	same(w, m, v, g)
	rate, l2, keep := s.numbers()
	bias1 := 1 - math.Pow(b.Beta1, float64(t))
	bias2 := 1 - math.Pow(b.Beta2, float64(t))
	vec.adam(w, m, v, g, float32(float64(rate)/bias1), l2, keep,
		float32(b.Beta1), float32(1-b.Beta1), float32(b.Beta2), float32(1-b.Beta2),
		float32(1/math.Sqrt(bias2)), float32(b.Eps))
}
