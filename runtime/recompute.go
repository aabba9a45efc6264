package runtime

import "fmt"

// MemoryError says that no way was found to train within a limit, and how many
// bytes would do.
type MemoryError struct{ Least, Limit int64 }

func (e *MemoryError) Error() string {
	return fmt.Sprintf("needs at least %d bytes of memory, all computed again that can be, more than the limit of %d", e.Least, e.Limit)
}

// recomputation chooses which steps of a program run again, behind the seed, so
// that what they computed need not be kept.
type recomputation struct {
	program *Program
	// backward are the steps among which none runs again.
	backward []*step
	search   *search
}

// remedy is a choice: the steps backward, the floats of the arena they need, and
// what it costs to run steps again.
type remedy struct {
	backward   []*step
	size, work int64
}

// recompute lets steps run again until the arena fits into a limit of bytes. It
// returns the arena's size in floats, which the buffers then lie in.
func (p *Program) recompute(limit int64) (int64, error) {
	p.unused()
	r := &recomputation{p, p.backward, newSearch(p.account())}
	chosen, ok := r.fit(limit / 4)
	if !ok {
		var least int64
		if chosen, least, ok = r.lower(limit / 4); !ok {
			return 0, &MemoryError{least * 4, limit}
		}
	}
	p.backward = chosen.backward
	return squeezed(p.live(), limit/4)
}

// attempts is how often steps are chosen for one limit: an arena may have gaps, so
// that the buffers in use have to be somewhat less.
const attempts = 8

// fit makes the choice for an arena of at most so many floats that costs least, of
// those that are found. It reports whether there is one.
func (r *recomputation) fit(limit int64) (c remedy, ok bool) {
	within := limit
	for range attempts {
		if within <= 0 || !r.search.choose(within) {
			return c, false
		}
		c = remedy{backward: repeating(r.program.steps, r.backward, r.search.order), work: r.search.work}
		r.program.backward = c.backward
		var err error
		if c.size, err = squeezed(r.program.live(), limit); err == nil && c.size <= limit {
			return c, true
		}
		within = r.search.peak - max((c.size-limit)/2, limit/256)
	}
	return c, false
}

// lower looks for choices for ever lower limits. It returns the one within a limit
// that costs least, if there is one, and the size of the smallest.
func (r *recomputation) lower(limit int64) (chosen remedy, least int64, ok bool) {
	r.program.backward = r.backward
	high, err := arena(r.program.live())
	if err != nil {
		high = maxFloats
	}
	least = high
	for low := int64(0); high-low > high/64; {
		middle := low + (high-low)/2
		c, found := r.fit(middle)
		if !found {
			low = middle
			continue
		}
		high, least = c.size, c.size
		if c.size <= limit && (!ok || c.work < chosen.work) {
			chosen, ok = c, true
		}
	}
	return chosen, least, ok
}
