package pipeline

import (
	"context"

	"onnxcompress/compress"
)

// attempts bounds how often a target in bytes or parameters is aimed at.
const attempts = 3

// aim compresses to the target. What a file holds besides the weights of groups
// changes with the cut too (operands, constants that could be folded), which no
// meter foresees: where the result is off, the aim is put right by as much.
func (r *run) aim(ctx context.Context, choose chooser) error {
	t, err := r.choosing()
	if err != nil {
		return err
	}
	for range attempts {
		c, err := r.candidate(ctx, choose, t)
		if err != nil {
			return err
		}
		r.adopt(c)
		if !r.folds() {
			return nil
		}
		now, err := r.stamped(c.model)
		if err != nil {
			return err
		}
		q := r.Target.Quantity
		off := r.Target.of(r.report.Before) - now.quantity(q)
		if off >= 0 && off <= compress.Tolerance/2*r.report.Before.quantity(q) {
			return nil
		}
		t.Value += off
	}
	return nil
}

// folds reports whether the target counts what goes without any group going.
func (r *run) folds() bool { return r.Target.Quantity == Size || r.Target.Quantity == Params }

// choosing is the target that groups are chosen to at first. Bytes and
// parameters that go without any group going are none that groups have to save.
func (r *run) choosing() (compress.Target, error) {
	if r.aimed != nil {
		return *r.aimed, nil
	}
	plain := r.report.Before
	if r.folds() {
		c, err := r.whole()
		if err != nil {
			return compress.Target{}, err
		}
		defer c.model.Close()
		if plain, err = r.stamped(c.model); err != nil {
			return compress.Target{}, err
		}
	}
	return r.Target.choosing(r.report.Before, plain, r.subject.counted()), nil
}
