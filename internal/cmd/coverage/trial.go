package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"onnxcompress/compress/pipeline"
	"onnxcompress/internal/engine"
	"onnxcompress/onnx"
)

const (
	// half is the share of MACs that must remain, nearly the tolerance on it.
	half, nearly = 0.5, 0.02
	// third is the share of groups that go at random, for so many seeds.
	third, seeds = 0.3, 5
	// patience bounds one run.
	patience = 3 * time.Minute
)

// trial is one model that is tried.
type trial struct {
	model
	dir    string
	engine *engine.Engine
}

// result is what came of a model.
type result struct {
	model
	loads, roundTrip bool
	groups           int
	prunable         float64
	// half is the run to half the MACs, random those that cut at random.
	half   outcome
	random [seeds]outcome
	// native is how the native engine computes the model.
	native agreement
	// obstacle is what stands in the way where something failed.
	obstacle string
}

// outcome is what came of one run.
type outcome struct {
	// remains is the share of MACs that is left, worst the relative error
	// between masked and compact.
	remains, worst float64
	err            error
}

func (r *result) verdict() string {
	switch {
	case r.half.err != nil:
		return "not done: " + onnx.OneLine(r.half.err)
	case r.randomDone() < seeds:
		return fmt.Sprintf("done, but %d of %d random cuts", r.randomDone(), seeds)
	}
	return "done"
}

func (r *result) randomDone() int {
	n := 0
	for _, o := range r.random {
		if o.err == nil {
			n++
		}
	}
	return n
}

func (t *trial) run() result {
	r := result{model: t.model}
	r.roundTrip, r.half.err = t.again()
	r.loads = r.half.err == nil
	if !r.loads {
		for i := range r.random {
			r.random[i].err = r.half.err
		}
		r.obstacle = onnx.OneLine(r.half.err)
		return r
	}
	r.native = t.native()
	o := pipeline.Options{Method: pipeline.Magnitude, Target: &pipeline.Target{Quantity: pipeline.MACs, Share: half}}
	report := t.compress(o, &r.half)
	r.groups, r.prunable = report.Groups.Total, report.PrunableMACs
	if r.half.err == nil && (r.half.remains < half-nearly || r.half.remains > half+nearly) {
		r.half.err = fmt.Errorf("%.1f %% of the MACs remain", 100*r.half.remains)
	}
	for seed := range r.random {
		o := pipeline.Options{Method: pipeline.Random, Seed: int64(seed), Target: &pipeline.Target{Quantity: pipeline.Sparsity, Share: third}}
		t.compress(o, &r.random[seed])
	}
	if r.verdict() != "done" {
		r.obstacle = obstacle(report, r.firstError(), filepath.Dir(t.path))
	}
	return r
}

func (r *result) firstError() error {
	if r.half.err != nil {
		return r.half.err
	}
	for _, o := range r.random {
		if o.err != nil {
			return o.err
		}
	}
	return nil
}

// again loads the model, saves it and loads it once more: what comes back must
// be equal.
func (t *trial) again() (equal bool, err error) {
	m, err := onnx.Load(t.path)
	if err != nil {
		return false, err
	}
	defer m.Close()
	if err := m.Check(); err != nil {
		return false, err
	}
	path := filepath.Join(t.dir, "again.onnx")
	if err := m.Save(path); err != nil {
		return false, err
	}
	saved, err := onnx.Load(path)
	if err != nil {
		return false, err
	}
	defer saved.Close()
	return proto.Equal(m.Proto, saved.Proto), nil
}

// compress runs the pipeline as compress --no-train --no-compensate --round-to 1
// does and judges the masked and the compact model.
func (t *trial) compress(o pipeline.Options, out *outcome) (report *pipeline.Report) {
	report = &pipeline.Report{}
	defer func() {
		if p := recover(); p != nil {
			out.err = fmt.Errorf("internal error: %v", p)
		}
	}()
	o.Input, o.Inputs = t.path, t.inputs
	o.Output, o.MaskedOutput = filepath.Join(t.dir, "compact.onnx"), filepath.Join(t.dir, "masked.onnx")
	o.Force, o.NoCompensate, o.RoundTo, o.MinKept, o.NoLatency = true, true, 1, 0.05, true
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	report, out.err = pipeline.Run(ctx, o, t.engine, nil)
	if errors.Is(out.err, context.DeadlineExceeded) {
		out.err = fmt.Errorf("takes longer than %v", patience)
	}
	if report.Before.MACs > 0 {
		out.remains = float64(report.After.MACs) / float64(report.Before.MACs)
	}
	if out.err == nil {
		out.worst, out.err = t.judge(o)
	}
	return report
}

// obstacle says what stands in the way: an operator that is not supported, or
// the one that pins most of the MACs; else the error itself.
func obstacle(r *pipeline.Report, err error, folder string) string {
	message := strings.ReplaceAll(onnx.OneLine(err), folder+string(filepath.Separator), "")
	var failure *pipeline.Failure
	if errors.As(err, new(verdict)) || errors.As(err, &failure) && failure.Kind == pipeline.Disagrees {
		return message
	}
	for _, u := range r.Unsupported {
		return fmt.Sprintf("unsupported: %s (%s)", operator(u.Node), u.Reason)
	}
	type cause struct{ operator, reason string }
	shares, most := map[cause]float64{}, cause{}
	for _, p := range r.Summary {
		c := cause{operator(p.Operator), p.Reason}
		if p.Unsupported {
			return fmt.Sprintf("unsupported: %s %s (%.1f %% of the MACs)", c.operator, c.reason, 100*p.Share)
		}
		if shares[c] += p.Share; shares[c] > shares[most] {
			most = c
		}
	}
	if most == (cause{}) {
		return message
	}
	return fmt.Sprintf("%s %s: it pins %.1f %% of the MACs", most.operator, most.reason, min(100, 100*shares[most]))
}

// operator is the operator of a node's label: labels of nodes are an operator
// and a name, other causes are words.
func operator(label string) string {
	name, _, _ := strings.Cut(label, " ")
	if name == "" || name[0] < 'A' || name[0] > 'Z' {
		return label
	}
	return name
}
