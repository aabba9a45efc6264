package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"onnxcompress/compress"
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
	// prepared is the model as it came, ready to be trained; inserted says that
	// BatchNormalization is put back in what is trained.
	prepared *onnx.Model
	inserted bool
	// size is the number of samples that the model takes at a time, 0 for any;
	// freed says that it was made so for the training.
	size  int
	freed bool
	// identity names the run, resumed says that it goes on, from beginning.
	identity  string
	resumed   bool
	beginning beginning
	net       *train.Net
	teacher   *train.Teacher
	task      *train.Task
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
	for _, step := range []func(context.Context) error{t.begin, t.ready, t.train} {
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
	case errors.Is(err, runtime.ErrNoDerivative):
		return Fail(Unsupported, "%s: %w", t.Input, err)
	case err != nil && ctx.Err() != nil && t.task.Checkpoint != nil:
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
		return unopened(ctx, err)
	}
	var held *dataset.Set
	held, t.set = good.Split(heldPart(good.Len()))
	if t.prepared, err = train.Prepare(t.subject.prepared, train.Preparation{Shapes: t.Shapes}); err != nil {
		return Fail(Unsupported, "%s: %w", t.Input, err)
	}
	t.size = batchSize(t.subject.Ports, 0)
	if t.freed, err = freeSamples(t.prepared, t.Shapes); err != nil {
		return err
	}
	if t.freed {
		t.size = 0
	}
	if t.set.Len() < t.size {
		return Fail(BadInput, "%s: %d samples to train on, and the model takes %d at a time", t.Data, t.set.Len(), t.size)
	}
	if err := errors.Join(t.aimAt(), t.checkLoss()); err != nil {
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
	if err := t.holdBack(ctx, held); err != nil {
		return err
	}
	if err := t.identify(); err != nil {
		return err
	}
	return t.probe()
}

// probe takes one step with the model as it came, so that what cannot be trained
// is known before anything else is done.
func (t *training) probe() error {
	tr, err := runtime.NewTrainer(t.prepared, runtime.TrainOptions{Threads: t.Threads, Output: t.output})
	if err != nil {
		return Fail(Unsupported, "%s: %w", t.Input, err)
	}
	defer tr.Close()
	in, err := t.held[0].InOrder(tr.Inputs())
	if err != nil {
		return &Failure{BadInput, err}
	}
	if err := tr.Forward(in...); err != nil {
		return Fail(Unsupported, "%s: %w", t.Input, err)
	}
	clear(tr.Seed())
	if err := tr.Backward(); err != nil {
		return Fail(Unsupported, "%s: %w", t.Input, err)
	}
	return nil
}

// fewestNormalised is how many samples a step needs for the statistics of its batch
// to say something.
const fewestNormalised = 8

// ready makes the net and the task.
func (t *training) ready(ctx context.Context) error {
	m, err := t.begun(ctx)
	if err != nil {
		return err
	}
	t.net, err = train.NewNet(m, t.Shapes, runtime.TrainOptions{Threads: t.Threads, Seed: uint64(t.Seed), Output: t.output})
	if err != nil {
		return Fail(Unsupported, "%s: %w", t.Input, err)
	}
	t.keep = kept(t.net.Graph, t.Keep)
	set := &t.Training
	if t.size > 0 {
		set.BatchSize = t.size
	}
	set.settle(t.set.Len(), t.batchNormed())
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
	method, err := t.method()
	if err != nil {
		return err
	}
	t.task = &train.Task{
		Net: t.net, Method: method, Source: t.epochs, Optimiser: set.optimiser(), Rate: set.Rate,
		Schedule: set.schedule(set.Epochs * t.epochs.Steps()), Clip: clip, Epochs: set.Epochs, Select: t.choose, Whole: set.NoShrink,
		Judge: t.judgeHeld, Tell: t.tell, Keep: t.keep,
	}
	if err := t.objective(); err != nil {
		return err
	}
	return t.resume(m)
}

// begun is the model that the training begins with: that of the run which is
// resumed, or a new one.
func (t *training) begun(ctx context.Context) (*onnx.Model, error) {
	if t.Training.Resume {
		m, err := t.keeper().Began(&t.beginning)
		if err != nil {
			return nil, &Failure{BadInput, err}
		}
		if m != nil {
			t.inserted, t.aimed, t.resumed = t.beginning.Inserted, t.beginning.Aimed, true
			return m, nil
		}
		t.note(fmt.Sprintf("%s: there is no checkpoint yet; the run starts anew", t.Training.Checkpoint))
	}
	if err := t.budget(ctx); err != nil {
		return nil, err
	}
	start, err := t.start(ctx)
	if err != nil {
		return nil, err
	}
	defer start.Close()
	normalised, err := train.Normalises(start)
	if err != nil {
		return nil, err
	}
	t.inserted = !normalised && !t.Training.NoBatchNorm && t.classes > 0 && t.batchSize() >= fewestNormalised
	m, err := train.Prepare(start, train.Preparation{Shapes: t.Shapes, BatchNorms: t.inserted, Batches: t.batches(), Threads: t.Threads})
	if err != nil {
		return nil, Fail(Unsupported, "%s: %w", t.Input, err)
	}
	return m, nil
}

// batchSize is the number of samples of a step, as far as it is settled.
func (t *training) batchSize() int {
	switch {
	case t.size > 0:
		return t.size
	case t.Training.BatchSize > 0:
		return min(t.Training.BatchSize, t.set.Len())
	}
	return min(smallestBatch, t.set.Len())
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
		for b, err := range t.fullBatches(t.set) {
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
	status.Held, status.Judged = t.judged, t.judgedBy()
	t.progress.Train(status)
}

// keeper is where the training keeps what it goes on from.
func (t *training) keeper() *train.Checkpoint {
	return &train.Checkpoint{Dir: t.Training.Checkpoint, Every: t.Training.Interval, Task: t.identity}
}

// resume goes on from a checkpoint, or keeps what the training begins with.
func (t *training) resume(m *onnx.Model) error {
	if t.DryRun {
		return nil
	}
	t.checkpoint = t.keeper()
	t.task.Checkpoint = t.checkpoint
	if !t.resumed {
		t.beginning.Inserted, t.beginning.Aimed = t.inserted, t.aimed
		return t.checkpoint.Begin(m, t.beginning)
	}
	if _, err := t.task.Resume(); err != nil {
		return &Failure{BadInput, err}
	}
	return nil
}

// beginning is what a run that is resumed must know besides its model.
type beginning struct {
	Inserted bool             `json:"inserted"`
	Aimed    *compress.Target `json:"aimed,omitempty"`
	// Groups are those that went before the training, Given how many these are of
	// the original's.
	Groups []int `json:"groups,omitempty"`
	Given  int   `json:"given,omitempty"`
}

// identify tells runs apart that cannot go on from each other's checkpoints: by a
// digest of all that results depend on.
func (t *training) identify() error {
	digest, err := t.subject.Model.Digest()
	if err != nil {
		return err
	}
	set := t.Training
	set.Checkpoint, set.Resume, set.Interval = "", false, 0
	keep := ""
	if t.Keep != nil {
		keep = t.Keep.String()
	}
	text, err := json.Marshal([]any{
		digest, set, t.Target, t.Method, t.Seed, t.RoundTo, t.MinKept, keep, t.Shapes, t.Mean, t.Std, t.Pixels,
		t.NoCompensate, t.NumSamples, t.set.Len(), t.classes,
	})
	if err != nil {
		return err
	}
	t.identity = fmt.Sprintf("%s of %s, %x", t.Method, filepath.Base(t.Input), sha256.Sum256(text))
	return nil
}
