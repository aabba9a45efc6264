package optim

import "math"

// Adam scales each weight's step by running means of its gradient and of the
// gradient's square, both corrected for starting at zero. Weight decay is as in
// SGD. NewAdam and NewAdamW give it with the usual numbers.
type Adam struct {
	LR, Beta1, Beta2, Eps, WeightDecay float64
	Decoupled                          bool
	ledger
}

// NewAdam returns Adam with means over about 10 and 1000 steps and no decay.
func NewAdam(lr float64) *Adam { return &Adam{LR: lr, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8} }

// NewAdamW returns Adam with decoupled weight decay of 0.01.
func NewAdamW(lr float64) *Adam {
	o := NewAdam(lr)
	o.WeightDecay, o.Decoupled = 0.01, true
	return o
}

// SetLR implements Optimiser.
func (o *Adam) SetLR(lr float64) { o.LR = lr }

// Step implements Optimiser.
func (o *Adam) Step(params []Param) error {
	if err := o.open(params, 2); err != nil {
		return err
	}
	for i, p := range params {
		if p.Grad == nil {
			continue
		}
		m := &o.memories[i]
		m.Steps++
		adapt(p.Value, p.Grad, m.Moments[0], m.Moments[1],
			o.pace(m.Steps), decayOf(p, o.LR, o.WeightDecay, o.Decoupled))
	}
	return nil
}

// pace are the numbers of one step of Adam: the rate over the correction of the
// mean, how much a new gradient weighs in either mean, how much of the old mean
// square stays, one over the correction of its root, and what is added to that.
type pace struct{ rate, new1, new2, old2, root, eps float32 }

func (o *Adam) pace(step int) pace {
	return pace{
		rate: float32(o.LR / (1 - math.Pow(o.Beta1, float64(step)))),
		new1: float32(1 - o.Beta1),
		new2: float32(1 - o.Beta2),
		old2: float32(o.Beta2),
		root: float32(1 / math.Sqrt(1-math.Pow(o.Beta2, float64(step)))),
		eps:  float32(o.Eps),
	}
}

// adapt moves w by its gradient g, of which m is the running mean and s the
// running mean square; it updates both.
func adapt(w, g, m, s []float32, p pace, d decay) {
	g, m, s = g[:len(w)], m[:len(w)], s[:len(w)]
	for i, v := range w {
		slope := g[i] + d.join*v
		mean := m[i] + p.new1*(slope-m[i])
		square := p.old2*s[i] + p.new2*slope*slope
		m[i], s[i] = mean, square
		root := float32(math.Sqrt(float64(square)))
		w[i] = d.keep*v - p.rate*mean/(root*p.root+p.eps)
	}
}
