package pipeline

import (
	"context"
	"errors"
	"slices"

	"onnxcompress/compress"
	"onnxcompress/compress/dataset"
)

const (
	// calibrationSamples are used where --num-samples says nothing.
	calibrationSamples = 512
	// heldShare of the samples, and no fewer than heldSamples of a large set,
	// are held back to judge by.
	heldShare, heldSamples = 0.05, 100
	// mostHeld bounds those that are used of them.
	mostHeld = 512
	// synthetic is how many random batches stand in for samples: of one, two
	// and so on.
	synthetic = 24
	// freeBatch is the size of batches of models that leave it open.
	freeBatch = 32
)

// samples are the inputs of a run.
type samples struct {
	// given are the batches of Options.Inputs.
	given []compress.Inputs
	// validation are the batches that the compact and the masked model must
	// agree on.
	validation []compress.Inputs
	// calibration are the batches that methods may look at, held those that
	// results are judged by; synthetic says that both are random.
	calibration []compress.Inputs
	held        []judged
	synthetic   bool

	// train is Options.Data, test what is only measured, and calib Options.Calib.
	train, test, calib *dataset.Set
}

// judged is a batch with what the original makes of it.
type judged struct {
	in     compress.Inputs
	labels []int64
	want   Outputs
}

func (s *samples) close() error {
	var errs []error
	for _, set := range []*dataset.Set{s.train, s.test, s.calib} {
		if set != nil {
			errs = append(errs, set.Close())
		}
	}
	return errors.Join(errs...)
}

// skipped names the samples that were left out.
func (s *samples) skipped() []string {
	var names []string
	for _, set := range []*dataset.Set{s.train, s.test, s.calib} {
		if set != nil {
			names = append(names, set.Skipped()...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// openSamples reads what Calib, Data and Val name.
func (r *run) openSamples(ctx context.Context) error {
	s := &r.samples
	var err error
	for _, o := range []struct {
		path string
		into **dataset.Set
	}{{r.Calib, &s.calib}, {r.Data, &s.train}} {
		if o.path == "" {
			continue
		}
		if *o.into, err = OpenSet(ctx, o.path, r.options(dataset.Train)); err != nil {
			return unopened(ctx, err)
		}
	}
	switch {
	case r.Val != "":
		s.test, err = OpenSet(ctx, r.Val, r.options(dataset.Test))
	case r.Data != "":
		s.test, err = r.openTest(ctx)
	}
	if err != nil {
		return unopened(ctx, err)
	}
	return nil
}

// unopened tells a set that is no good from a run that was ended.
func unopened(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &Failure{BadInput, err}
}

// openTest opens the part of the data that is there to be measured, nil where
// the data has no parts.
func (r *run) openTest(ctx context.Context) (*dataset.Set, error) {
	if !r.samples.train.Divided() {
		return nil, nil
	}
	return OpenSet(ctx, r.Data, r.options(dataset.Test))
}

// OpenSet opens a data set. Where bad samples are left out, all are decoded once,
// so that what is counted and measured is without them.
func OpenSet(ctx context.Context, path string, o dataset.Options) (*dataset.Set, error) {
	set, err := dataset.Open(path, o)
	if err != nil || !o.SkipBad {
		return set, err
	}
	good, err := set.Verified(ctx)
	if err != nil {
		_ = set.Close() // why it is no good is what counts
		return nil, err
	}
	return good, nil
}

// guarded reports whether results decide what is done next, so that samples to
// judge them by must be held back.
func (r *run) guarded() bool { return r.Target == nil || r.MaxAccuracyDrop != nil || r.trains() }

// divide makes batches of samples: those to look at, and those to judge by. With
// neither data nor given inputs they are random.
func (r *run) divide(ctx context.Context) error {
	s := &r.samples
	var held []compress.Inputs
	var labels [][]int64
	var err error
	switch {
	case s.train != nil || s.calib != nil:
		held, labels, err = s.holdBack(r)
	case s.given != nil:
		s.calibration, held = s.given, s.given
	default:
		s.synthetic = true
		held, err = r.synthesize()
	}
	if err != nil {
		return err
	}
	for i, in := range held {
		if err := ctx.Err(); err != nil {
			return err
		}
		want, err := r.original.Run(in)
		if err != nil {
			return BadInputs(err)
		}
		j := judged{in: in, want: want}
		if labels != nil {
			j.labels = labels[i]
		}
		s.held = append(s.held, j)
	}
	return nil
}

// heldPart is the share of so many samples that is held back.
func heldPart(samples int) float64 { return max(heldShare, min(0.2, heldSamples/float64(samples))) }

// holdBack divides the training samples. Where nothing is decided by them all
// are there to look at, and they are judged by too.
func (s *samples) holdBack(r *run) (held []compress.Inputs, labels [][]int64, err error) {
	all := s.train
	if all == nil {
		all = s.calib
	}
	judge, look := all, all
	if n := all.Len(); r.guarded() && n > 1 {
		judge, look = all.Split(heldPart(n))
	}
	if s.calib != nil && s.train != nil {
		look = s.calib
	}
	size := batchSize(r.subject.Ports, freeBatch)
	if held, labels, err = take(judge, size, max(mostHeld/size, 1)); err != nil || !r.looks() {
		return held, labels, err
	}
	limit := r.NumSamples
	if limit == 0 {
		limit = calibrationSamples
	}
	if look.Len() > limit {
		look, _ = look.Split(float64(limit) / float64(look.Len()))
	}
	s.calibration, _, err = take(look, size, look.Len())
	return held, labels, err
}

// synthesize makes random batches to look at, and others to judge by. Where
// nothing depends on them those of the validation do.
func (r *run) synthesize() ([]compress.Inputs, error) {
	s := &r.samples
	if !r.guarded() && !r.looks() {
		return s.validation, nil
	}
	// Seeds far from those of validation and of each other's.
	const apart = 1 << 20
	batches := func(count int, seed int64) ([]compress.Inputs, error) {
		return RandomInputs(r.engine, r.original, r.subject.Graph.Graph, r.Shapes, count, seed)
	}
	if r.looks() {
		var err error
		if s.calibration, err = batches(synthetic, r.Seed+apart); err != nil {
			return nil, err
		}
		texture(s.calibration, r.Seed)
	}
	return batches(8, r.Seed+2*apart)
}
