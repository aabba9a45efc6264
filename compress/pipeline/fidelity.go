package pipeline

import (
	"context"
	"fmt"
	"math"

	"onnxcompress/compress"
	"onnxcompress/compress/dataset"
	"onnxcompress/graph/tensor"
)

// The fidelity guard: how far outputs may move where no target is given.
const (
	maxOutputError = 0.05
	minAgreement   = 0.98
)

// fidelity runs a model on what was held back.
func (r *run) fidelity(ctx context.Context, s compress.Session) (*Fidelity, error) {
	var errs errorSum
	for i, j := range r.samples.held {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		got, err := s.Run(j.in)
		if err != nil {
			return nil, &Failure{Disagrees, err}
		}
		errs.add(j.want, got)
		r.progress.Advance(i+1, len(r.samples.held))
	}
	f := errs.fidelity()
	f.Synthetic = r.samples.synthetic
	return f, nil
}

// holds reports whether a model is within the guard.
func (f *Fidelity) holds() bool {
	return float64(f.RelError) <= maxOutputError && (f.Agreement == nil || *f.Agreement >= minAgreement)
}

// String is the fidelity in words.
func (f *Fidelity) String() string {
	text := fmt.Sprintf("outputs move by %.2g %%", 100*float64(f.RelError))
	if f.Agreement != nil {
		text += fmt.Sprintf(", %.4g %% of samples keep their class", 100**f.Agreement)
	}
	return text
}

// errorSum gathers the differences of two models' outputs.
type errorSum struct {
	outputs map[string]*outputSum
	agree   int
	classed int
	samples int
}

// outputSum is one output over all batches. first and square are by place in a
// sample: their sum and sum of squares.
type outputSum struct {
	difference, magnitude float64
	first                 []float64
	rows                  int
	uneven                bool
}

func (e *errorSum) add(want, got Outputs) {
	rows := 0
	for name, w := range want {
		g := got[name]
		if !w.DType.IsFloat() {
			continue
		}
		if e.outputs == nil {
			e.outputs = map[string]*outputSum{}
		}
		if e.outputs[name] == nil {
			e.outputs[name] = &outputSum{}
		}
		e.outputs[name].add(w, g)
		if w.Rank() > 0 {
			rows = max(rows, int(w.Shape[0]))
		}
		if w.Rank() == 2 && w.Shape[1] >= 2 && g != nil {
			e.classes(w, g)
		}
	}
	e.samples += rows
}

func (e *errorSum) classes(want, got *tensor.Tensor) {
	a, errA := dataset.Argmax(want)
	b, errB := dataset.Argmax(got)
	if errA != nil || errB != nil {
		return
	}
	for i := range a {
		if e.classed++; i < len(b) && a[i] == b[i] {
			e.agree++
		}
	}
}

func (o *outputSum) add(want, got *tensor.Tensor) {
	w := want.AsFloat64s()
	var g []float64
	if got != nil {
		g = got.AsFloat64s()
	}
	if len(w) != len(g) {
		o.difference = math.Inf(1)
		return
	}
	rows := 1
	if want.Rank() > 0 {
		rows = int(want.Shape[0])
	}
	each := len(w) / max(rows, 1)
	if o.first == nil {
		o.first = make([]float64, each)
	}
	o.uneven = o.uneven || len(o.first) != each
	o.rows += rows
	for i, x := range w {
		o.difference += (x - g[i]) * (x - g[i])
		o.magnitude += x * x
		if !o.uneven {
			o.first[i%each] += x
		}
	}
}

// relative is the norm of the difference over that of what the output varies by
// from sample to sample: an output that is nearly the same for all inputs must
// not hide that a model no longer hears them.
func (o *outputSum) relative() float64 {
	if o.difference == 0 {
		return 0
	}
	varies := o.magnitude
	if !o.uneven && o.rows > 1 {
		for _, sum := range o.first {
			varies -= sum * sum / float64(o.rows)
		}
	}
	const rounding = 1e-10
	if varies <= rounding*o.magnitude {
		varies = o.magnitude
	}
	if e := math.Sqrt(o.difference / varies); !math.IsNaN(e) {
		return e
	}
	return math.Inf(1)
}

func (e *errorSum) fidelity() *Fidelity {
	f := &Fidelity{Samples: e.samples}
	for _, o := range e.outputs {
		f.RelError = max(f.RelError, Number(o.relative()))
	}
	if e.classed > 0 {
		share := float64(e.agree) / float64(e.classed)
		f.Agreement = &share
	}
	return f
}
