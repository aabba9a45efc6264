package pipeline

import (
	"slices"

	"onnxcompress/compress/dataset"
	"onnxcompress/compress/train"
	"onnxcompress/graph"
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
		if !f.Known || len(f.Shape) != 2 || f.Shape[1] < 2 {
			continue
		}
		if classes := int(f.Shape[1]); t.classes == 0 || t.classes < t.set.Classes() && classes >= t.set.Classes() {
			t.classes, t.output = classes, v.Name
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
	case t.classes == 0 && b.Targets == nil:
		return numbers(b.Labels)
	case b.Targets != nil:
		return b.Targets
	}
	return tensor.FromInt64s([]int64{int64(len(b.Labels))}, b.Labels)
}

// numbers are labels as a model gives them that has one number for each sample.
func numbers(labels []int64) *tensor.Tensor {
	v := make([]float32, len(labels))
	for i, l := range labels {
		v[i] = float32(l)
	}
	return tensor.FromFloat32s([]int64{int64(len(v)), 1}, v)
}

// bySample reports whether the trained output has a row for each sample.
func (t *training) bySample() (bool, error) {
	g, err := graph.Import(t.prepared)
	if err != nil || len(t.Shapes) > 0 || t.size > 0 || len(g.Inputs) == 0 {
		return false, err
	}
	facts := graph.Analyze(g, nil).Witness
	in, out := &facts.Values[g.Inputs[0].ID], &facts.Values[g.Value(t.output).ID]
	return in.Known && out.Known && len(in.Shape) > 0 && len(out.Shape) > 0 && in.Shape[0] == out.Shape[0], nil
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
		rows, err := t.bySample()
		if err != nil {
			return err
		}
		if rows {
			t.teacher.Remember(t.set.Len())
		}
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
	t.task.Objective = o
	if labelled {
		o.Truth = t.loss(o)
	}
	return nil
}

// loss chooses that against what is true.
func (t *training) loss(o *train.Objective) loss.Loss {
	switch {
	case o.Classes:
		return loss.CrossEntropy{}
	case t.Training.Loss == "l1":
		return loss.L1{}
	}
	return o.Scale
}

// checkLoss refuses a loss that the data are not for.
func (t *training) checkLoss() error {
	set := t.Training.Loss
	switch {
	case t.labelled() && t.classes > 0 && (set == "mse" || set == "l1"):
		return Fail(BadInput, "--loss %s: the data have classes, which cross-entropy is for", set)
	case t.classes == 0 && set == "cross-entropy":
		return Fail(BadInput, "--loss %s: the model gives no classes", set)
	}
	return nil
}
