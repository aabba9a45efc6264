package pipeline

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"onnxcompress/compress/dataset"
	"onnxcompress/compress/optim"
)

// Training are the settings of a method that trains. What is zero is chosen from
// the model and the data.
type Training struct {
	// Epochs, BatchSize and Rate are how long, in how many samples a step and
	// how fast; Warmup is the share of steps in which the rate rises.
	Epochs, BatchSize int
	Rate, Warmup      float64
	// Optimiser is sgd, adam or adamw; WeightDecay is nil for its usual one.
	Optimiser   string
	WeightDecay *float64
	// Lambda is the price of a connection under SCL, 0 for what the target asks.
	Lambda float64
	// Loss is auto, cross-entropy, mse or l1.
	Loss string
	// Distill is the weight of the original's outputs beside labels, nil for
	// the usual one; Temperature softens them.
	Distill     *float64
	Temperature float64
	// NoLabels trains on the original's outputs alone, whatever the data have.
	NoLabels bool
	// Scratch says that the model is not trained yet: its accuracy is no
	// warning and its outputs teach nothing.
	Scratch bool
	// NoShrink keeps the full model until the end, NoBatchNorm puts none back
	// where an export has folded it away.
	NoShrink, NoBatchNorm bool
	// Augment is how pictures are changed: what dataset.ParseAugment reads.
	Augment string
	// Checkpoint is a folder to keep checkpoints in, empty for one beside the
	// output; Resume goes on from there. A run that ends well removes its own.
	Checkpoint string
	Resume     bool
	// Interval is the longest time between checkpoints.
	Interval time.Duration
}

// The optimisers.
const (
	SGD   = "sgd"
	Adam  = "adam"
	AdamW = "adamw"
)

// check refuses settings that make no sense.
func (t *Training) check() error {
	bounds := []struct {
		flag   string
		value  float64
		lo, hi float64
	}{
		{"--epochs", float64(t.Epochs), 0, 1e6},
		{"--batch-size", float64(t.BatchSize), 0, 1e6},
		{"--lr", t.Rate, 0, 1e3},
		{"--warmup", t.Warmup, 0, 1},
		{"--lambda", t.Lambda, 0, 1e3},
		{"--temperature", t.Temperature, 0, 1e3},
	}
	if t.Distill != nil {
		bounds = append(bounds, struct {
			flag   string
			value  float64
			lo, hi float64
		}{"--distill", *t.Distill, 0, 1})
	}
	for _, b := range bounds {
		if !(b.value >= b.lo && b.value <= b.hi) {
			return Fail(BadInput, "%s %g: want %g to %g", b.flag, b.value, b.lo, b.hi)
		}
	}
	for _, c := range []struct {
		flag, value string
		known       []string
	}{
		{"--optimizer", t.Optimiser, []string{SGD, Adam, AdamW}},
		{"--loss", t.Loss, []string{"auto", "cross-entropy", "mse", "l1"}},
	} {
		if c.value != "" && !slices.Contains(c.known, c.value) {
			return Fail(BadInput, "%s %q: want one of %s", c.flag, c.value, strings.Join(c.known, ", "))
		}
	}
	if _, err := dataset.ParseAugment(t.Augment); err != nil {
		return Fail(BadInput, "--%w", err)
	}
	return nil
}

// What a training is by default: so many samples seen, within so many epochs.
const (
	seenSamples                 = 400_000
	fewestEpochs, mostEpochs    = 4, 60
	smallestBatch, usualBatch   = 16, 64
	usualDistill, usualSoftness = 0.5, 2
	usualInterval               = 30 * time.Second
)

// gentle are the rates at which a trained model goes on, bold those for one that is
// not trained yet.
var (
	gentle = map[string]float64{SGD: 0.05, Adam: 5e-4, AdamW: 5e-4}
	bold   = map[string]float64{SGD: 0.1, Adam: 1e-3, AdamW: 1e-3}
)

// settle chooses what is left open for a training on so many samples. Normalised
// says that BatchNormalization is there, without which rates must be small.
func (t *Training) settle(samples int, batchNorm bool) {
	if t.BatchSize == 0 {
		t.BatchSize = usualBatch
		for t.BatchSize > smallestBatch && samples/t.BatchSize < 30 {
			t.BatchSize /= 2
		}
	}
	if t.Epochs == 0 {
		t.Epochs = min(max(int(math.Round(seenSamples/float64(max(samples, 1)))), fewestEpochs), mostEpochs)
	}
	if t.Optimiser == "" {
		t.Optimiser = AdamW
		if batchNorm {
			t.Optimiser = SGD
		}
	}
	if t.Rate == 0 {
		rates := gentle
		if t.Scratch {
			rates = bold
		}
		t.Rate = rates[t.Optimiser] * t.small()
	}
	if t.WeightDecay == nil {
		decay := map[string]float64{SGD: 5e-4, Adam: 0, AdamW: 0.05}[t.Optimiser]
		t.WeightDecay = &decay
	}
	if t.Temperature == 0 {
		t.Temperature = usualSoftness
	}
	if t.Distill == nil {
		weight := usualDistill
		if t.Scratch {
			weight = 0
		}
		t.Distill = &weight
	}
	if t.Interval == 0 {
		t.Interval = usualInterval
	}
}

// small is by how much rates are less for batches below the usual: as much as these
// are smaller, or under Adam, whose steps do not grow with gradients, its root.
func (t *Training) small() float64 {
	share := math.Min(1, float64(t.BatchSize)/usualBatch)
	if t.Optimiser == SGD {
		return share
	}
	return math.Sqrt(share)
}

// String is what was settled, in words.
func (t *Training) String() string {
	text := fmt.Sprintf("%d epochs, batches of %d, %s at %.3g with weight decay %.3g", t.Epochs, t.BatchSize, t.Optimiser, t.Rate, *t.WeightDecay)
	switch {
	case t.NoLabels:
		text += ", after the original's outputs"
	case *t.Distill > 0:
		text += fmt.Sprintf(", %.3g of the loss from the original at temperature %.3g", *t.Distill, t.Temperature)
	}
	return text
}

// optimiser makes the rule of a training.
func (t *Training) optimiser() optim.Optimiser {
	switch t.Optimiser {
	case Adam, AdamW:
		o := optim.NewAdam(t.Rate)
		o.WeightDecay, o.Decoupled = *t.WeightDecay, t.Optimiser == AdamW
		return o
	}
	return &optim.SGD{LR: t.Rate, Momentum: 0.9, Nesterov: true, WeightDecay: *t.WeightDecay}
}

// schedule is that of the rate over so many steps.
func (t *Training) schedule(steps int) optim.Schedule {
	warm := int(t.Warmup * float64(steps))
	then := optim.Cosine{Steps: max(steps-warm, 1)}
	if warm == 0 {
		return then
	}
	return optim.Warmup{Steps: warm, From: 1 / float64(warm+1), Then: then}
}
