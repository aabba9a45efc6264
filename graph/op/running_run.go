package op

import (
	"cmp"
	"slices"

	"onnxcompress/graph/tensor"
	"onnxcompress/runtime/kernel"
)

// lane is an axis between those before and those behind it.
type lane struct{ outer, size, inner int }

// count is the number of lists along the axis, none where they are empty.
func (l lane) count() int {
	if l.size == 0 {
		return 0
	}
	return l.outer * l.inner
}

// start is the first element of list i.
func (l lane) start(i int) int { return i/l.inner*l.size*l.inner + i%l.inner }

func laneOf(shape []int64, axis int) lane {
	return lane{int(product(shape[:axis])), int(shape[axis]), int(product(shape[axis+1:]))}
}

// summing adds up an axis.
type summing struct {
	lane
	exclusive, reverse bool
}

func compileCumSum(n *Node) (*Routine, error) {
	s, ok := summingOf(n)
	if !ok {
		return nil, nil
	}
	back := s
	back.reverse = !s.reverse
	cost := s.size * s.inner
	return &Routine{
		Forward: shared(s.outer, cost, func(f *Frame, _, lo, hi int) { s.sum(f.Y(0), f.X(0), lo, hi) }),
		Backward: shared(s.outer, cost, func(f *Frame, _, lo, hi int) {
			back.sum(f.DIn[0].Float32s(), f.DOut[0].Float32s(), lo, hi)
		}),
	}, nil
}

func summingOf(n *Node) (summing, bool) {
	if !floats(n, 0) {
		return summing{}, false
	}
	axis, known := runningAxis(n, n.In[0].Rank())
	if !known {
		return summing{}, false
	}
	return summing{laneOf(n.In[0].Shape, axis), n.Attrs.Int("exclusive", 0) != 0, n.Attrs.Int("reverse", 0) != 0}, true
}

// step is where step i of a lane is.
func (s *summing) step(i int) int {
	if s.reverse {
		i = s.size - 1 - i
	}
	return i * s.inner
}

func (s *summing) sum(y, x []float32, lo, hi int) {
	for o := lo; o < hi; o++ {
		block := s.size * s.inner
		x, y := x[o*block:(o+1)*block], y[o*block:(o+1)*block]
		if s.inner == 1 {
			s.list(y, x)
			continue
		}
		for i := range s.size {
			to, from := y[s.step(i):][:s.inner], i
			if s.exclusive {
				from--
			}
			switch {
			case from < 0:
				clear(to)
			case i == 0:
				copy(to, x[s.step(0):])
			default:
				kernel.Add(to, y[s.step(i-1):][:s.inner], x[s.step(from):][:s.inner])
			}
		}
	}
}

func (s *summing) list(y, x []float32) {
	total := 0.0
	for i := range x {
		at := s.step(i)
		if s.exclusive {
			y[at] = float32(total)
		}
		total += float64(x[at])
		if !s.exclusive {
			y[at] = float32(total)
		}
	}
}

// compileCumProd: dx is the product of what comes before times a sum over what
// comes behind, so that no factor is divided by.
func compileCumProd(n *Node) (*Routine, error) {
	s, ok := summingOf(n)
	if !ok {
		return nil, nil
	}
	lanes, cost := s.count(), 4*s.size
	return &Routine{
		KeepIn: []int{0},
		Forward: shared(lanes, cost, func(f *Frame, _, lo, hi int) {
			for i := lo; i < hi; i++ {
				s.product(f.Y(0)[s.start(i):], f.X(0)[s.start(i):])
			}
		}),
		Backward: shared(lanes, cost, func(f *Frame, _, lo, hi int) {
			for i := lo; i < hi; i++ {
				s.productGrad(f.DIn[0].Float32s()[s.start(i):], f.DOut[0].Float32s()[s.start(i):], f.X(0)[s.start(i):])
			}
		}),
	}, nil
}

func (s *summing) product(y, x []float32) {
	total := 1.0
	for i := range s.size {
		at := s.step(i)
		before := total
		total *= float64(x[at])
		y[at] = float32(choose(s.exclusive, before, total))
	}
}

func (s *summing) productGrad(dx, dy, x []float32) {
	before := 1.0
	for i := range s.size {
		at := s.step(i)
		dx[at] = float32(before)
		before *= float64(x[at])
	}
	behind := 0.0 // Σ dy·(product of the factors between), of the steps behind
	for i := s.size - 1; i >= 0; i-- {
		at := s.step(i)
		sum := behind
		if !s.exclusive {
			sum += float64(dy[at])
		}
		dx[at] *= float32(sum)
		if behind = float64(x[at]) * sum; s.exclusive {
			behind += float64(dy[at])
		}
	}
}

// picks takes the best along an axis and remembers where they were.
type picks struct {
	lane
	k       int
	largest bool
	from    []int
	orders  [][]int
	lists   [][]float32
}

func compileTopK(n *Node) (*Routine, error) {
	k, known := topCount(n)
	if !known || !floats(n, 0) {
		return nil, nil
	}
	axis, err := Axis(n.Attrs.Int("axis", -1), n.In[0].Rank())
	if err != nil {
		return nil, err
	}
	p := &picks{lane: laneOf(n.In[0].Shape, axis), k: int(k), largest: n.Attrs.Int("largest", 1) != 0}
	p.from = make([]int, p.outer*p.inner*p.k)
	find := shared(p.count(), 8*p.size, func(f *Frame, worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			p.find(f, worker, i)
		}
	})
	return &Routine{
		Adds: true,
		Forward: func(f *Frame) {
			for len(p.orders) < f.Pool.Threads() {
				p.orders, p.lists = append(p.orders, make([]int, p.size)), append(p.lists, make([]float32, p.size))
			}
			find(f)
		},
		Backward: func(f *Frame) {
			dx, dy := f.begin(0, true), f.DOut[0].Float32s()
			for i, at := range p.from {
				dx[at] += dy[i]
			}
		},
	}, nil
}

// find takes the best of lane i. Of equals the first is first.
func (p *picks) find(f *Frame, worker, i int) {
	x, order, list := f.X(0)[p.start(i):], p.orders[worker], p.lists[worker]
	for j := range order {
		order[j], list[j] = j, x[j*p.inner]
	}
	sign := choose(p.largest, -1, 1)
	slices.SortFunc(order, func(a, b int) int {
		if c := sign * cmp.Compare(list[a], list[b]); c != 0 {
			return c
		}
		return a - b
	})
	var places []int64
	if len(f.Out) > 1 && f.Out[1] != nil && f.Out[1].DType == tensor.Int64 {
		places = f.Out[1].Int64s()
	}
	first := lane{p.outer, p.k, p.inner}.start(i)
	for j := range p.k {
		to := first + j*p.inner
		f.Y(0)[to] = list[order[j]]
		p.from[to] = p.start(i) + order[j]*p.inner
		if places != nil {
			places[to] = int64(order[j])
		}
	}
}
