package optim

import "onnxcompress/runtime/kernel"

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
	for i, p := range params {
		if p.Grad == nil {
			continue
		}
		m := &o.memories[i]
		m.Steps++
		s := stepOf(p, o.LR, o.WeightDecay, o.Decoupled)
		switch {
		case moments == 0:
			kernel.SGD(p.Value, p.Grad, s)
		case o.Nesterov:
			kernel.Nesterov(p.Value, m.Moments[0], p.Grad, s, o.Momentum)
		default:
			kernel.Momentum(p.Value, m.Moments[0], p.Grad, s, o.Momentum)
		}
	}
	return nil
}
