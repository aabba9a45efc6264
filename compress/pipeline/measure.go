package pipeline

import (
	"context"
	"fmt"
	"math"

	"onnxcompress/compress"
)

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
	return r.accuracy(ctx, small)
}

// accuracy measures both models on samples with labels.
func (r *run) accuracy(ctx context.Context, small compress.Session) error {
	set := r.samples.test
	if set == nil && r.Data != "" {
		set = r.samples.train
		r.note("accuracy is measured on samples of --data: it has no part to test on and there is no --val")
	}
	if set == nil || !set.Labelled() {
		return nil
	}
	for _, m := range []struct {
		s    compress.Session
		into *Measures
	}{{r.original, &r.report.Before}, {small, &r.report.After}} {
		score, err := Accuracy(ctx, m.s, r.outputs(), set, r.subject.Ports, r.progress)
		if err != nil {
			return err
		}
		share := score.Share()
		m.into.Metric = &share
	}
	if r.MaxAccuracyDrop == nil {
		return nil
	}
	drop, err := r.heldDrop(ctx, small)
	if err != nil || drop <= *r.MaxAccuracyDrop {
		return err
	}
	return Fail(Missed, "%s: accuracy drops by %.3g points on samples held back, more than --max-accuracy-drop allows (%.3g)", r.Input, 100*drop, 100**r.MaxAccuracyDrop)
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
