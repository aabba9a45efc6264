package pipeline

import (
	"context"
	"errors"
	"strings"
	"time"

	"onnxcompress/compress"
	"onnxcompress/compress/dataset"
	"onnxcompress/compress/train"
)

// Run compresses a model. The report tells what was found as far as the run
// got, also where it failed. Unless the error is nil no output is written, but
// for a missed target under Options.KeepBest. The error is a Failure where the
// input, the model or the target is at fault, and the context's where that was
// cancelled.
func Run(ctx context.Context, o Options, engine Runner, p Progress) (*Report, error) {
	begin := time.Now()
	if p == nil {
		p = silent{}
	}
	r := &run{Options: o, engine: engine, progress: p, keep: map[int]bool{}}
	defer r.close()
	err := r.run(ctx)
	r.report.Seconds = time.Since(begin).Seconds()
	return &r.report, err
}

// run is one run and what it holds.
type run struct {
	Options
	engine   Runner
	progress Progress
	report   Report
	subject  *Subject
	samples  samples
	// original is the model as it came, open to run.
	original compress.Session
	// digest is that of the model as it came, once it is known.
	digest string
	// keep are the groups that must stay.
	keep   map[int]bool
	chosen *candidate
	// staged are the outputs in waiting; masked is nil unless it is needed.
	staged, masked *staging
	// aimed is what groups are chosen to in place of the target; nil for it.
	aimed *compress.Target
	// dropped is the failure of a guard on accuracy.
	dropped error
	// checkpoint is that of a training, to be removed when all is well.
	checkpoint *train.Checkpoint
}

func (r *run) run(ctx context.Context) error {
	if err := r.check(); err != nil {
		return err
	}
	r.report.Input, r.report.Output, r.report.Method, r.report.Seed = r.Input, r.Output, r.Method, r.Seed
	r.report.Target, r.report.Whole = r.Target, r.Whole
	r.report.Version, r.report.Command = r.Origin.Version, r.Origin.Line
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"reading the model", r.load},
		{"running the model", r.try},
		{"compressing", r.compress},
		{"measuring accuracy", r.rate},
		{"guarding", r.guard},
		{"writing", r.write},
		{"validating", r.validate},
		{"measuring", r.measure},
		{"finishing", r.finish},
	} {
		if err := ctx.Err(); err != nil {
			return err
		}
		r.progress.Stage(step.name)
		if err := step.do(ctx); err != nil {
			return err
		}
	}
	return nil
}

// load reads the model and finds its groups.
func (r *run) load(context.Context) error {
	shapes := r.Shapes
	s, err := Load(r.Input, shapes)
	if err != nil {
		return err
	}
	r.subject = s
	if shapes, err = r.readInputs(); err != nil {
		return err
	}
	if len(shapes) > len(r.Shapes) {
		r.Shapes = shapes
		_ = s.Close()
		if r.subject, err = Load(r.Input, shapes); err != nil {
			return err
		}
	}
	g := r.subject.Graph
	r.report.Before = r.subject.Before
	r.report.Pinned, r.report.Summary, r.report.PrunableMACs = Explain(g)
	r.keep = kept(g, r.Keep)
	r.count()
	if r.Target != nil && !r.Whole && r.report.Groups.Prunable == 0 {
		return nothingPrunable(r.subject)
	}
	return nil
}

// count brings the numbers of groups up to date.
func (r *run) count() {
	total := len(r.subject.Graph.Groups)
	r.report.Groups.Total, r.report.Groups.Prunable = total, total-len(r.keep)
}

func (r *run) note(text string) {
	r.report.Notes = append(r.report.Notes, text)
	r.progress.Note(text)
}

// runs reports whether the run needs to execute models.
func (r *run) runs() bool {
	return !r.NoValidate || r.looks() || r.guarded() || r.Target.Quantity == Latency
}

// looks reports whether the method looks at samples.
func (r *run) looks() bool { return r.Method == OBS || r.Method == Auto && !r.NoCompensate }

// try opens the model and runs it on the inputs that it will be validated on,
// so that inputs that do not suit it are told apart from all later trouble.
func (r *run) try(ctx context.Context) error {
	if !r.runs() {
		return nil
	}
	err := r.openSamples(ctx)
	if err != nil {
		return err
	}
	if r.original, err = r.engine.OpenFile(r.Input); err != nil {
		return &Failure{Unsupported, err}
	}
	return r.samples.prepare(ctx, r)
}

// write puts the compact model, and the masked one that it must equal, where
// they wait for their names.
func (r *run) write(context.Context) error {
	if r.DryRun {
		return nil
	}
	var err error
	if r.staged, err = stage(r.Output); err != nil {
		return err
	}
	if err := r.chosen.model.Save(r.staged.path()); err != nil {
		return err
	}
	if r.MaskedOutput == "" && r.NoValidate {
		return nil
	}
	destination := r.MaskedOutput
	if destination == "" {
		destination = r.Output
	}
	if r.masked, err = stage(destination); err != nil {
		return err
	}
	m, err := r.chosen.masked(r.subject)
	if err != nil {
		return err
	}
	defer m.Close()
	return m.Save(r.masked.path())
}

// finish gives the outputs their names.
func (r *run) finish(context.Context) error {
	if names := r.samples.skipped(); len(names) > 0 {
		r.note("left out, since they cannot be decoded: " + strings.Join(names, ", "))
	}
	missed := r.missed()
	if missed == nil {
		missed = r.dropped
	}
	if r.DryRun || missed != nil && !r.KeepBest {
		return missed
	}
	if err := r.staged.publish(); err != nil {
		return err
	}
	if r.MaskedOutput != "" {
		if err := r.masked.publish(); err != nil {
			return err
		}
	}
	if r.checkpoint != nil {
		if err := r.checkpoint.Remove(); err != nil {
			r.note(err.Error())
		}
	}
	return missed
}

func (r *run) close() {
	var errs []error
	if r.original != nil {
		errs = append(errs, r.original.Close())
	}
	errs = append(errs, r.samples.close())
	for _, s := range []*staging{r.staged, r.masked} {
		if s != nil {
			s.discard()
		}
	}
	if r.chosen != nil {
		errs = append(errs, r.chosen.close())
	}
	if r.subject != nil {
		errs = append(errs, r.subject.Close())
	}
	if err := errors.Join(errs...); err != nil {
		r.progress.Note(err.Error())
	}
}

// readInputs reads Options.Inputs. The shapes of one whole batch are those that
// the model is analysed with.
func (r *run) readInputs() (map[string][]int64, error) {
	if r.Inputs == "" {
		return r.Shapes, nil
	}
	given, whole, err := ReadInputs(r.Inputs, r.subject.Ports)
	if err != nil {
		return nil, err
	}
	r.samples.given = given
	if !whole {
		return r.Shapes, nil
	}
	shapes := map[string][]int64{}
	for name, t := range given[0] {
		shapes[name] = t.Shape
	}
	for name, shape := range r.Shapes {
		shapes[name] = shape
	}
	return shapes, nil
}

// options are those of data sets for this model.
func (r *run) options(split dataset.Split) dataset.Options {
	return dataset.Options{
		Inputs: r.subject.Ports, Outputs: r.outputs(), Mean: r.Mean, Std: r.Std, Preprocessing: r.Pixels, Seed: r.Seed, Split: split, SkipBad: r.SkipBad,
		Enlarge: Enlarges(r.subject.Graph.Graph, r.subject.Graph.Nominal),
	}
}
