package dataset

import (
	"errors"
	"fmt"

	"onnxcompress/graph/tensor"
)

// filler makes batches of a set's samples.
type filler struct {
	set      *Set
	feeders  []feeder
	changers []changer
	kept     []*pictureCache
	turn     bool // pairs
}

func (f *filler) slot() *slot {
	s := &slot{parts: make([]builder, len(f.feeders)), batch: Batch{Inputs: map[string]*tensor.Tensor{}}}
	for k, part := range f.feeders {
		s.parts[k] = builder{feeder: part, to: &tensor.Tensor{}}
		s.batch.Inputs[part.input().Name] = s.parts[k].to
	}
	return s
}

// fill makes the batch that a slot asks for.
func (f *filler) fill(w *worker, s *slot) (err error) {
	s.batch.Index = s.index
	if f.feeders == nil {
		if s.batch, err = f.set.decode(s.index, moment{s.epoch, f.turn}); err != nil {
			err = about(f.set.path, err)
		}
		return err
	}
	if w.parts == nil {
		n := len(f.feeders)
		w.parts, w.raw, w.frame = make([]scratch, n), make([][]byte, n), make([]frame, n)
	}
	s.at = s.at[:0]
	for k := range s.parts {
		s.parts[k].begin()
	}
	for _, i := range s.index {
		at, err := f.sample(w, s, i)
		if err != nil {
			return fmt.Errorf("%s: %w", f.set.path, err)
		}
		s.at = append(s.at, at)
	}
	return f.set.source.truth().judge(&s.batch, s.at)
}

// sample adds one to a batch, or the one that stands in for it.
func (f *filler) sample(w *worker, s *slot, i int) (at int, err error) {
	for {
		if at, err = f.set.standIn(i); err != nil {
			return at, err
		}
		for k, part := range f.feeders {
			if w.raw[k], w.frame[k], err = f.kept[k].raw(part, at, &w.parts[k]); err != nil {
				break
			}
		}
		if err == nil {
			break
		}
		var u *undecodable
		if !f.set.bad.skip || !errors.As(err, &u) {
			return at, err
		}
		f.set.bad.note(u)
	}
	for k := range s.parts {
		b, c := &s.parts[k], &f.changers[k]
		if err := b.add(at, w.raw[k], w.frame[k], len(s.index)); err != nil {
			return at, err
		}
		if c.active() {
			own := b.to.Data[len(b.to.Data)-b.size:]
			w.moved = append(w.moved[:0], own...)
			c.change(own, w.moved, b.frame, s.epoch, i)
		}
	}
	return at, nil
}
