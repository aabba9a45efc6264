package runtime

import "slices"

// ledger is a training program in numbers, by which it is told quickly how much
// memory it takes if some of its steps run again instead of keeping what they
// computed. Buffers go by number.
type ledger struct {
	forward, backward []entry
	// size is each buffer's, in floats as the arena counts them, maker the number
	// of the step forward that fills it, -1 where the step runs once or there is
	// none.
	size  []int64
	maker []int
	// turn are the buffers in use between forward and backward, end those in use
	// behind all.
	turn, end []int
}

// entry is a step of a ledger.
type entry struct {
	// reads and makes are the buffers that a step needs and those that it fills.
	// A step backward fills those that nobody has yet.
	reads, makes []int
	// takes are the inputs whose place the first output may have.
	takes   []int
	scratch int64
	// work is about how many multiply-accumulates could be done in the time.
	work int64
	// free says that the step may run again.
	free bool
}

// moved is the number of multiply-accumulates that take as long as to read or
// write one float.
const moved = 16

// account makes the ledger of a program.
func (p *Program) account() *ledger {
	l, number := &ledger{}, map[*buffer]int{}
	list := func(buffers ...*buffer) (ids []int) {
		for _, b := range buffers {
			if b == nil {
				continue
			}
			id, ok := number[b]
			if !ok {
				id = len(l.size)
				number[b] = id
				l.size, l.maker = append(l.size, rounded(b.floats)), append(l.maker, -1)
			}
			ids = append(ids, id)
		}
		return ids
	}
	for i, s := range p.steps {
		e := entry{reads: list(places(s.in)...)}
		if s.routine == nil || !s.routine.View {
			e.makes = list(append(places(s.out), s.state)...)
		}
		if s.routine != nil {
			e.scratch = rounded(int64(s.routine.Scratch))
			e.takes = list(s.givers()...)
		}
		if e.free = s.repeatable(); e.free {
			e.work = s.work()
			for _, b := range e.makes {
				l.maker[b] = i
			}
		}
		l.forward = append(l.forward, e)
	}
	l.turn = append(list(p.seed.buffer), list(places(p.outputs)...)...)
	for _, s := range p.backward {
		e := entry{makes: list(places(s.slots())...), scratch: rounded(int64(s.routine.Scratch))}
		if s.of != nil {
			e.reads = list(append(places(s.recalls()), s.of.state)...)
		}
		l.backward = append(l.backward, e)
	}
	l.end = list(places(p.ends()[1:])...)
	return l
}

// places are the buffers of slots, nil where there is none.
func places(slots []*slot) []*buffer {
	list := make([]*buffer, len(slots))
	for i, s := range slots {
		if s != nil {
			list[i] = s.buffer
		}
	}
	return list
}

// repeatable reports whether the step can run again: all that it works on is
// laid out.
func (s *step) repeatable() bool {
	loose := func(x *slot) bool { return x != nil && x.loose }
	return s.routine != nil && !s.routine.View && !s.single && !slices.ContainsFunc(s.in, loose) && !slices.ContainsFunc(s.out, loose)
}

// work is what it costs to run the step, in multiply-accumulates.
func (s *step) work() int64 {
	work := s.macs
	for _, x := range s.slots() {
		work += moved * x.floats()
	}
	return work
}
