package main

import (
	"fmt"
	"math"

	"onnxcompress/compress"
	"onnxcompress/compress/pipeline"
	"onnxcompress/graph"
	"onnxcompress/onnx"
)

const (
	// exact is the relative error up to which models count as equal.
	exact = 1e-4
	// alive is how far the masked model's outputs must move with its inputs,
	// where the original's move by more than lively.
	alive, lively = 1e-4, 1e-3
	batches       = 3
)

// verdict is an error of the models that came out, whatever is pinned.
type verdict struct{ error }

// judge compares the masked and the compact model on three batches and returns
// the largest relative error. Beyond being equal, the masked model must still
// depend on its input, or nothing would be proved, and where outputs move little
// the two must not differ by more than a hundredth of that.
func (t *trial) judge(o pipeline.Options) (float64, error) {
	original, closeOriginal, err := t.open(o.Input)
	if err != nil {
		return 0, err
	}
	defer closeOriginal()
	masked, closeMasked, err := t.open(o.MaskedOutput)
	if err != nil {
		return 0, err
	}
	defer closeMasked()
	compact, closeCompact, err := t.open(o.Output)
	if err != nil {
		return 0, err
	}
	defer closeCompact()
	inputs, err := t.feeds(original)
	if err != nil {
		return 0, err
	}
	var moved movement
	worst := 0.0
	for i, in := range inputs {
		want, err := masked.Run(in)
		if err != nil {
			return 0, verdict{fmt.Errorf("masked: %w", err)}
		}
		got, err := compact.Run(in)
		if err != nil {
			return 0, verdict{fmt.Errorf("compact: %w", err)}
		}
		if i > 0 || t.inputs != "" {
			worst = max(worst, t.engine.Difference(want, got))
		}
		if i < 2 && t.inputs == "" {
			before, err := original.Run(in)
			if err != nil {
				return 0, err
			}
			moved.add(before, want, got)
		}
	}
	if !(worst <= exact) {
		return worst, verdict{fmt.Errorf("compact and masked differ by %.1e", worst)}
	}
	return worst, moved.check(t.engine.Difference)
}

func (t *trial) open(path string) (compress.Session, func(), error) {
	s, err := t.engine.OpenFile(path)
	if err != nil {
		return nil, nil, err
	}
	return s, func() { _ = s.Close() }, nil
}

// feeds makes the inputs: those that were given, or random ones of batch 1, 2
// and 3 and, to see the outputs move, another of batch 1.
func (t *trial) feeds(s compress.Session) ([]compress.Inputs, error) {
	m, err := onnx.Load(t.path)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	g, err := graph.Import(m)
	if err != nil {
		return nil, err
	}
	if t.inputs != "" {
		given, _, err := pipeline.ReadInputs(t.inputs, pipeline.Ports(g))
		return given, err
	}
	single, err := pipeline.RandomInputs(t.engine, s, g, nil, 1, batches)
	if err != nil {
		return nil, err
	}
	more, err := pipeline.RandomInputs(t.engine, s, g, nil, batches, 0)
	return append(single, more...), err
}

// movement is what three models make of two inputs of one shape.
type movement struct {
	original, masked, compact []pipeline.Outputs
}

func (m *movement) add(original, masked, compact pipeline.Outputs) {
	m.original, m.masked, m.compact = append(m.original, original), append(m.masked, masked), append(m.compact, compact)
}

func (m *movement) check(difference func(a, b pipeline.Outputs) float64) error {
	if len(m.original) < 2 {
		return nil
	}
	was, live := difference(m.original[0], m.original[1]), difference(m.masked[0], m.masked[1])
	if was >= lively && live < alive {
		return verdict{fmt.Errorf("the masked model no longer depends on its input (%.1e to %.1e)", was, live)}
	}
	if live < alive {
		return nil
	}
	for name := range m.masked[0] {
		x, y, z := numbers(m.masked[0], name), numbers(m.masked[1], name), numbers(m.compact[1], name)
		far := apart(x, y)
		if e := apart(y, z); far > 0 && e > max(far/100, 1e-5*greatest(y)) {
			return verdict{fmt.Errorf("compact and masked differ by %.1e in %s, which the input moves by %.1e", e, name, far)}
		}
	}
	return nil
}

// numbers are the elements of a floating-point output.
func numbers(out pipeline.Outputs, name string) []float64 {
	if t := out[name]; t != nil && t.DType.IsFloat() {
		return t.AsFloat64s()
	}
	return nil
}

// apart is the largest difference between elements, 0 where they cannot be
// compared.
func apart(a, b []float64) float64 {
	if len(a) != len(b) {
		return 0
	}
	d := 0.0
	for i := range a {
		d = max(d, math.Abs(a[i]-b[i]))
	}
	return d
}

func greatest(a []float64) float64 {
	m := 0.0
	for _, v := range a {
		m = max(m, math.Abs(v))
	}
	return m
}
