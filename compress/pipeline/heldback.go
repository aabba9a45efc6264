package pipeline

import (
	"context"
	"fmt"
	"math"
	"slices"

	"onnxcompress/compress/dataset"
	"onnxcompress/compress/train"
	"onnxcompress/graph"
	"onnxcompress/graph/tensor"
)

// heldBatch is a batch that is judged by, with what the original says.
type heldBatch struct {
	train.Batch
	labels []int64
	said   *tensor.Tensor
}

// mostJudged bounds the samples that a training is judged by.
const mostJudged = 2500

// holdBack takes the samples to judge by, and judges the original.
func (t *training) holdBack(ctx context.Context, held *dataset.Set) error {
	size := batchSize(t.subject.Ports, freeBatch)
	var score Score
	for b, err := range held.Batches(size) {
		if err != nil {
			return &Failure{BadInput, err}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(t.held)*size >= mostJudged || len(t.held) > 0 && b.Labels != nil && len(b.Labels) < size {
			break
		}
		h := heldBatch{Batch: train.Batch{Inputs: b.Inputs, Truth: t.truth(b)}, labels: b.Labels}
		said, err := t.teacher.Say(h.Batch)
		if err != nil {
			return BadInputs(err)
		}
		h.said = said.Clone()
		if b.Labels != nil && t.classes > 0 {
			correct, err := dataset.TopK(h.said, b.Labels, 1)
			if err != nil {
				return &Failure{BadInput, err}
			}
			score = Score{score.Correct + correct, score.Total + len(b.Labels)}
		}
		t.held = append(t.held, h)
	}
	if score.Total == 0 {
		return nil
	}
	t.note(fmt.Sprintf("the original is right on %.2f %% of %d samples held back", 100*score.Share(), score.Total))
	chance := 1 / float64(t.classes)
	if !t.Training.Scratch && score.Share() < chance+2*math.Sqrt(chance/float64(score.Total)) {
		return Fail(BadInput, "%s: the original is right on %.3g %% of the samples, which is chance: the data are not as the model knows them (--mean, --std, --layout, --color, the order of classes); --from-scratch if it is not trained", t.Input, 100*score.Share())
	}
	return nil
}

// judgeHeld scores the net on what was held back: by accuracy where there are
// labels, by the agreement with the original's classes or else by how near its
// outputs are.
func (t *training) judgeHeld() (float64, error) {
	tr := t.net.Trainer()
	at := t.outputAt()
	var score Score
	apart, norm := 0.0, 0.0
	for _, h := range t.held {
		var in []*tensor.Tensor
		for _, name := range tr.Inputs() {
			in = append(in, h.Inputs[name])
		}
		out, err := tr.Evaluate(in...)
		if err != nil {
			return 0, err
		}
		if t.classes > 0 {
			labels := h.labels
			if !t.labelled() {
				if labels, err = dataset.Argmax(h.said); err != nil {
					return 0, err
				}
			}
			correct, err := dataset.TopK(out[at], labels, 1)
			if err != nil {
				return 0, err
			}
			score = Score{score.Correct + correct, score.Total + len(labels)}
			continue
		}
		want := h.said
		if h.Truth != nil {
			want = h.Truth
		}
		if want.Len() != out[at].Len() {
			return 0, Fail(BadInput, "%s: targets of shape %v, and the model gives %v", t.Data, want.Shape, out[at].Shape)
		}
		for i, v := range out[at].Float32s() {
			w := float64(want.Float32s()[i])
			apart, norm = apart+(float64(v)-w)*(float64(v)-w), norm+w*w
		}
	}
	if t.classes > 0 {
		return score.Share(), nil
	}
	return 1 - math.Sqrt(apart/math.Max(norm, 1e-30)), nil
}

// outputAt is the place of the trained output among the net's.
func (t *training) outputAt() int {
	return slices.IndexFunc(t.net.Graph.Outputs, func(v *graph.Value) bool { return v.Name == t.output })
}
