// Package engine is what runs models for compress/pipeline: onnxruntime, or the
// native engine.
package engine

import (
	"context"
	"sync"
	"time"

	"onnxcompress/compress"
	"onnxcompress/runtime/ort"
)

// Engine is onnxruntime as pipeline.Runner. The library is looked for, and fetched
// where it is missing, when something runs for the first time.
type Engine struct {
	yardstick
	ready   func() error
	threads int
}

// New returns an engine that computes on so many threads, 0 for all cores.
// library names onnxruntime's, empty for where it usually is; note, which may be
// nil, is told of a download.
func New(ctx context.Context, library string, threads int, note func(string)) *Engine {
	return &Engine{threads: threads, ready: sync.OnceValue(func() error {
		library, err := ort.Ensure(ctx, library, note)
		if err != nil {
			return err
		}
		return ort.Init(library)
	})}
}

// session is a model open in onnxruntime.
type session struct{ *ort.Session }

// Close implements compress.Session.
func (s session) Close() error {
	s.Session.Close()
	return nil
}

// Open implements compress.Runner.
func (e *Engine) Open(model []byte) (compress.Session, error) {
	if err := e.ready(); err != nil {
		return nil, err
	}
	s, err := ort.OpenBytes(model, ort.Options{Threads: e.threads})
	if err != nil {
		return nil, err
	}
	return session{s}, nil
}

// OpenFile implements compress.Runner.
func (e *Engine) OpenFile(path string) (compress.Session, error) {
	s, err := e.open(path, false)
	if err != nil {
		return nil, err
	}
	return session{s}, nil
}

func (e *Engine) open(path string, optimize bool) (*ort.Session, error) {
	if err := e.ready(); err != nil {
		return nil, err
	}
	return ort.Open(path, ort.Options{Threads: e.threads, Optimize: optimize})
}

// Latency implements pipeline.Runner.
func (e *Engine) Latency(in compress.Inputs, files ...string) ([]time.Duration, error) {
	stats, err := e.Stats(in, briefly, files...)
	times := make([]time.Duration, len(stats))
	for i, s := range stats {
		times[i] = s.Median
	}
	return times, err
}

// briefly is how long models are timed in passing.
var briefly = ort.LatencyOptions{Warmup: 2, MinRuns: 10, MaxTime: 300 * time.Millisecond}

// Stats times one model, or two in turn, with onnxruntime's optimisations on.
func (e *Engine) Stats(in compress.Inputs, o ort.LatencyOptions, files ...string) ([]ort.Stats, error) {
	var open []*ort.Session
	for _, f := range files {
		s, err := e.open(f, true)
		if err != nil {
			return nil, err
		}
		defer s.Close()
		open = append(open, s)
	}
	if len(open) == 1 {
		s, err := ort.Latency(open[0], in, o)
		return []ort.Stats{s}, err
	}
	a, b, err := ort.LatencyPair(open[0], open[1], in, o)
	return []ort.Stats{a, b}, err
}
