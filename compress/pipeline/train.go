package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"onnxcompress/compress/dataset"
	"onnxcompress/compress/train"
	"onnxcompress/graph"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
	"onnxcompress/runtime"
)

// training is a run of a method that trains.
type training struct {
	*run
	// subject is the model that is trained, as it was prepared without
	// BatchNormalization, and base with it if that was put back.
	prepared *onnx.Model
	inserted bool
	net      *train.Net
	teacher  *train.Teacher
	task     *train.Task
	// output is what is trained, made of joined where those are several. added
	// says that it is none of the model's own.
	output string
	joined []string
	added  bool
	// classes is the number of classes of a classifier, else 0.
	classes int
	set     *dataset.Set
	epochs  *epochs
	held    []heldBatch
	// began is the step that this process began with, judged the last judgement.
	began  int
	judged *float64
	// keep are the groups of net that must stay.
	keep map[int]bool
}

// train finds a candidate by training.
func (r *run) train(ctx context.Context) (err error) {
	t := &training{run: r}
	defer func() { err = errors.Join(err, t.close()) }()
	for _, step := range []func(context.Context) error{t.begin, t.budget, t.ready, t.train} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	c, err := t.candidate()
	if err != nil {
		return err
	}
	r.adopt(c)
	return nil
}

// train goes through the data.
func (t *training) train(ctx context.Context) error {
	var err error
	t.report.Curve, err = t.task.Run(ctx)
	var diverged *train.Diverged
	switch {
	case errors.As(err, &diverged):
		return Fail(Missed, "%s: %w", t.Input, err)
	case err != nil && ctx.Err() != nil:
		t.note(fmt.Sprintf("the training can go on from %s: --resume", t.task.Checkpoint.Path()))
	}
	return err
}

func (t *training) close() error {
	var errs []error
	if t.epochs != nil {
		errs = append(errs, t.epochs.Close())
	}
	if t.teacher != nil {
		errs = append(errs, t.teacher.Close())
	}
	if t.net != nil {
		errs = append(errs, t.net.Close())
	}
	if t.prepared != nil {
		errs = append(errs, t.prepared.Close())
	}
	return errors.Join(errs...)
}

// begin reads the data, finds what is trained, and tells how good the original is.
func (t *training) begin(ctx context.Context) error {
	if t.samples.train == nil {
		return Fail(BadInput, "method %s trains and needs --data", t.Method)
	}
	good, err := t.samples.train.Verified(ctx)
	if err != nil {
		return &Failure{BadInput, err}
	}
	if skipped := good.Skipped(); len(skipped) > 0 {
		t.note(fmt.Sprintf("%d samples cannot be read and are left out: %s", len(skipped), strings.Join(skipped[:min(len(skipped), 3)], ", ")))
	}
	held, rest := good.Split(math.Max(heldShare, math.Min(0.2, heldSamples/float64(good.Len()))))
	t.set = rest
	if t.prepared, err = train.Prepare(t.subject.prepared, train.Preparation{Shapes: t.Shapes}); err != nil {
		return Fail(Unsupported, "%s: %w", t.Input, err)
	}
	if err := t.aimAt(); err != nil {
		return err
	}
	if t.teacher, err = train.NewTeacher(t.prepared, t.output, t.joined, t.Threads); err != nil {
		return Fail(Unsupported, "%s: %w", t.Input, err)
	}
	if t.labelled() && t.classes > 0 {
		if err := good.CheckLabels(t.classes); err != nil {
			return &Failure{BadInput, err}
		}
	}
	return t.holdBack(ctx, held)
}

// ready makes the net and the task.
func (t *training) ready(ctx context.Context) error {
	start, groups, err := t.start(ctx)
	if err != nil {
		return err
	}
	normalised, err := train.Normalises(start)
	if err != nil {
		return errors.Join(err, start.Close())
	}
	t.inserted = !normalised && !t.Training.NoBatchNorm && t.classes > 0
	m, err := train.Prepare(start, train.Preparation{Shapes: t.Shapes, BatchNorms: t.inserted, Batches: t.batches(), Threads: t.Threads})
	err = errors.Join(err, start.Close())
	if err != nil {
		return Fail(Unsupported, "%s: %w", t.Input, err)
	}
	t.net, err = train.NewNet(m, t.Shapes, runtime.TrainOptions{Threads: t.Threads, Seed: uint64(t.Seed), Output: t.output})
	if err != nil {
		return Fail(Unsupported, "%s: %w", t.Input, err)
	}
	t.keep = kept(t.net.Graph, t.Keep)
	set := &t.Training
	set.settle(t.set.Len(), t.inserted || normalised && t.batchNormed())
	if t.epochs, err = t.source(); err != nil {
		return err
	}
	if err := t.tellFirst(ctx, t.epochs); err != nil {
		return err
	}
	if t.inserted {
		t.note("BatchNormalization is put back for the training, and folded again")
	}
	t.note(set.String())
	method, err := t.method(groups)
	if err != nil {
		return err
	}
	t.task = &train.Task{
		Net: t.net, Method: method, Source: t.epochs, Optimiser: set.optimiser(), Rate: set.Rate,
		Schedule: set.schedule(set.Epochs * t.epochs.Steps()), Clip: clip, Epochs: set.Epochs, Select: t.choose, Whole: set.NoShrink,
		Judge: t.judgeHeld, Tell: t.tell,
	}
	if err := t.objective(); err != nil {
		return err
	}
	return t.resume()
}

// clip bounds the norm of gradients: far above what is usual, so that only what
// is wild is tamed.
const clip = 5

// batchNormed reports whether the net normalises by running statistics.
func (t *training) batchNormed() bool {
	return slices.ContainsFunc(t.net.Graph.Nodes, func(n *graph.Node) bool { return n.Spec != nil && len(n.Spec.Running) > 0 })
}

// momentBatches is how many batches statistics are taken from.
const momentBatches = 32

// batches are some of the training data.
func (t *training) batches() train.Inputs {
	return func(yield func(map[string]*tensor.Tensor) bool) {
		count := 0
		for b, err := range t.set.Batches(batchSize(t.subject.Ports, freeBatch)) {
			if err != nil || count == momentBatches || !yield(b.Inputs) {
				return
			}
			count++
		}
	}
}

// tell hands on how far the training is.
func (t *training) tell(p train.Point) {
	begun := time.Now().Add(-time.Duration(p.Seconds * float64(time.Second)))
	if t.began == 0 {
		t.began = p.Step - 1
	}
	status := TrainStatus{
		Epoch: int(p.Epoch), Epochs: t.Training.Epochs, Step: p.Step, Steps: p.Steps, Loss: p.Loss, MACs: p.MACs,
	}
	if done := p.Step - t.began; done > 0 {
		status.Left = time.Since(begun) / time.Duration(done) * time.Duration(p.Steps-p.Step)
	}
	if p.Held != nil {
		t.judged = p.Held
	}
	status.Held = t.judged
	t.progress.Train(status)
}

// resumes reports whether there is a checkpoint to go on from.
func (t *training) resumes() bool {
	if !t.Training.Resume {
		return false
	}
	_, err := os.Stat((&train.Checkpoint{Dir: t.Training.Checkpoint}).Path())
	return err == nil
}

// resume goes on from a checkpoint, where one is asked for and there.
func (t *training) resume() error {
	t.task.Checkpoint = &train.Checkpoint{Dir: t.Training.Checkpoint, Every: t.Training.Interval, Task: t.identity()}
	t.checkpoint = t.task.Checkpoint
	if !t.Training.Resume {
		return nil
	}
	ok, err := t.task.Resume()
	if err != nil {
		return &Failure{BadInput, err}
	}
	if !ok {
		t.note(fmt.Sprintf("%s: there is no checkpoint yet; the run starts anew", t.task.Checkpoint.Path()))
	}
	return nil
}

// identity tells runs apart that cannot go on from each other's checkpoints.
func (t *training) identity() string {
	target := "none"
	if t.Target != nil {
		target = t.Target.String()
	}
	return fmt.Sprintf("%d parameters in %d bytes with %s to %s, seed %d, %s, augment %s, round to %d", t.report.Before.Params, t.report.Before.Bytes, t.Method, target, t.Seed, &t.Training, t.epochs.Augment(), t.RoundTo)
}
