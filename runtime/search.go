package runtime

import (
	"cmp"
	"slices"
)

// search looks for the modes of a walk that take the least work within a limit.
type search struct {
	*walk
	options []option
	// read marks the steps of which a gradient reads something.
	read []bool
}

// option is another mode for a step.
type option struct {
	step int
	mode mode
	// worth is by how much less the limit is exceeded for a unit of work, as of
	// a round.
	worth float64
	round int
}

func newSearch(l *ledger) *search {
	s := &search{walk: newWalk(l), read: make([]bool, len(l.forward))}
	for i, e := range l.forward {
		for m := kept; e.free && m <= each; m++ {
			s.options = append(s.options, option{step: i, mode: m})
		}
	}
	for _, e := range l.backward {
		for _, b := range e.reads {
			if i := l.maker[b]; i >= 0 {
				s.read[i] = true
			}
		}
	}
	return s
}

// choose finds modes within a limit in floats. It reports whether it did.
func (s *search) choose(limit int64) bool {
	var best []mode
	least := int64(0)
	for _, start := range []func(i int) mode{
		func(i int) mode { return when(s.read[i], kept, once) },
		func(int) mode { return once },
		func(int) mode { return each },
	} {
		for i, e := range s.forward {
			s.modes[i] = when(e.free, start(i), kept)
		}
		if !s.descend(limit) {
			continue
		}
		s.relax(limit)
		if best == nil || s.work < least {
			best, least = slices.Clone(s.modes), s.work
		}
	}
	if best == nil {
		return false
	}
	copy(s.modes, best)
	return s.over(limit) == 0
}

func when(yes bool, a, b mode) mode {
	if yes {
		return a
	}
	return b
}

// descend changes one mode after the other, that which is worth most, until the
// limit is kept. It reports whether it is.
func (s *search) descend(limit int64) bool {
	over := s.over(limit)
	if len(s.options) == 0 {
		return over == 0
	}
	work := s.work
	rate := func(o *option, round int) {
		before := s.modes[o.step]
		s.modes[o.step] = o.mode
		gain := over - s.over(limit)
		o.worth, o.round = float64(gain)/float64(max(s.work-work, 1)), round
		s.modes[o.step] = before
	}
	whole := -1 // the round in which all were rated
	for round := 0; over > 0; {
		best := &s.options[0]
		if whole < 0 {
			for i := range s.options {
				rate(&s.options[i], round)
			}
			whole = round
		}
		for i := range s.options {
			if s.options[i].worth > best.worth {
				best = &s.options[i]
			}
		}
		switch {
		case best.worth <= 0 && whole == round:
			return false
		case best.worth <= 0:
			whole = -1
		case best.round < round:
			rate(best, round)
		default:
			s.modes[best.step] = best.mode
			over = s.over(limit)
			work = s.work
			round++
		}
	}
	return true
}

// relax lets steps run less often as long as the limit is kept, those first that
// cost most.
func (s *search) relax(limit int64) {
	order := slices.Clone(s.options)
	slices.SortStableFunc(order, func(a, b option) int {
		return cmp.Or(cmp.Compare(s.forward[b.step].work, s.forward[a.step].work), cmp.Compare(a.mode, b.mode))
	})
	s.over(limit)
	for again := true; again; {
		again = false
		for _, o := range order {
			before, work := s.modes[o.step], s.work
			if before == o.mode {
				continue
			}
			s.modes[o.step] = o.mode
			if s.over(limit) > 0 || s.work >= work {
				s.modes[o.step] = before
				s.work = work
				continue
			}
			again = true
		}
	}
	s.over(limit)
}
