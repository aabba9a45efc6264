package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"onnxcompress/compress"
	"onnxcompress/compress/optim"
	"onnxcompress/graph/tensor"
)

// Task is a training that compresses.
type Task struct {
	Net       *Net
	Method    Method
	Source    Source
	Objective *Objective
	// Teacher is nil where the objective does without.
	Teacher   *Teacher
	Optimiser optim.Optimiser
	// Rate is the highest rate, and Schedule what it is multiplied with at each
	// step; Clip bounds the norm of the gradients, 0 for no bound.
	Rate     float64
	Schedule optim.Schedule
	Clip     float64
	Epochs   int
	Select   Selector
	// Whole keeps the zeros until the end, where otherwise the net shrinks.
	Whole bool
	// Judge scores the net on what was held back: the higher the better. Nil
	// for no judgement.
	Judge func() (float64, error)
	// Keep are groups that must stay; Select may add to them. Nil for none.
	Keep map[int]bool
	// Checkpoint keeps what a training goes on from; nil for nothing.
	Checkpoint *Checkpoint
	// Tell hears of every step and every epoch; nil for nobody.
	Tell func(Point)

	step  int
	curve []Point
	best  *best
	share float64 // of MACs, of what is trained
	size  float64
	old   Arrays
	par   []optim.Param
}

// Point is where a training stands.
type Point struct {
	Step  int     `json:"step"`
	Steps int     `json:"-"`
	Epoch float64 `json:"epoch"`
	// Loss is a mean since the last point.
	Loss float64 `json:"loss"`
	LR   float64 `json:"lr"`
	// Held is the judgement, nil where there was none.
	Held *float64 `json:"held,omitempty"`
	// MACs is the share of the multiplications that what is trained has left,
	// Removed the groups that have gone.
	MACs    float64 `json:"macs"`
	Removed int     `json:"removed"`
	Seconds float64 `json:"seconds"`
}

// best is the best of the compact nets so far.
type best struct {
	score   float64
	weights map[string]*tensor.Tensor
}

// Diverged is the error of a training that has come to nothing.
type Diverged struct {
	Step int
	Loss float64
}

func (d *Diverged) Error() string {
	return fmt.Sprintf("the loss is %g at step %d: try a lower rate (--lr) or a longer warm-up (--warmup)", d.Loss, d.Step)
}

// Run trains to the end, from where a checkpoint was restored if one was. The net
// then has lost what the method removed, and has the weights that were judged
// best since, the last ones without a judge. Cancelled, it writes a checkpoint
// and returns the context's error.
func (t *Task) Run(ctx context.Context) ([]Point, error) {
	per := t.Source.Steps()
	total := t.Epochs * per
	if total == 0 {
		return nil, errors.New("there is no step to train")
	}
	t.weigh()
	if err := t.Source.Seek(t.step/per, t.step%per); err != nil {
		return nil, err
	}
	begin, sum, count := time.Now(), 0.0, 0
	for t.step < total {
		if err := ctx.Err(); err != nil {
			return t.curve, errors.Join(err, t.save(true))
		}
		value, err := t.one(ctx, total)
		if err != nil && ctx.Err() != nil {
			return t.curve, errors.Join(ctx.Err(), t.save(true)) // there was no next batch: nothing has changed
		}
		if err != nil {
			return t.curve, err
		}
		sum, count = sum+value, count+1
		t.step++
		p := Point{
			Step: t.step, Steps: total, Epoch: float64(t.step) / float64(per), Loss: sum / float64(count),
			LR: t.rate(t.step - 1), MACs: t.share, Removed: t.Net.Removed(), Seconds: time.Since(begin).Seconds(),
		}
		if t.step%per == 0 || t.step == total {
			if err := t.epoch(&p); err != nil {
				return t.curve, err
			}
			sum, count = 0, 0
		}
		if t.Tell != nil {
			t.Tell(p)
		}
		if err := t.save(false); err != nil {
			return t.curve, err
		}
	}
	if err := t.save(true); err != nil {
		return t.curve, err
	}
	return t.curve, t.finish(ctx)
}

// rate is that of a step.
func (t *Task) rate(step int) float64 { return t.Rate * t.Schedule.At(step) }

// one is one step.
func (t *Task) one(ctx context.Context, total int) (float64, error) {
	b, err := t.Source.Next(ctx)
	if err != nil {
		return 0, err
	}
	value, err := t.gradients(b)
	if err != nil {
		return 0, err
	}
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return 0, &Diverged{t.step, value}
	}
	s := &Step{
		Net: t.Net, N: t.step, Total: total, LR: t.rate(t.step), Loss: value, Select: t.Select,
		memory: t.Optimiser.Memories,
	}
	t.Net.SilenceGradients()
	if err := t.Method.Observe(s); err != nil {
		return 0, err
	}
	params := t.params()
	if t.Clip > 0 {
		optim.ClipNorm(params, t.Clip)
	}
	s.Before = t.remember()
	t.Optimiser.SetLR(s.LR)
	if err := t.Optimiser.Step(params); err != nil {
		return 0, err
	}
	if err := t.Method.Move(s); err != nil {
		return 0, err
	}
	return value, t.shrink(total)
}

// gradients computes those of a batch, and the loss.
func (t *Task) gradients(b Batch) (float64, error) {
	tr := t.Net.Trainer()
	inputs, err := b.InOrder(tr.Inputs())
	if err != nil {
		return 0, err
	}
	var said *tensor.Tensor
	if t.Teacher != nil {
		if said, err = t.Teacher.Say(b); err != nil {
			return 0, fmt.Errorf("the original model: %w", err)
		}
		if t.Objective.Scale != nil {
			t.Objective.Scale.Widths = t.Teacher.Widths
		}
	}
	if err := tr.Forward(inputs...); err != nil {
		return 0, err
	}
	value, err := t.Objective.Value(tr.Output(), b.Truth, said, tr.Seed())
	if err != nil {
		return 0, err
	}
	return value, tr.Backward()
}

// params are the variables as the optimiser sees them. Vectors, which are biases
// and the scales of normalisations, do not decay.
func (t *Task) params() []optim.Param {
	t.par = t.par[:0]
	for _, v := range t.Net.Variables() {
		t.par = append(t.par, optim.Param{Value: v.Value, Grad: v.Grad, NoDecay: t.Net.vector(v.Name)})
	}
	return t.par
}

// remember copies the variables.
func (t *Task) remember() Arrays {
	vars := t.Net.Variables()
	if len(t.old) != len(vars) {
		t.old = make(Arrays, len(vars))
	}
	for i, v := range vars {
		if len(t.old[i]) != len(v.Value) {
			t.old[i] = make([]float32, len(v.Value))
		}
		copy(t.old[i], v.Value)
	}
	return t.old
}

// What must have gone of the multiplications for the net to shrink in training,
// and how often that is looked at.
const (
	worth    = 0.05
	interval = 10
)

// shrink lets the net be smaller where that is worth the trouble.
func (t *Task) shrink(total int) error {
	if t.Whole || !t.Net.Pending() || t.step%interval != 0 && !t.Method.Done() && t.step+1 < total {
		return nil
	}
	left := float64(compress.SizeWithout(t.Net.Graph, t.Net.Cut()).MACs) / t.size
	if left > t.share-worth && !t.Method.Done() {
		return nil
	}
	err := t.Net.Shrink(t.Optimiser, t.Method)
	if errors.Is(err, ErrUntraceable) {
		t.Whole = true
		return nil
	}
	t.share = left
	return err
}

// weigh finds what the net costs.
func (t *Task) weigh() {
	t.size = math.Max(float64(compress.SizeOf(t.Net.Graph).MACs), 1)
	t.share = float64(compress.SizeWithout(t.Net.Graph, t.Net.cut).MACs) / t.size
}

// epoch ends one: the net is judged, and remembered if it is compact and the best.
func (t *Task) epoch(p *Point) error {
	if t.Judge != nil {
		score, err := t.Judge()
		if err != nil {
			return err
		}
		if math.IsNaN(score) || math.IsInf(score, 0) {
			return &Diverged{t.step, score}
		}
		p.Held = &score
		if t.Method.Done() && (t.best == nil || score >= t.best.score) {
			t.best = &best{score, clones(t.Net.Trainer().State().Weights)}
		}
	}
	t.curve = append(t.curve, *p)
	return nil
}

// finish leaves the net compact and at its best.
func (t *Task) finish(ctx context.Context) error {
	if !t.Method.Done() {
		return errors.New("the method has not come to its end")
	}
	if t.best != nil {
		state := t.Net.Trainer().State()
		state.Weights = t.best.weights
		if err := t.Net.Trainer().Restore(state); err != nil {
			return err
		}
	}
	if t.Net.Pending() {
		if err := t.Net.Shrink(t.Optimiser, t.Method); err != nil && !errors.Is(err, ErrUntraceable) {
			return err
		}
	}
	return t.restate(ctx)
}

func clones(weights map[string]*tensor.Tensor) map[string]*tensor.Tensor {
	own := make(map[string]*tensor.Tensor, len(weights))
	for name, w := range weights {
		own[name] = w.Clone()
	}
	return own
}
