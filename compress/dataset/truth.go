package dataset

import (
	"fmt"
	"math"
	"slices"

	"onnxcompress/graph/tensor"
)

// truth is what models of the samples are judged by: a class for each, targets,
// or nothing.
type truth struct {
	// from names where it was read.
	from  string
	label []int64
	// classes is how many the data names itself, 0 where it does not.
	classes int
	targets *block
}

// widest is the most numbers of a sample that are looked at for being one-hot.
const widest = 1 << 16

// newTruth reads an array as the truth of count samples: class numbers, alone or
// one-hot, and else targets. Where regression is true all are targets.
func newTruth(b *block, count int, from string, regression bool) (truth, error) {
	t := truth{from: from}
	if err := numeric(b.Tensor); err != nil {
		return t, err
	}
	if b.Rank() == 0 {
		return t, fmt.Errorf("%s: labels of shape %v: want one per sample", from, b.Shape)
	}
	if n := b.Shape[0]; n != int64(count) {
		return t, fmt.Errorf("%s: %d samples, but %d labels", from, count, n)
	}
	width := int64(1)
	for _, d := range b.Shape[1:] {
		width *= d
	}
	var err error
	switch {
	case width == 0:
		return t, fmt.Errorf("%s: labels of shape %v: want one per sample", from, b.Shape)
	case width > widest || regression:
	case width == 1:
		t.label, err = classNumbers(b)
	case len(squeezed(b.Shape[1:])) == 1:
		t.label, err = oneHot(b)
		t.classes = int(width)
	}
	if err != nil {
		return t, fmt.Errorf("%s: %w", from, err)
	}
	if t.label == nil {
		t.targets, t.classes = b, 0
	}
	return t, nil
}

// squeezed is a shape without its axes of size 1.
func squeezed(shape []int64) []int64 {
	return slices.DeleteFunc(slices.Clone(shape), func(d int64) bool { return d == 1 })
}

// classNumbers are labels that are whole numbers, nil where floats are others.
func classNumbers(b *block) ([]int64, error) {
	label := make([]int64, 0, b.Shape[0])
	fits := true
	err := b.each(func(t *tensor.Tensor) error {
		for _, v := range t.AsFloat64s() {
			if v >= 0 && v < 1<<53 && v == math.Trunc(v) {
				label = append(label, int64(v))
				continue
			}
			if b.DType.IsWhole() {
				return fmt.Errorf("label %d is %v: want a class number", len(label), v)
			}
			fits = false
		}
		return nil
	})
	if err != nil || !fits {
		return nil, err
	}
	return label, nil
}

// oneHot are the places of the ones, nil where a sample is not one 1 among
// zeros.
func oneHot(b *block) ([]int64, error) {
	label := make([]int64, b.Shape[0])
	buf := make([]byte, b.stride())
	for i := range label {
		data, err := b.sample(i, buf)
		if err != nil {
			return nil, err
		}
		row := (&tensor.Tensor{DType: b.DType, Shape: b.Shape[1:], Data: data}).AsFloat64s()
		class := slices.Index(row, 1)
		for c, v := range row {
			if class < 0 || v != 0 && c != class {
				return nil, nil
			}
		}
		label[i] = int64(class)
	}
	return label, nil
}

// named are labels by the names of classes, which are numbered in order.
func named(names, classes []string, from string) truth {
	t := truth{from: from, label: make([]int64, len(names)), classes: len(classes)}
	for i, n := range names {
		k, _ := slices.BinarySearch(classes, n)
		t.label[i] = int64(k)
	}
	return t
}

// judge puts what samples are judged by into their batch.
func (t *truth) judge(b *Batch, at []int) (err error) {
	if t.label != nil {
		b.Labels = b.Labels[:0]
		for _, i := range at {
			b.Labels = append(b.Labels, t.label[i])
		}
	}
	b.Targets, err = t.of(at)
	return err
}

// of are the targets of samples as float32, nil where there are none.
func (t *truth) of(idx []int) (*tensor.Tensor, error) {
	if t.targets == nil {
		return nil, nil
	}
	out := tensor.New(tensor.Float32, slices.Concat([]int64{int64(len(idx))}, t.targets.Shape[1:])...)
	to := out.Float32s()
	n := len(to) / len(idx)
	buf := make([]byte, t.targets.stride())
	for at, i := range idx {
		data, err := t.targets.sample(i, buf)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.from, err)
		}
		row := &tensor.Tensor{DType: t.targets.DType, Shape: t.targets.Shape[1:], Data: data}
		for k, v := range row.AsFloat64s() {
			to[at*n+k] = float32(v)
		}
	}
	return out, nil
}

// Classes is how many classes the data names (folders, names, one-hot labels) or,
// where labels are numbers alone, one more than the greatest; 0 without labels.
func (s *Set) Classes() int {
	t := s.source.truth()
	if t.label == nil {
		return 0
	}
	if t.classes > 0 {
		return t.classes
	}
	return int(slices.Max(t.label)) + 1
}

// CheckLabels reports why a classifier of so many classes cannot learn from the
// set: it has no samples or no labels, a label is not one of its classes, or all
// are the same.
func (s *Set) CheckLabels(classes int) error {
	t := s.source.truth()
	at := s.path
	if t.from != "" {
		at += ": " + oneLine(t.from)
	}
	switch {
	case s.Len() == 0:
		return fmt.Errorf("%s: holds no samples", s.path)
	case t.targets != nil:
		return fmt.Errorf("%s: targets of shape %v are no class numbers", at, t.targets.Shape)
	case t.label == nil:
		return fmt.Errorf("%s: the samples have no labels", s.path)
	}
	same := true
	for k, i := range s.index {
		l := t.label[i]
		if l < 0 || l >= int64(classes) {
			return fmt.Errorf("%s: label %d of sample %d: the model has %d classes", at, l, k, classes)
		}
		same = same && l == t.label[s.index[0]]
	}
	if same {
		return fmt.Errorf("%s: every sample has the label %d: nothing can be told apart", at, t.label[s.index[0]])
	}
	return nil
}
