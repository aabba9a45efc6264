package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"onnxcompress/compress/pipeline"
)

// trainingFlags are those of methods that train. A negative number stands for one
// that was not given where 0 means something.
type trainingFlags struct {
	distill, weightDecay float64
	labels               string
}

func (f *trainingFlags) register(c *cobra.Command, t *pipeline.Training) {
	flags := c.Flags()
	flags.IntVar(&t.Epochs, "epochs", 0, "how often the training data are gone through; chosen from their number if not given")
	flags.IntVar(&t.BatchSize, "batch-size", 0, "samples of a training step")
	flags.Float64Var(&t.Rate, "lr", 0, "highest learning rate")
	flags.Float64Var(&t.Warmup, "warmup", 0.05, "share of the steps in which the rate rises")
	flags.StringVar(&t.Optimiser, "optimizer", "", "sgd, adam or adamw")
	flags.Float64Var(&f.weightDecay, "weight-decay", -1, "weight decay; the optimiser's usual one if not given")
	flags.StringVar(&t.Loss, "loss", "auto", "auto, cross-entropy, mse or l1")
	flags.Float64Var(&f.distill, "distill", -1, "weight of the original's outputs beside labels, 0 to 1")
	flags.StringVar(&f.labels, "labels", "auto", "auto, or none to train on the original's outputs alone")
	flags.StringVar(&t.Augment, "augment", "auto", "how pictures are changed: auto (colour ones, where they are seen often), none, or a list of pad-crop, pad-crop:4 (pixels) and flip")
	flags.Float64Var(&t.Temperature, "temperature", 0, "softens the original's outputs")
	flags.Float64Var(&t.Lambda, "lambda", 0, "price of a connection under scl, in place of what --target-sparsity asks for")
	flags.BoolVar(&t.Scratch, "from-scratch", false, "the model is not trained yet")
	flags.BoolVar(&t.NoShrink, "no-shrink", false, "train at full size to the end")
	flags.BoolVar(&t.NoBatchNorm, "no-batchnorm", false, "do not put BatchNormalization back for the training")
	flags.StringVar(&t.Checkpoint, "checkpoint", "", "folder to keep checkpoints in")
	flags.BoolVar(&t.Resume, "resume", false, "go on from the checkpoint")
	flags.DurationVar(&t.Interval, "checkpoint-interval", 30*time.Second, "longest time between checkpoints")
}

// decode brings what was given to the settings.
func (f *trainingFlags) decode(t *pipeline.Training) error {
	switch f.labels {
	case "auto":
	case "none":
		t.NoLabels = true
	default:
		return usageError{fmt.Errorf("--labels %q: want auto or none", f.labels)}
	}
	if f.distill >= 0 {
		t.Distill = &f.distill
	}
	if f.weightDecay >= 0 {
		t.WeightDecay = &f.weightDecay
	}
	return nil
}
