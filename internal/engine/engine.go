// Package engine is onnxruntime as compress/pipeline wants it.
package engine

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"onnxcompress/compress"
	"onnxcompress/compress/dataset"
	"onnxcompress/compress/pipeline"
	"onnxcompress/runtime/ort"
)

// Engine implements pipeline.Runner. The library is looked for, and fetched
// where it is missing, when something runs for the first time.
type Engine struct {
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

// Random implements pipeline.Runner.
func (e *Engine) Random(ports []dataset.Port, shapes map[string][]int64, seed int64) (compress.Inputs, error) {
	asked := make([]ort.Port, len(ports))
	for i, p := range ports {
		asked[i] = ort.Port(p)
	}
	return ort.Synthesize(asked, shapes, rand.New(rand.NewPCG(uint64(seed), 0)))
}

// Difference implements pipeline.Runner.
func (e *Engine) Difference(want, got pipeline.Outputs) float64 {
	worst := 0.0
	for name, t := range want {
		worst = max(worst, ort.CompareTensors(name, t, got[name]).RelError)
	}
	return worst
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
