package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"

	"onnxcompress/compress"
	"onnxcompress/compress/baseline"
	"onnxcompress/compress/compact"
	"onnxcompress/compress/dataset"
	"onnxcompress/compress/dhspg"
	"onnxcompress/compress/hesso"
	"onnxcompress/compress/train"
	"onnxcompress/depgraph"
	"onnxcompress/graph"
	"onnxcompress/graph/pass"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
	"onnxcompress/runtime"
	"onnxcompress/runtime/loss"
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
	held    []heldBatch
	// keep are the groups of net that must stay.
	keep map[int]bool
}

// heldBatch is a batch that is judged by, with what the original says.
type heldBatch struct {
	train.Batch
	labels []int64
	said   *tensor.Tensor
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

// budget finds how many multiplications a target of latency leaves, with what is
// chosen without training.
func (t *training) budget(ctx context.Context) error {
	if t.Target.Quantity != Latency {
		return nil
	}
	g := t.subject.Graph
	scores, err := compress.Magnitude(g, 2)
	if err != nil {
		return err
	}
	if err := t.searchLatency(ctx, scored(t.run, scores)); err != nil {
		return err
	}
	t.aimed = &compress.Target{Measure: compress.MACs, Value: float64(t.chosen.choice.Size.MACs)}
	t.note(fmt.Sprintf("%v takes %.3g %% of the MACs", t.Target, 100*t.aimed.Value/float64(t.report.Before.MACs)))
	return nil
}

func (t *training) close() error {
	var errs []error
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
	n := t.samples.train.Len()
	held, rest := t.samples.train.Split(math.Max(heldShare, math.Min(0.2, heldSamples/float64(n))))
	t.set = rest
	var err error
	if t.prepared, err = train.Prepare(t.subject.prepared, train.Preparation{Shapes: t.Shapes}); err != nil {
		return Fail(Unsupported, "%s: %w", t.Input, err)
	}
	if err := t.aimAt(); err != nil {
		return err
	}
	if t.teacher, err = train.NewTeacher(t.prepared, t.output, t.joined, t.Threads); err != nil {
		return Fail(Unsupported, "%s: %w", t.Input, err)
	}
	return t.holdBack(ctx, held)
}

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
		h := heldBatch{Batch: train.Batch{Inputs: b.Inputs}, labels: b.Labels}
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
	source := newEpochs(t.set, t.truth, batchSize(t.subject.Ports, set.BatchSize), t.Seed)
	if t.inserted {
		t.note("BatchNormalization is put back for the training, and folded again")
	}
	t.note(set.String())
	method, err := t.method(groups)
	if err != nil {
		return err
	}
	t.task = &train.Task{
		Net: t.net, Method: method, Source: source, Optimiser: set.optimiser(), Rate: set.Rate,
		Schedule: set.schedule(set.Epochs * source.Steps()), Clip: clip, Epochs: set.Epochs, Select: t.choose, Whole: set.NoShrink,
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

// start is the model that training starts with, and the groups that have gone
// from it already.
func (t *training) start(ctx context.Context) (*onnx.Model, bool, error) {
	if methods[t.Method] != nil || t.resumes() {
		return t.prepared.Clone(), methods[t.Method] == nil, nil
	}
	choose, err := t.chooser(ctx)
	if err != nil {
		return nil, false, err
	}
	target, err := t.choosing()
	if err != nil {
		return nil, false, err
	}
	c, err := t.run.candidate(ctx, choose, target)
	if err != nil {
		return nil, false, err
	}
	defer c.model.Close()
	masked, err := c.masked(t.subject)
	if err != nil {
		return nil, false, err
	}
	if t.joined != nil {
		pass.Join(masked, t.joined)
	} else {
		pass.Expose(masked, t.output)
	}
	return masked, true, nil
}

// labelled reports whether the training looks at labels.
func (t *training) labelled() bool { return t.set.Labelled() && !t.Training.NoLabels }

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

// truth is what a batch is held against, nil for a batch without labels.
func (t *training) truth(labels []int64) (*tensor.Tensor, error) {
	if !t.labelled() || t.classes == 0 {
		return nil, nil
	}
	for _, l := range labels {
		if l < 0 || l >= int64(t.classes) {
			return nil, fmt.Errorf("label %d: the model has %d classes", l, t.classes)
		}
	}
	return tensor.FromInt64s([]int64{int64(len(labels))}, labels), nil
}

// method is the one that the options name.
func (t *training) method(chosen bool) (train.Method, error) {
	if chosen {
		return &train.Given{Groups: t.net.Silent()}, nil
	}
	return methods[t.Method](t), nil
}

// methods are those that choose while they train.
var methods = map[string]func(*training) train.Method{
	DHSPG: func(t *training) train.Method { return dhspg.New(dhspg.Usual(t.Training.Optimiser != SGD)) },
	HESSO: func(*training) train.Method { return hesso.New(hesso.Usual()) },
	Taylor: func(*training) train.Method {
		return baseline.NewOnce(baseline.Rating{By: baseline.Taylor, Batches: taylorBatches, PerCost: true})
	},
	Uniform: func(*training) train.Method { return baseline.NewOnce(baseline.Rating{By: baseline.Uniform}) },
	Gradual: func(*training) train.Method {
		return baseline.NewGradual(baseline.Rating{By: baseline.Magnitude}, baseline.UsualRamp())
	},
}

// taylorBatches is how many batches a method looks at that chooses once.
const taylorBatches = 50

// objective chooses what is minimised.
func (t *training) objective() error {
	set := &t.Training
	o := &train.Objective{Classes: t.classes > 0, Temperature: set.Temperature}
	labelled := t.labelled() && t.classes > 0
	if labelled {
		o.Truth, o.Distill = loss.CrossEntropy{}, *set.Distill
	} else {
		o.Match = 1
	}
	if !labelled || o.Distill > 0 {
		t.task.Teacher = t.teacher
		t.teacher.Remember(t.samples.train.Len())
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
		for i, v := range out[at].Float32s() {
			w := float64(h.said.Float32s()[i])
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

// tell hands on how far the training is.
func (t *training) tell(p train.Point) {
	t.progress.Advance(p.Step, p.Steps)
	if p.Held != nil {
		t.progress.Note(fmt.Sprintf("epoch %.0f: loss %.4f, held back %.2f %%, %.1f %% of MACs, %d groups removed, %.0f s", p.Epoch, p.Loss, 100**p.Held, 100*p.MACs, p.Removed, p.Seconds))
	}
}

// choose is the train.Selector of the run's target.
func (t *training) choose(scores compress.Scores, perCost bool, gone *depgraph.Cut) (*depgraph.Cut, error) {
	target, err := t.choosing()
	if err != nil {
		return nil, err
	}
	for {
		c := compress.Choose(t.net.Graph, scores, target, compress.Limits{
			RoundTo: t.RoundTo, MinKept: t.MinKept, Keep: t.keep, PerCost: perCost, Gone: gone,
		})
		m, _, err := compact.Trace(t.net.Graph, c.Cut)
		if err == nil {
			return c.Cut, m.Close()
		}
		var node *compact.NodeError
		before := len(t.keep)
		if errors.As(err, &node) {
			groupsOf(t.net.Graph, node.Node, every, t.keep)
		}
		if len(t.keep) == before {
			return nil, Fail(Unsupported, "%s: %w", t.Input, err)
		}
	}
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
	return fmt.Sprintf("%d parameters in %d bytes with %s to %s, seed %d, %s, round to %d", t.report.Before.Params, t.report.Before.Bytes, t.Method, target, t.Seed, &t.Training, t.RoundTo)
}

// candidate makes models of the trained net.
func (t *training) candidate() (*candidate, error) {
	c := &candidate{choice: compress.Choice{Cut: t.net.Cut(), Size: compress.SizeWithout(t.net.Graph, t.net.Cut())}}
	var err error
	c.full = t.net.Full()
	if t.net.Pending() {
		c.model, err = t.rebuilt(c.full)
	} else {
		c.model = t.net.Model()
	}
	if err != nil {
		return nil, errors.Join(err, c.full.Close())
	}
	for _, m := range []*onnx.Model{c.model, c.full} {
		if err := t.settled(m); err != nil {
			return nil, errors.Join(err, c.model.Close(), c.full.Close())
		}
	}
	return c, nil
}

// rebuilt cuts the groups that have gone out of the full model, where the net
// could not follow what becomes of each weight.
func (t *training) rebuilt(full *onnx.Model) (*onnx.Model, error) {
	g, err := graph.Import(full)
	if err != nil {
		return nil, err
	}
	dg := depgraph.Build(graph.Analyze(g, t.Shapes))
	if len(dg.Groups) != len(t.net.Graph.Groups) {
		return nil, fmt.Errorf("the trained model has %d groups, where the original has %d", len(dg.Groups), len(t.net.Graph.Groups))
	}
	cut := dg.NewCut()
	for group := range dg.Groups {
		if t.net.Gone(group) {
			cut.Add(group)
		}
	}
	return compact.Model(dg, cut, nil)
}

// settled takes back what was added to a model for the training.
func (t *training) settled(m *onnx.Model) error {
	if t.added {
		if err := pass.Withdraw(m, t.output); err != nil {
			return err
		}
	}
	passes := pass.Simplify()
	if t.inserted || t.FoldBatchNorm {
		passes = append(passes, pass.BatchNorms)
	}
	return pass.Run(m, passes...)
}
