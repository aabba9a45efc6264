package dataset

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// maxNamed is how many samples that are left out are told by name.
const maxNamed = 1000

// undecodable is what is wrong with one sample of a source.
type undecodable struct {
	at   int
	name string
	err  error
}

func (u *undecodable) Error() string { return u.name + ": " + u.err.Error() }
func (u *undecodable) Unwrap() error { return u.err }

// about is an error of the data at a path, on one line: names in a file may hold
// anything.
func about(path string, err error) error { return fmt.Errorf("%s: %w", path, line{err}) }

type line struct{ error }

func (l line) Error() string { return oneLine(l.error.Error()) }
func (l line) Unwrap() error { return l.error }

func oneLine(s string) string { return strings.Join(strings.FieldsFunc(s, isBreak), " ") }

func isBreak(r rune) bool { return r == '\n' || r == '\r' }

// bad is what is known of the samples of a source that are left out; a set
// shares it with those that are split from it.
type bad struct {
	skip bool
	mu   sync.Mutex
	at   map[int]bool
	name []string
	more int
}

// leave records a sample that is not part of the set.
func (b *bad) leave(name string) {
	if len(b.name) < maxNamed {
		b.name = append(b.name, oneLine(name))
		return
	}
	b.more++
}

// note records a sample of the source.
func (b *bad) note(u *undecodable) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.at[u.at] {
		b.at[u.at] = true
		b.leave(u.name)
	}
}

// decode reads the samples at idx, or those that stand in for them, as they are at
// a moment.
func (s *Set) decode(idx []int, m moment) (Batch, error) {
	at := make([]int, len(idx))
	for {
		for k, i := range idx {
			var err error
			if at[k], err = s.standIn(i); err != nil {
				return Batch{}, err
			}
		}
		b, err := s.source.batch(at, m)
		var u *undecodable
		if err == nil || !s.bad.skip || !errors.As(err, &u) {
			b.Index = idx
			return b, err
		}
		s.bad.note(u)
	}
}

// standIn is the first sample from i on, as a number in the source, that is not
// known to be bad. A set of which half is bad is not what it should be.
func (s *Set) standIn(i int) (int, error) {
	b := s.bad
	b.mu.Lock()
	defer b.mu.Unlock()
	if 2*len(b.at) > s.source.size() {
		return 0, fmt.Errorf("more than half of the samples cannot be decoded: %s", list(b.name))
	}
	for k := range s.index {
		if at := s.index[(i+k)%len(s.index)]; !b.at[at] {
			return at, nil
		}
	}
	return 0, fmt.Errorf("none of %d samples can be decoded: %s", len(s.index), list(b.name))
}

// Skipped names the samples that were left out so far, sorted. Of more than a
// thousand the last entry says how many there are.
func (s *Set) Skipped() []string {
	b := s.bad
	b.mu.Lock()
	defer b.mu.Unlock()
	names := slices.Sorted(slices.Values(b.name))
	if b.more > 0 {
		names = append(names, fmt.Sprintf("and %d more", b.more))
	}
	return names
}

// Verified decodes every sample once, where that can fail, on all processors.
// It returns the set without those that are bad or, if Options.SkipBad does not
// allow for any, an error that names the first. Like a set from Split it shares
// the files of s.
func (s *Set) Verified(ctx context.Context) (*Set, error) {
	lazy, ok := s.source.(interface{ check(i int) error })
	if !ok {
		return s, nil
	}
	found := make([]*undecodable, len(s.index))
	var next atomic.Int64
	var stop atomic.Bool
	group, ctx := errgroup.WithContext(ctx)
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			for ctx.Err() == nil && !stop.Load() {
				k := int(next.Add(1)) - 1
				if k >= len(s.index) {
					return nil
				}
				if err := lazy.check(s.index[k]); err != nil && !errors.As(err, &found[k]) {
					return err
				}
				// Those before k are under way and will be finished: the first
				// of the set is told, whoever finds one.
				if found[k] != nil && !s.bad.skip {
					stop.Store(true)
				}
			}
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return nil, about(s.path, err)
	}
	good := *s
	good.index = nil
	for k, u := range found {
		switch {
		case u == nil:
			good.index = append(good.index, s.index[k])
		case !s.bad.skip:
			return nil, about(s.path, u)
		default:
			s.bad.note(u)
		}
	}
	if len(good.index) == 0 {
		return nil, fmt.Errorf("%s: none of %d samples can be decoded: %s", s.path, len(s.index), list(s.bad.name))
	}
	return &good, nil
}
