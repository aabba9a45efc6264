package pipeline

import (
	"context"
	"fmt"
	"iter"
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

// mostJudged bounds the samples that a training is judged by, mostHeldBytes what
// they take of memory.
const (
	mostJudged    = 2500
	mostHeldBytes = 256 << 20
)

// fullBatches goes through a set in batches that the model takes: what is left at
// the end is left out, but for a model that takes any number, and where there is
// nothing else, repeated until it is enough.
func (t *training) fullBatches(set *dataset.Set) iter.Seq2[dataset.Batch, error] {
	return func(yield func(dataset.Batch, error) bool) {
		size := t.size
		if size == 0 {
			size = freeBatch
		}
		for begin := 0; begin < set.Len(); begin += size {
			if t.size > 0 && begin > 0 && begin+size > set.Len() {
				return
			}
			b, err := set.Read(filled(begin, size, set.Len(), t.size > 0))
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}

// holdBack takes the samples to judge by, and judges the original.
func (t *training) holdBack(ctx context.Context, held *dataset.Set) error {
	var score Score
	count, bytes := 0, 0
	for b, err := range t.fullBatches(held) {
		if err != nil {
			return &Failure{BadInput, err}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if count >= mostJudged || bytes >= mostHeldBytes {
			break
		}
		h, err := t.heldBatch(b)
		if err != nil {
			return err
		}
		if b.Labels != nil && t.classes > 0 {
			correct, err := dataset.TopK(h.said, b.Labels, 1)
			if err != nil {
				return &Failure{BadInput, err}
			}
			score = Score{score.Correct + correct, score.Total + len(b.Labels)}
		}
		t.held = append(t.held, h)
		for _, in := range b.Inputs {
			count, bytes = count+int(in.Shape[0]), bytes+len(in.Data)
		}
	}
	if len(t.held) == 0 {
		return Fail(BadInput, "%s: there are no samples", t.Data)
	}
	return t.chance(score)
}

// heldBatch is a batch with what the original says of it.
func (t *training) heldBatch(b dataset.Batch) (heldBatch, error) {
	h := heldBatch{Batch: train.Batch{Inputs: b.Inputs, Truth: t.truth(b)}, labels: b.Labels}
	said, err := t.teacher.Say(h.Batch)
	if err != nil {
		return h, BadInputs(err)
	}
	h.said = said.Clone()
	if t.labelled() && t.classes == 0 && (h.Truth == nil || h.Truth.Len() != h.said.Len()) {
		what := "labels"
		if b.Targets != nil {
			what = fmt.Sprintf("targets of shape %v", b.Targets.Shape)
		}
		return h, Fail(BadInput, "%s: the model gives %v, which %s do not fit", t.Data, h.said.Shape, what)
	}
	return h, nil
}

// Below fewestSure samples, or where chance is right nearly always, nobody can
// tell what is chance.
const (
	fewestSure = 20
	mostChance = 0.9
)

// chance refuses data on which the original is right no more often than by chance.
func (t *training) chance(score Score) error {
	if score.Total == 0 {
		return nil
	}
	t.note(fmt.Sprintf("the original is right on %.2f %% of %d samples held back", 100*score.Share(), score.Total))
	p := 1 / float64(t.classes)
	bound := p + 2*math.Sqrt(p*(1-p)/float64(score.Total))
	if t.Training.Scratch || score.Total < fewestSure || bound > mostChance || score.Share() >= bound {
		return nil
	}
	return Fail(BadInput, "%s: the original is right on %.3g %% of the samples, which is chance: the data are not as the model knows them (--mean, --std, --layout, --color, the order of classes); --from-scratch if it is not trained", t.Input, 100*score.Share())
}

// judgedBy is what judgeHeld scores: accuracy where there are labels, agreement
// with the original's classes, or closeness of outputs, which is 1 less the norm of
// what is wrong over that of what is right.
func (t *training) judgedBy() string {
	switch {
	case t.classes == 0:
		return "closeness"
	case t.labelled():
		return Accuracy
	}
	return "agreement"
}

// judgeHeld scores the net on what was held back.
func (t *training) judgeHeld() (float64, error) {
	tr := t.net.Trainer()
	at := t.outputAt()
	var score Score
	apart, norm := 0.0, 0.0
	for _, h := range t.held {
		in, err := h.InOrder(tr.Inputs())
		if err != nil {
			return 0, err
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
