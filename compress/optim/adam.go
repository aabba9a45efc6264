package optim

import "onnxcompress/runtime/kernel"

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
		kernel.Adam(p.Value, m.Moments[0], m.Moments[1], p.Grad, stepOf(p, o.LR, o.WeightDecay, o.Decoupled),
			kernel.Betas{Beta1: o.Beta1, Beta2: o.Beta2, Eps: o.Eps}, m.Steps)
	}
	return nil
}
