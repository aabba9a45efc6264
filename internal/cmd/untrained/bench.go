package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"onnxcompress/compress"
	"onnxcompress/compress/dataset"
	"onnxcompress/compress/pipeline"
	"onnxcompress/internal/engine"
	"onnxcompress/internal/trained"
)

// shares are the MACs that remain.
var shares = []float64{0.9, 0.75, 0.5, 0.25}

// way is one way to compress.
type way struct {
	title, method string
	calibrated    bool
}

var ways = []way{
	{"obs, 500 images", pipeline.OBS, true},
	{"obs, no data", pipeline.OBS, false},
	{"magnitude, sliced", pipeline.Magnitude, false},
}

// cell is what one way came to at one share.
type cell struct {
	macs, accuracy, seconds float64
}

// row is one share of the MACs by all ways.
type row struct {
	share float64
	cells []cell
}

// results are those of one model.
type results struct {
	accuracy float64
	rows     []row
}

// test is the labelled part of a data set, decoded once for all models of one
// normalisation.
type test struct {
	inputs []compress.Inputs
	labels [][]int64
}

type bench struct {
	engine  *engine.Engine
	scratch string
	tests   map[string]*test
}

func (b *bench) measure(ctx context.Context, m trained.Model) (*results, error) {
	r := &results{}
	var err error
	if r.accuracy, err = b.accuracy(m, m.Path); err != nil {
		return nil, err
	}
	for _, share := range shares {
		line := row{share: share}
		for _, w := range ways {
			c, err := b.cell(ctx, m, w, share)
			if err != nil {
				return nil, fmt.Errorf("%s at %g: %w", w.title, share, err)
			}
			fmt.Fprintf(os.Stderr, "  %3.0f %%  %-18s %5.1f %% of MACs  %5.2f %%  %5.1f s\n", 100*share, w.title, 100*c.macs, 100*c.accuracy, c.seconds)
			line.cells = append(line.cells, c)
		}
		r.rows = append(r.rows, line)
	}
	return r, nil
}

func (b *bench) cell(ctx context.Context, m trained.Model, w way, share float64) (cell, error) {
	o := pipeline.Options{
		Input: m.Path, Output: filepath.Join(b.scratch, m.Name+".compact.onnx"), Force: true, KeepBest: true,
		Method: w.method, Target: &pipeline.Target{Quantity: pipeline.MACs, Share: share},
		RoundTo: 8, MinKept: 0.05, NoLatency: true,
	}
	if w.calibrated {
		o.Calib, o.Mean, o.Std, o.NumSamples = m.Data, m.Mean, m.Std, 500
	}
	report, err := pipeline.Run(ctx, o, b.engine, nil)
	var failure *pipeline.Failure
	if err != nil && !(errors.As(err, &failure) && failure.Kind == pipeline.Missed) {
		return cell{}, err
	}
	accuracy, err := b.accuracy(m, o.Output)
	return cell{float64(report.After.MACs) / float64(report.Before.MACs), accuracy, report.Seconds}, err
}

// accuracy is the share of all test samples that a model file classifies right.
func (b *bench) accuracy(m trained.Model, path string) (float64, error) {
	t, err := b.test(m)
	if err != nil {
		return 0, err
	}
	s, err := b.engine.OpenFile(path)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	correct, total := 0, 0
	for i, in := range t.inputs {
		out, err := s.Run(in)
		if err != nil {
			return 0, err
		}
		for _, y := range out {
			n, err := dataset.TopK(y, t.labels[i], 1)
			if err != nil {
				return 0, err
			}
			correct, total = correct+n, total+len(t.labels[i])
		}
	}
	return float64(correct) / float64(max(total, 1)), nil
}

// test reads the samples that models are measured on.
func (b *bench) test(m trained.Model) (*test, error) {
	key := fmt.Sprint(m.Data, m.Mean, m.Std)
	if t := b.tests[key]; t != nil {
		return t, nil
	}
	subject, err := pipeline.Load(m.Path, nil)
	if err != nil {
		return nil, err
	}
	defer subject.Close()
	set, err := dataset.Open(m.Data, dataset.Options{Inputs: subject.Ports, Mean: m.Mean, Std: m.Std, Split: dataset.Test})
	if err != nil {
		return nil, err
	}
	defer set.Close()
	t := &test{}
	for batch, err := range set.Batches(100) {
		if err != nil {
			return nil, err
		}
		t.inputs, t.labels = append(t.inputs, batch.Inputs), append(t.labels, batch.Labels)
	}
	b.tests = map[string]*test{key: t}
	return t, nil
}
