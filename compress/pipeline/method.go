package pipeline

import (
	"context"
	"fmt"
	"slices"

	"onnxcompress/compress"
	"onnxcompress/compress/compact"
	"onnxcompress/compress/obs"
)

// compress finds the candidate that the options ask for.
func (r *run) compress(ctx context.Context) error {
	if r.guarded() || r.looks() {
		if err := r.divide(ctx); err != nil {
			return err
		}
	}
	var choose chooser
	var err error
	if !r.trains() {
		if choose, err = r.chooser(ctx); err != nil {
			return err
		}
	}
	switch {
	case r.Whole:
		r.chosen, err = r.whole()
	case r.trains() && r.report.Groups.Prunable > 0:
		err = r.train(ctx)
	case r.report.Groups.Prunable == 0:
		r.note("nothing can be pruned: the result computes what the model does, without what is unused")
		r.chosen, err = r.whole()
	case r.Target == nil:
		err = r.search(ctx, choose)
	case r.Target.Quantity == Latency:
		err = r.searchLatency(ctx, choose)
	default:
		err = r.aim(ctx, choose)
	}
	if err != nil {
		return err
	}
	r.report.Groups.Removed = r.chosen.removed()
	r.report.Layers = layers(r.chosen.choice.Cut)
	if n := len(r.report.Unsupported); n > 0 {
		r.note(fmt.Sprintf("%d nodes cannot be narrowed and keep their channels: %s", n, r.report.Unsupported[0].Node))
	}
	r.report.After, err = r.stamped(r.chosen.model)
	return err
}

// trains reports whether the method trains: it needs data and a target.
func (r *run) trains() bool {
	switch {
	case r.Whole || r.NoTrain || r.Data == "":
		return false
	case r.Target == nil:
		return r.Training.Lambda > 0
	case slices.Contains(trained, r.Method) || r.Method == Auto:
		return true
	}
	return r.Training.Epochs > 0
}

// chooser is what the method chooses by.
func (r *run) chooser(ctx context.Context) (chooser, error) {
	g := r.subject.Graph
	switch {
	case r.Method == Random:
		return scored(r, compress.Random(g, r.Seed)), nil
	case r.looks():
		return r.surgeon(ctx)
	}
	s, err := compress.Magnitude(g, 2)
	return scored(r, s), err
}

// surgeon chooses by the damage that is done to outputs and compensates for it.
func (r *run) surgeon(ctx context.Context) (chooser, error) {
	g := r.subject.Graph
	in := obs.Samples{Batches: r.samples.calibration, Seed: r.Seed, Progress: r.progress.Advance}
	s, err := obs.Score(ctx, g, r.engine, in)
	if err != nil {
		return nil, Fail(Unsupported, "%s: %w", r.Input, err)
	}
	return func(ctx context.Context, t compress.Target, l compress.Limits) (compress.Choice, compact.Weights, error) {
		l.PerCost = true
		choice := compress.Choose(g, s, t, l)
		if r.NoCompensate {
			return choice, nil, nil
		}
		w, notes, err := obs.Compensate(ctx, g, choice.Cut, r.engine, in)
		if err != nil {
			return choice, nil, err
		}
		for _, n := range notes {
			r.note(n)
		}
		return choice, w, nil
	}, nil
}

// scored chooses by scores that do not depend on the target.
func scored(r *run, s compress.Scores) chooser {
	return func(_ context.Context, t compress.Target, l compress.Limits) (compress.Choice, compact.Weights, error) {
		return compress.Choose(r.subject.Graph, s, t, l), nil, nil
	}
}
