package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math"

	"onnxcompress/compress"
	"onnxcompress/compress/dataset"
)

// measured are the samples that both models are measured on, nil for none.
func (r *run) measured() *dataset.Set {
	set := r.samples.test
	if set == nil && r.Data != "" {
		set = r.samples.train
	}
	if set == nil || meterOf(set) == nil {
		return nil
	}
	return set
}

// rated reports whether both models are measured on samples.
func (r *run) rated() bool {
	return !r.Whole && !r.DryRun && r.runs() && r.measured() != nil
}

// rate measures both models on samples. It comes before the result is written,
// which tells of it.
func (r *run) rate(ctx context.Context) error {
	if !r.rated() {
		return nil
	}
	name := metricOf(r.measured())
	if r.samples.test == nil {
		r.note(Metric{Name: name}.Label() + " is measured on samples of --data: it has no part to test on and there is no --val")
	}
	small, err := r.open(r.chosen)
	if err != nil {
		return err
	}
	defer small.Close()
	for _, m := range []struct {
		s      compress.Session
		into   *Measures
		failed Kind
	}{{r.original, &r.report.Before, BadInput}, {small, &r.report.After, Disagrees}} {
		found, err := Evaluate(ctx, m.s, r.outputs(), r.measured(), r.subject.Ports, r.progress)
		var failure *Failure
		if errors.As(err, &failure) {
			failure.Kind = m.failed
		}
		if errors.Is(err, errNoFit) {
			return r.unmeasured(name, err)
		}
		if err != nil {
			return err
		}
		m.into.Metric = &found.Value
	}
	r.report.Metric = name
	return r.stamp(r.chosen.model, r.report.Before, r.report.After)
}

// unmeasured takes back what the model was told of a metric to come.
func (r *run) unmeasured(name string, why error) error {
	r.note(fmt.Sprintf("%s is not measured: %v", Metric{Name: name}.Label(), why))
	r.report.Before.Metric = nil
	err := r.stamp(r.chosen.model, r.report.Before, r.report.After)
	r.report.After.Bytes = r.chosen.model.Size()
	return err
}

// judge says how far the compact model is from the original.
func (r *run) judge(ctx context.Context, small compress.Session) error {
	if r.samples.held == nil {
		if err := r.divide(ctx); err != nil {
			return err
		}
	}
	f, err := r.fidelity(ctx, small)
	if err != nil {
		return err
	}
	r.report.Fidelity = f
	if f.Synthetic {
		r.note("judged on random inputs: accuracy on real data is unverified")
	}
	if r.Target != nil && !f.holds() {
		r.note(fmt.Sprintf("%v: beyond the guard, because a target was named", f))
	}
	return nil
}

// guard finds whether accuracy on what was held back falls by more than allowed.
func (r *run) guard(ctx context.Context) error {
	if r.MaxAccuracyDrop == nil || r.Whole || r.DryRun {
		return nil
	}
	small, err := r.open(r.chosen)
	if err != nil {
		return err
	}
	defer small.Close()
	drop, err := r.heldDrop(ctx, small)
	if err == nil && drop > *r.MaxAccuracyDrop {
		r.dropped = Fail(Missed, "%s: accuracy drops by %.3g points on samples held back, more than --max-accuracy-drop allows (%.3g)", r.Input, 100*drop, 100**r.MaxAccuracyDrop)
	}
	return err
}

// outputs names the model's outputs in order.
func (r *run) outputs() []string {
	var names []string
	for _, v := range r.subject.Graph.Outputs {
		names = append(names, v.Name)
	}
	return names
}

// measure times both models.
func (r *run) measure(context.Context) error {
	if r.DryRun || r.NoValidate || r.NoLatency {
		return nil
	}
	times, err := r.engine.Latency(r.samples.validation[0], r.Input, r.staged.path())
	if err != nil {
		return &Failure{Disagrees, err}
	}
	before, after := times[0].Seconds()*1000, times[1].Seconds()*1000
	r.report.Before.Latency, r.report.After.Latency = &before, &after
	return nil
}

// missed is the failure of a run whose target is not met.
func (r *run) missed() error {
	t := r.Target
	if t == nil {
		return nil
	}
	remains, want, whole := r.report.After.quantity(t.Quantity), t.of(r.report.Before), r.report.Before.quantity(t.Quantity)
	switch t.Quantity {
	case Sparsity:
		if c := r.report.Connections; c != nil {
			remains, want, whole = c.Sparsity(), t.Share, 1
			break
		}
		remains, want, whole = float64(r.report.Groups.Removed)/float64(max(r.report.Groups.Total, 1)), t.Share, 1
	case Latency:
		if r.report.After.Latency == nil {
			return nil // not measured: --no-validate says so
		}
		if remains <= want {
			return nil
		}
	}
	if math.Abs(remains-want) <= compress.Tolerance*whole+1e-9 {
		return nil
	}
	return Fail(Missed, "%s: target not met: %.4g %% of %s, where %.4g %% was asked for%s", r.Input, 100*remains/whole, t.Quantity, 100*want/whole, r.obstacle())
}

// obstacle names what stands most in the way of a target.
func (r *run) obstacle() string {
	for _, p := range r.report.Summary {
		return fmt.Sprintf("; %.3g %% of the MACs are pinned by %s, which %s", 100*p.Share, p.Operator, p.Reason)
	}
	return ""
}
