package optim

// SGD is gradient descent, with heavy-ball momentum or Nesterov's. With weight
// decay, a share of the weight joins its gradient (L2), or where Decoupled the
// weight shrinks by LR·WeightDecay apart from the gradient. The zero value with
// a rate is plain descent.
type SGD struct {
	LR, Momentum, WeightDecay float64
	Nesterov, Decoupled       bool
	ledger
}

// SetLR implements Optimiser.
func (o *SGD) SetLR(lr float64) { o.LR = lr }

// Step implements Optimiser.
func (o *SGD) Step(params []Param) error {
	moments := 0
	if o.Momentum != 0 {
		moments = 1
	}
	if err := o.open(params, moments); err != nil {
		return err
	}
	h := heavy{rate: float32(o.LR), momentum: float32(o.Momentum), mean: 1}
	if o.Nesterov {
		h.slope, h.mean = 1, float32(o.Momentum)
	}
	for i, p := range params {
		if p.Grad == nil {
			continue
		}
		m := &o.memories[i]
		m.Steps++
		d := decayOf(p, o.LR, o.WeightDecay, o.Decoupled)
		if moments == 0 {
			descend(p.Value, p.Grad, float32(o.LR), d)
		} else {
			roll(p.Value, p.Grad, m.Moments[0], h, d)
		}
	}
	return nil
}

// descend moves w against its gradient g.
func descend(w, g []float32, rate float32, d decay) {
	g = g[:len(w)]
	for i, v := range w {
		w[i] = d.keep*v - rate*(g[i]+d.join*v)
	}
}

// heavy are the numbers of descent with momentum: the direction is slope times
// the gradient and mean times the momentum.
type heavy struct{ rate, momentum, slope, mean float32 }

// roll moves w against its gradient g and the momentum m, which it updates.
func roll(w, g, m []float32, h heavy, d decay) {
	g, m = g[:len(w)], m[:len(w)]
	for i, v := range w {
		slope := g[i] + d.join*v
		mean := h.momentum*m[i] + slope
		m[i] = mean
		w[i] = d.keep*v - h.rate*(h.slope*slope+h.mean*mean)
	}
}
