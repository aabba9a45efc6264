package train

import (
	"context"

	"onnxcompress/graph/tensor"
)

// How many batches statistics are taken from again, and how many go before so
// that nothing is left of the old ones.
const (
	restated = 60
	forgets  = 30
)

// restate takes the running statistics again, as means over batches with the
// weights as they have become. They stay as they were where that is judged
// better.
func (t *Task) restate(ctx context.Context) error {
	moving := t.Net.Statistics()
	if len(moving) == 0 {
		return nil
	}
	before := clones(t.Net.Trainer().State().Weights)
	score, err := t.score()
	if err != nil {
		return err
	}
	if err := t.settle(ctx, moving); err != nil {
		return err
	}
	again, err := t.score()
	if err != nil || again >= score {
		return err
	}
	state := t.Net.Trainer().State()
	state.Weights = before
	return t.Net.Trainer().Restore(state)
}

// score judges the net, by nothing where there is no judge.
func (t *Task) score() (float64, error) {
	if t.Judge == nil {
		return 0, nil
	}
	return t.Judge()
}

// settle runs batches through the net and gives its statistics the mean of what
// they were after each.
func (t *Task) settle(ctx context.Context, moving map[string]*tensor.Tensor) error {
	sums := map[string][]float64{}
	count := 0
	for k := range forgets + restated {
		b, err := t.Source.Next(ctx)
		if err != nil {
			return err
		}
		inputs, err := b.InOrder(t.Net.Trainer().Inputs())
		if err != nil {
			return err
		}
		if err := t.Net.Trainer().Forward(inputs...); err != nil {
			return err
		}
		if k < forgets {
			continue
		}
		count++
		for name, w := range moving {
			add(sums, name, w)
		}
	}
	for name, w := range moving {
		for i, sum := range sums[name] {
			w.Float32s()[i] = float32(sum / float64(count))
		}
	}
	return nil
}

func add(sums map[string][]float64, name string, w *tensor.Tensor) {
	if sums[name] == nil {
		sums[name] = make([]float64, w.Len())
	}
	for i, v := range w.Float32s() {
		sums[name][i] += float64(v)
	}
}
