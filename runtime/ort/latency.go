package ort

import (
	"fmt"
	"slices"
	"time"

	onnxruntime "github.com/yalue/onnxruntime_go"

	"onnxcompress/graph/tensor"
)

// LatencyOptions say how long to measure. Zero values stand for 5 warm-up runs,
// at least 30 measured ones and a second of measuring.
type LatencyOptions struct {
	// Warmup is the number of runs before any is measured.
	Warmup int
	// MinRuns is the least number of measured runs.
	MinRuns int
	// MaxTime is how long to measure. A model so slow that MinRuns take more
	// than four times as long gets fewer runs, at least three.
	MaxTime time.Duration
}

// Stats are the durations of single runs of a model.
type Stats struct {
	Median, P10, P90, Mean time.Duration
	// Spread is P90 less P10.
	Spread time.Duration
	Runs   int
}

const fewestRuns = 3

func (o LatencyOptions) filled() LatencyOptions {
	if o.Warmup <= 0 {
		o.Warmup = 5
	}
	if o.MinRuns <= 0 {
		o.MinRuns = 30
	}
	if o.MaxTime <= 0 {
		o.MaxTime = time.Second
	}
	return o
}

// enough reports whether measuring ends after runs in the time spent.
func (o LatencyOptions) enough(runs int, spent time.Duration) bool {
	if runs < fewestRuns {
		return false
	}
	return spent >= o.MaxTime && runs >= o.MinRuns || spent >= 4*o.MaxTime
}

// Latency times runs of s on in, without the making of values on either side;
// the cast that returns an output of 16-bit floats is in it. The error of a run
// that fails wraps ErrRun.
func Latency(s *Session, in map[string]*tensor.Tensor, o LatencyOptions) (Stats, error) {
	stats, err := measure([]*Session{s}, in, o)
	if err != nil {
		return Stats{}, err
	}
	return stats[0], nil
}

// LatencyPair times a and b on the same inputs, run by run in turn, so that a
// change of the machine's pace meets both.
func LatencyPair(a, b *Session, in map[string]*tensor.Tensor, o LatencyOptions) (Stats, Stats, error) {
	stats, err := measure([]*Session{a, b}, in, o)
	if err != nil {
		return Stats{}, Stats{}, err
	}
	return stats[0], stats[1], nil
}

func measure(sessions []*Session, in map[string]*tensor.Tensor, o LatencyOptions) ([]Stats, error) {
	runs := make([]func() (time.Duration, error), len(sessions))
	for i, s := range sessions {
		p, err := s.prepare(in)
		if err != nil {
			return nil, fmt.Errorf("%w %s: %s", ErrRun, s.name, oneLine(err))
		}
		defer p.destroy()
		runs[i] = func() (time.Duration, error) {
			d, err := p.run()
			if err != nil {
				err = fmt.Errorf("%w %s: %s", ErrRun, s.name, oneLine(err))
			}
			return d, err
		}
	}
	return Time(o, runs...)
}

// Time times runs in turn, each by the duration that it gives itself, so that a
// change of the machine's pace meets all. It ends with the first error.
func Time(o LatencyOptions, runs ...func() (time.Duration, error)) ([]Stats, error) {
	o = o.filled()
	times := make([][]time.Duration, len(runs))
	var begin time.Time
	for run := -o.Warmup; run < 0 || !o.enough(run, time.Since(begin)); run++ {
		if run == 0 {
			begin = time.Now()
		}
		for k := range runs {
			// Each comes first in every other round, since what runs first finds
			// the caches that the other has filled.
			i := (k + max(run, 0)) % len(runs)
			d, err := runs[i]()
			if err != nil {
				return nil, err
			}
			if run >= 0 {
				times[i] = append(times[i], d)
			}
		}
	}
	stats := make([]Stats, len(runs))
	for i := range stats {
		stats[i] = statsOf(times[i])
	}
	return stats, nil
}

func statsOf(times []time.Duration) Stats {
	slices.Sort(times)
	var sum time.Duration
	for _, d := range times {
		sum += d
	}
	n := len(times)
	s := Stats{
		Median: (times[(n-1)/2] + times[n/2]) / 2,
		P10:    times[(n-1)/10], P90: times[((n-1)*9+9)/10],
		Mean: sum / time.Duration(n), Runs: n,
	}
	s.Spread = s.P90 - s.P10
	return s
}

// prepared is a session with its inputs, and its outputs as far as they are
// known to keep their shape.
type prepared struct {
	session         *Session
	inputs, outputs []onnxruntime.Value
	buffers         []onnxruntime.Value // for outputs; nil where onnxruntime makes them
}

func (s *Session) prepare(in map[string]*tensor.Tensor) (*prepared, error) {
	if s.session == nil {
		return nil, errClosed
	}
	p := &prepared{session: s}
	var err error
	if p.inputs, err = s.values(in); err != nil {
		p.destroy()
		return nil, err
	}
	first, second := make([]onnxruntime.Value, len(s.graft.outputs)), make([]onnxruntime.Value, len(s.graft.outputs))
	defer func() { destroy(first); destroy(second) }()
	for _, v := range [][]onnxruntime.Value{first, second} {
		if err := s.session.Run(p.inputs, v); err != nil {
			p.destroy()
			return nil, err
		}
	}
	p.buffers = make([]onnxruntime.Value, len(first))
	for i := range first {
		p.buffers[i] = buffer(first[i], second[i])
	}
	p.outputs = slices.Clone(p.buffers)
	return p, nil
}

// buffer is a value for later runs to write, nil unless two runs agree on a
// tensor's shape.
func buffer(a, b onnxruntime.Value) onnxruntime.Value {
	if a.GetONNXType() != onnxruntime.ONNXTypeTensor || !a.GetShape().Equals(b.GetShape()) {
		return nil
	}
	t, err := readTensor(a)
	if err != nil || t.DType == tensor.String {
		return nil
	}
	v, err := newValue(t)
	if err != nil {
		return nil
	}
	return v
}

// run is one run's duration.
func (p *prepared) run() (time.Duration, error) {
	begin := time.Now()
	err := p.session.session.Run(p.inputs, p.outputs)
	d := time.Since(begin)
	for i, v := range p.outputs {
		if p.buffers[i] == nil {
			destroy([]onnxruntime.Value{v})
			p.outputs[i] = nil
		}
	}
	return d, err
}

func (p *prepared) destroy() {
	destroy(p.inputs)
	destroy(p.buffers)
}
