package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"onnxcompress/compress"
)

// searchSteps is how often a search halves the range of MACs.
const searchSteps = 6

// bisect narrows the share of MACs between 0 and 1. try compresses to a share
// and reports whether to go on below it.
func (r *run) bisect(ctx context.Context, choose chooser, try func(*candidate) (below bool, err error)) error {
	low, high := 0.0, 1.0
	for i := range searchSteps {
		r.progress.Advance(i, searchSteps)
		share := (low + high) / 2
		t := Target{Quantity: MACs, Share: share}.choosing(r.report.Before, r.report.Before, r.subject.counted())
		c, err := r.candidate(ctx, choose, t)
		if err != nil {
			return err
		}
		below, err := try(c)
		if err != nil {
			return err
		}
		if !below {
			low = share
			continue
		}
		high = share
		if c.choice.Reached > t.Value+compress.Tolerance*float64(r.report.Before.MACs) {
			return nil
		}
	}
	return nil
}

// search finds the smallest model whose outputs stay within the guard.
func (r *run) search(ctx context.Context, choose chooser) error {
	var err error
	if r.chosen, err = r.whole(); err != nil {
		return err
	}
	err = r.bisect(ctx, choose, func(c *candidate) (bool, error) {
		holds, err := r.holds(ctx, c)
		if err != nil || !holds {
			_ = c.model.Close()
			return false, err
		}
		r.adopt(c)
		return true, nil
	})
	if err == nil && r.chosen.choice.Cut.Len == 0 {
		r.note(fmt.Sprintf("nothing can go within the guard of %.3g %% output error and %.3g %% agreement; name a target to go further", 100*maxOutputError, 100*minAgreement))
	}
	return err
}

// searchLatency finds the largest model that is fast enough.
func (r *run) searchLatency(ctx context.Context, choose chooser) error {
	scratch, err := os.MkdirTemp("", "compress-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	return r.bisect(ctx, choose, func(c *candidate) (bool, error) {
		path := filepath.Join(scratch, "model.onnx")
		if err := c.model.Save(path); err != nil {
			return false, err
		}
		times, err := r.engine.Latency(r.samples.validation[0], r.Input, path)
		if err != nil {
			return false, &Failure{Disagrees, err}
		}
		before := times[0].Seconds() * 1000
		r.report.Before.Latency = &before
		tooSlow := times[1].Seconds() > r.Target.of(r.report.Before)
		if tooSlow && r.chosen != nil && r.chosen.fast {
			_ = c.model.Close()
			return true, nil
		}
		c.fast = !tooSlow
		r.adopt(c)
		return tooSlow, nil
	})
}

// adopt makes a candidate the chosen one.
func (r *run) adopt(c *candidate) {
	if r.chosen != nil {
		_ = r.chosen.close()
	}
	r.chosen = c
}

// holds reports whether a candidate is within the guard.
func (r *run) holds(ctx context.Context, c *candidate) (bool, error) {
	s, err := r.open(c)
	if err != nil {
		return false, err
	}
	defer s.Close()
	if r.MaxAccuracyDrop != nil {
		drop, err := r.heldDrop(ctx, s)
		return drop <= *r.MaxAccuracyDrop, err
	}
	f, err := r.fidelity(ctx, s)
	return err == nil && f.holds(), err
}

// trial is a session of a model in a folder that goes with it.
type trial struct {
	compress.Session
	folder string
}

// Close implements compress.Session.
func (t trial) Close() error { return errors.Join(t.Session.Close(), os.RemoveAll(t.folder)) }

// open readies a candidate's model.
func (r *run) open(c *candidate) (compress.Session, error) {
	folder, err := os.MkdirTemp("", "compress-")
	if err != nil {
		return nil, err
	}
	path := filepath.Join(folder, "model.onnx")
	if err := c.model.Save(path); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	s, err := r.engine.OpenFile(path)
	if err != nil {
		return nil, errors.Join(&Failure{Disagrees, err}, os.RemoveAll(folder))
	}
	return trial{s, folder}, nil
}
