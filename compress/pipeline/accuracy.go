package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"onnxcompress/compress"
	"onnxcompress/compress/dataset"
	"onnxcompress/graph/tensor"
)

// Score counts samples that were classified right.
type Score struct{ Correct, Total int }

// Share is the share of samples classified right.
func (s Score) Share() float64 { return float64(s.Correct) / float64(max(s.Total, 1)) }

// filled numbers the samples of a batch. Where the model takes full batches
// only, the last one repeats its last sample.
func filled(begin, size, total int, full bool) []int {
	var index []int
	for i := begin; i < begin+size; i++ {
		if i >= total && !full {
			break
		}
		index = append(index, min(i, total-1))
	}
	return index
}

// add scores the first output that gives a number to each class. More rows than
// labels are filling.
func (s *Score) add(out Outputs, names []string, labels []int64) error {
	failed := errors.New("there is no output to score")
	for _, name := range names {
		t := out[name]
		if t == nil {
			continue
		}
		correct, err := right(rows(t, len(labels)), labels)
		if err != nil {
			failed = fmt.Errorf("output %s: %w", name, err)
			continue
		}
		s.Correct, s.Total = s.Correct+correct, s.Total+len(labels)
		return nil
	}
	return &Failure{BadInput, failed}
}

// right counts the rows that get their label. A model that gives one number says
// yes or no.
func right(t *tensor.Tensor, labels []int64) (int, error) {
	if t.Len() != len(labels) || slices.Max(labels) > 1 || slices.Min(labels) < 0 || !t.DType.IsFloat() {
		return dataset.TopK(t, labels, 1)
	}
	correct := 0
	for i, v := range t.AsFloat64s() {
		if (v > 0.5) == (labels[i] == 1) {
			correct++
		}
	}
	return correct, nil
}

// rows is the first n rows of a tensor.
func rows(t *tensor.Tensor, n int) *tensor.Tensor {
	if t.Rank() == 0 || int(t.Shape[0]) <= n || t.DType == tensor.String {
		return t
	}
	shape := append([]int64{int64(n)}, t.Shape[1:]...)
	return &tensor.Tensor{DType: t.DType, Shape: shape, Data: t.Data[:len(t.Data)/int(t.Shape[0])*n]}
}

// heldDrop is how much lower a model's accuracy on what was held back is than
// the original's.
func (r *run) heldDrop(ctx context.Context, s compress.Session) (float64, error) {
	var before, after Score
	for _, j := range r.samples.held {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if j.labels == nil {
			return 0, Fail(BadInput, "--max-accuracy-drop: the data has no labels")
		}
		got, err := s.Run(j.in)
		if err != nil {
			return 0, &Failure{Disagrees, err}
		}
		if err := before.add(j.want, r.outputs(), j.labels); err != nil {
			return 0, err
		}
		if err := after.add(got, r.outputs(), j.labels); err != nil {
			return 0, err
		}
	}
	return before.Share() - after.Share(), nil
}
