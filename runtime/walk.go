package runtime

import (
	"math"
	"slices"
)

// mode says how what a step computes comes to the gradients that read it.
type mode uint8

const (
	// kept: it stays from the step on.
	kept mode = iota
	// once: the step runs again where it is first needed, and what it makes stays
	// from there on.
	once
	// each: the step runs again wherever it is needed.
	each
)

// walk goes through a ledger as modes ask for, and counts.
type walk struct {
	*ledger
	modes []mode
	// order lists the steps backward, and inverted those forward that run again.
	order []int
	// work is what the steps cost that run again, peak the most floats in use.
	work, peak int64

	held    []version // what buffers hold, one after the other
	now     []int     // the version of each buffer, -1 for none
	moves   []move
	tall    []int64 // floats in use at each time
	change  []int64
	turn    []int // the step at each time that one is there for
	asked   []int // the last turn at which a step was asked to run again
	pending []int // those asked for at this turn
}

// version is what a buffer holds from one time to another.
type version struct{ buffer, first, last int }

// move is a version that may take the place of another.
type move struct{ time, from, to int }

const (
	// endless is what a walk exceeds any limit by that is too long.
	endless = math.MaxInt64
	// longestWalk is how many times longer a walk may be than one on which nothing
	// runs again.
	longestWalk = 8
)

func newWalk(l *ledger) *walk {
	return &walk{
		ledger: l, modes: make([]mode, len(l.forward)),
		now: make([]int, len(l.size)), asked: make([]int, len(l.forward)),
	}
}

// over goes through the ledger, and returns by how many floats its steps exceed
// a limit, all together.
func (w *walk) over(limit int64) int64 {
	w.order, w.held, w.moves, w.tall, w.turn, w.work = w.order[:0], w.held[:0], w.moves[:0], w.tall[:0], w.turn[:0], 0
	for b := range w.now {
		w.now[b] = -1
	}
	clear(w.asked)
	for i := range w.forward {
		w.pass(i, i)
	}
	w.tick(0, len(w.forward))
	w.touch(w.ledger.turn)
	for i := range w.forward {
		if w.modes[i] != kept {
			w.forget(i)
		}
	}
	for k := range w.backward {
		if !w.gradient(k) {
			return endless
		}
	}
	w.touch(w.end)
	return w.excess(limit)
}

// pass runs a step forward when it is turn's turn.
func (w *walk) pass(i, turn int) {
	e := &w.forward[i]
	w.tick(e.scratch, turn)
	w.touch(e.reads)
	for _, b := range e.makes {
		w.fill(b)
	}
	if len(e.makes) == 0 {
		return
	}
	for _, b := range e.takes {
		w.moves = append(w.moves, move{len(w.tall) - 1, w.now[b], w.now[e.makes[0]]})
	}
}

// gradient runs step k backward, after those whose content it lacks. It reports
// whether the walk is not too long.
func (w *walk) gradient(k int) bool {
	e, turn := &w.backward[k], len(w.forward)+1+k
	w.pending = w.pending[:0]
	w.ask(e.reads, turn)
	slices.Sort(w.pending)
	for _, i := range w.pending {
		w.order = append(w.order, ^i)
		w.work += w.forward[i].work
		w.pass(i, turn)
	}
	w.order = append(w.order, k)
	w.tick(e.scratch, turn)
	w.touch(e.reads)
	w.touch(e.makes)
	for _, i := range w.pending {
		if w.modes[i] == each {
			w.forget(i)
		}
	}
	return len(w.tall) <= longestWalk*(len(w.forward)+len(w.backward))
}

// ask adds the steps to those pending that have to run for buffers to be filled.
func (w *walk) ask(buffers []int, turn int) {
	for _, b := range buffers {
		i := w.maker[b]
		if w.now[b] >= 0 || i < 0 || w.asked[i] == turn {
			continue
		}
		w.asked[i] = turn
		w.pending = append(w.pending, i)
		w.ask(w.forward[i].reads, turn)
	}
}

// tick begins the next time.
func (w *walk) tick(scratch int64, turn int) {
	w.tall, w.turn = append(w.tall, scratch), append(w.turn, turn)
}

// fill lets a buffer hold something new.
func (w *walk) fill(b int) {
	at := len(w.tall) - 1
	w.now[b] = len(w.held)
	w.held = append(w.held, version{b, at, at})
}

// touch notes that buffers are in use.
func (w *walk) touch(buffers []int) {
	for _, b := range buffers {
		if w.now[b] < 0 {
			w.fill(b)
		}
		w.held[w.now[b]].last = len(w.tall) - 1
	}
}

// forget gives up what a step made.
func (w *walk) forget(i int) {
	for _, b := range w.forward[i].makes {
		w.now[b] = -1
	}
}

// excess is by how much the turns exceed the limit, each by the most of its
// times.
func (w *walk) excess(limit int64) int64 {
	w.change = append(w.change[:0], make([]int64, len(w.tall)+1)...)
	for _, v := range w.held {
		w.change[v.first] += w.size[v.buffer]
		w.change[v.last+1] -= w.size[v.buffer]
	}
	taken := -1
	for _, m := range w.moves {
		from, to := w.held[m.from], w.held[m.to]
		if m.to != taken && from.last == m.time && to.first == m.time {
			w.tall[m.time] -= w.size[from.buffer]
			taken = m.to
		}
	}
	w.peak = 0
	total, most, live := int64(0), int64(0), int64(0)
	for at := range w.tall {
		live += w.change[at]
		w.tall[at] += live
		w.peak, most = max(w.peak, w.tall[at]), max(most, w.tall[at]-limit)
		if at+1 == len(w.tall) || w.turn[at+1] != w.turn[at] {
			total, most = total+most, 0
		}
	}
	return total
}
