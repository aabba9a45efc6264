package pipeline

import (
	"context"
	"fmt"

	"onnxcompress/compress"
	"onnxcompress/graph/tensor"
	"onnxcompress/runtime"
)

// tolerances bound the relative error between models that are equal but for the
// order of sums, by the coarsest type that they compute in.
var tolerances = map[tensor.DType]float64{tensor.Float16: 1e-2, tensor.BFloat16: 5e-2}

// exactly is the tolerance of models that compute in 32 bits or more.
const exactly = 1e-4

// folded is the tolerance of models whose weights were rounded anew, which
// deep networks magnify.
const folded = 1e-3

// tolerance is the largest relative error at which models count as equal.
func (s *Subject) tolerance() float64 {
	largest := exactly
	for i := range s.Graph.Witness.Values {
		largest = max(largest, tolerances[s.Graph.Witness.Values[i].DType])
	}
	return largest
}

// validate compares the compact model with the masked one, whose equal it must
// be, and with the original, from which it may differ.
func (r *run) validate(ctx context.Context) error {
	if r.DryRun {
		return nil
	}
	if r.NoValidate {
		r.note("not validated: --no-validate")
		return nil
	}
	masked, err := r.engine.OpenFile(r.masked.path())
	if err != nil {
		return &Failure{Disagrees, err}
	}
	defer masked.Close()
	small, err := r.engine.OpenFile(r.staged.path())
	if err != nil {
		return &Failure{Disagrees, err}
	}
	defer small.Close()
	worst, err := Compare(ctx, r.engine, masked, small, r.samples.validation)
	if err != nil {
		return err
	}
	r.report.Validation = &Validation{MaxRelError: Number(worst), Inputs: len(r.samples.validation)}
	limit := r.subject.tolerance()
	if r.FoldBatchNorm {
		limit = max(limit, folded)
	}
	if limit < worst && worst <= coarsest {
		own, err := rounding(ctx, r.engine, masked, r.samples.validation, r.Seed)
		if err != nil {
			return err
		}
		if limit = max(limit, min(own, coarsest)); worst <= limit {
			r.note(fmt.Sprintf("the compact model differs from the masked one by %.2g, and the masked one from itself by %.2g where its inputs change by a millionth", worst, own))
		}
	}
	if !(worst <= limit) {
		return Fail(Disagrees, "%s: the compact model differs from the masked one by %.2g (relative; up to %.0e is rounding)", r.Input, worst, limit)
	}
	if err := r.second(small); err != nil {
		return err
	}
	if r.Whole {
		return nil // it equals the original: there is nothing to judge
	}
	return r.judge(ctx, small)
}

// second runs a trained model in the engine that trained it, which must give what
// the judge gives.
func (r *run) second(small compress.Session) error {
	if r.chosen.full == nil {
		return nil
	}
	own, err := runtime.Open(r.chosen.model, runtime.Options{Threads: r.Threads})
	if err != nil {
		return &Failure{Disagrees, err}
	}
	defer own.Close()
	worst := 0.0
	for _, in := range r.samples.validation {
		want, err := small.Run(in)
		if err != nil {
			return &Failure{Disagrees, err}
		}
		got, err := own.Run(in)
		if err != nil {
			return &Failure{Disagrees, err}
		}
		worst = max(worst, r.engine.Difference(want, got))
	}
	r.report.Validation.Engine = (*Number)(&worst)
	if worst > folded {
		r.note(fmt.Sprintf("the engine that trained the model and the judge differ by %.2g", worst))
	}
	return nil
}

// Compare runs two models on batches and returns the largest relative error.
// The failure of a run of a is of kind BadInput, of one of b Disagrees.
func Compare(ctx context.Context, engine Runner, a, b compress.Session, batches []compress.Inputs) (float64, error) {
	worst := 0.0
	for _, in := range batches {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		want, err := a.Run(in)
		if err != nil {
			return 0, BadInputs(err)
		}
		got, err := b.Run(in)
		if err != nil {
			return 0, &Failure{Disagrees, err}
		}
		worst = max(worst, engine.Difference(want, got))
	}
	return worst, nil
}

// BadInputs is the failure of a model that does not take its inputs: it tells
// what to pass.
func BadInputs(err error) error {
	return Fail(BadInput, "%w; pass inputs that suit the model by --inputs FILE.npz, or their sizes by --shape NAME:1,3,224,224", err)
}
