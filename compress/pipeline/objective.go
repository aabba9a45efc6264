package pipeline

import (
	"slices"

	"onnxcompress/compress/dataset"
	"onnxcompress/compress/train"
	"onnxcompress/graph/pass"
	"onnxcompress/graph/tensor"
	"onnxcompress/runtime/loss"
)

// aimAt chooses the output that is trained: that of a classifier where there are
// labels, before its Softmax, else all that are numbers.
func (t *training) aimAt() error {
	facts := t.subject.Graph.Nominal
	var floats []string
	for _, v := range t.subject.Graph.Outputs {
		f := &facts.Values[v.ID]
		if f.DType != tensor.Float32 {
			continue
		}
		floats = append(floats, v.Name)
		if t.classes == 0 && f.Known && len(f.Shape) == 2 && f.Shape[1] > 1 {
			t.classes = int(f.Shape[1])
			t.output = v.Name
		}
	}
	switch {
	case len(floats) == 0:
		return Fail(Unsupported, "%s: no output is a tensor of float32", t.Input)
	case t.set.Targeted() && t.labelled():
		t.output, t.classes = floats[0], 0
	case t.classes > 0 && (t.labelled() || len(floats) == 1):
		var err error
		if t.output, err = pass.Logits(t.prepared, t.output); err != nil {
			return err
		}
		t.added = !slices.Contains(floats, t.output)
		pass.Expose(t.prepared, t.output)
	case len(floats) == 1:
		t.output, t.classes = floats[0], 0
	default:
		t.joined, t.classes, t.added = floats, 0, true
		t.output = pass.Join(t.prepared, floats)
	}
	return nil
}

// labelled reports whether the training looks at labels.
func (t *training) labelled() bool {
	return (t.set.Labelled() || t.set.Targeted()) && !t.Training.NoLabels
}

// truth is what a batch is held against, nil for a batch without.
func (t *training) truth(b dataset.Batch) *tensor.Tensor {
	switch {
	case !t.labelled():
		return nil
	case t.classes == 0 || b.Targets != nil:
		return b.Targets
	}
	return tensor.FromInt64s([]int64{int64(len(b.Labels))}, b.Labels)
}

// objective chooses what is minimised.
func (t *training) objective() error {
	set := &t.Training
	o := &train.Objective{Classes: t.classes > 0, Temperature: set.Temperature}
	labelled := t.labelled()
	if labelled {
		o.Distill = *set.Distill
	} else if o.Classes {
		o.Match = 1
	}
	if !labelled || o.Distill > 0 {
		t.task.Teacher = t.teacher
		t.teacher.Remember(t.set.Len())
	}
	if !o.Classes || o.Match > 0 {
		var said [][]*tensor.Tensor
		for _, h := range t.held[:min(len(t.held), momentBatches)] {
			outs, err := t.teacher.Apart(h.Batch)
			if err != nil {
				return err
			}
			said = append(said, outs)
		}
		var err error
		if o.Scale, err = train.Measure(said); err != nil {
			return Fail(Unsupported, "%s: %w", t.Input, err)
		}
	}
	if labelled {
		o.Truth = t.loss(o)
	}
	t.task.Objective = o
	return nil
}

// loss is that against what is true.
func (t *training) loss(o *train.Objective) loss.Loss {
	switch {
	case t.Training.Loss == "l1":
		return loss.L1{}
	case o.Classes && t.Training.Loss != "mse":
		return loss.CrossEntropy{}
	case o.Scale == nil:
		return loss.MSE{}
	}
	return o.Scale
}
