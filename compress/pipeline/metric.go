package pipeline

import (
	"context"
	"errors"
	"fmt"

	"onnxcompress/compress"
	"onnxcompress/compress/dataset"
	"onnxcompress/graph/tensor"
)

// Metric is how good a model is on samples.
type Metric struct {
	// Name is Accuracy, PSNR or R2.
	Name  string  `json:"metric_name"`
	Value float64 `json:"metric"`
	// Samples were measured, and of a classifier Correct are right.
	Samples int  `json:"total"`
	Correct *int `json:"correct,omitempty"`
}

// The metrics, by what the samples are: the share of labels that a classifier
// finds; the mean over enlarged pictures of the peak signal-to-noise ratio of their
// luma in dB; of other targets the share of their variance that the model explains.
const (
	Accuracy = "accuracy"
	PSNR     = "psnr"
	R2       = "r2"
)

// Label is what people call a metric, and Text a value of it.
func (m Metric) Label() string {
	switch m.Name {
	case PSNR:
		return "PSNR"
	case R2:
		return "R²"
	}
	return m.Name
}

// Text is the value as people read it.
func (m Metric) Text() string {
	switch m.Name {
	case Accuracy:
		return fmt.Sprintf("%.2f %%", 100*m.Value)
	case PSNR:
		return fmt.Sprintf("%.2f dB", m.Value)
	}
	return fmt.Sprintf("%.4f", m.Value)
}

// change is how much more another value is.
func (m Metric) change(after float64) string {
	switch m.Name {
	case Accuracy:
		return fmt.Sprintf("%+.2f points", 100*(after-m.Value))
	case PSNR:
		return fmt.Sprintf("%+.2f dB", after-m.Value)
	}
	return fmt.Sprintf("%+.4f", after-m.Value)
}

// meter gathers a metric, batch after batch.
type meter interface {
	// add takes what a model gives for a batch of which the first n samples count.
	add(out Outputs, names []string, b dataset.Batch, n int) error
	metric() Metric
}

// meterOf is the meter of a set, nil for one with nothing to measure by.
func meterOf(set *dataset.Set) meter {
	switch {
	case set.Enlarged() > 1:
		return &ratios{set: set}
	case set.Labelled():
		return &hits{}
	case set.Targeted():
		return &explained{}
	}
	return nil
}

// metricOf names the metric of a set that has one.
func metricOf(set *dataset.Set) string { return meterOf(set).metric().Name }

// Evaluate runs a model on all samples of a set. outputs are the model's in order:
// the first that fits what the samples are measured by is. p may be nil.
func Evaluate(ctx context.Context, s compress.Session, outputs []string, set *dataset.Set, ports []dataset.Port, p Progress) (Metric, error) {
	m := meterOf(set)
	if m == nil {
		return Metric{}, Fail(BadInput, "the samples have no labels")
	}
	free := freeBatch
	if set.Enlarged() > 1 {
		free = 1 // pictures are of different sizes
	}
	size := batchSize(ports, free)
	for begin := 0; begin < set.Len(); begin += size {
		if err := ctx.Err(); err != nil {
			return Metric{}, err
		}
		if p != nil {
			p.Advance(begin, set.Len())
		}
		b, err := set.Read(filled(begin, size, set.Len(), batchSize(ports, 0) > 0))
		if err != nil {
			return Metric{}, &Failure{BadInput, err}
		}
		out, err := s.Run(b.Inputs)
		if err != nil {
			return Metric{}, BadInputs(err)
		}
		if err := m.add(out, outputs, b, min(size, set.Len()-begin)); err != nil {
			return Metric{}, err
		}
	}
	return m.metric(), nil
}

// hits is the meter of Accuracy.
type hits struct{ Score }

func (h *hits) add(out Outputs, names []string, b dataset.Batch, n int) error {
	return h.Score.add(out, names, b.Labels[:n])
}

func (h *hits) metric() Metric { return Metric{Accuracy, h.Share(), h.Total, &h.Correct} }

// ratios is the meter of PSNR.
type ratios struct {
	set   *dataset.Set
	sum   float64
	count int
}

func (r *ratios) add(out Outputs, names []string, b dataset.Batch, n int) error {
	all, err := r.set.PSNR(out[names[0]], b.Targets)
	if err != nil {
		return Fail(BadInput, "output %s: %w", names[0], err)
	}
	for _, v := range all[:n] {
		r.sum, r.count = r.sum+v, r.count+1
	}
	return nil
}

func (r *ratios) metric() Metric { return Metric{PSNR, r.sum / float64(max(r.count, 1)), r.count, nil} }

// explained is the meter of R2.
type explained struct {
	sum   outputSum
	count int
}

func (e *explained) add(out Outputs, names []string, b dataset.Batch, n int) error {
	for _, name := range names {
		if t := out[name]; t != nil && t.DType.IsFloat() && t.Len() == b.Targets.Len() {
			e.sum.add(rows(b.Targets, n), rows(&tensor.Tensor{DType: t.DType, Shape: b.Targets.Shape, Data: t.Data}, n))
			e.count += n
			return nil
		}
	}
	return Fail(BadInput, "%w of shape %v", errNoFit, b.Targets.Shape)
}

// errNoFit says that targets are for something else than the model's outputs.
var errNoFit = errors.New("no output fits targets")

func (e *explained) metric() Metric {
	apart := e.sum.relative()
	return Metric{R2, 1 - apart*apart, e.count, nil}
}
