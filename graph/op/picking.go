package op

import (
	"slices"

	"onnxcompress/runtime/kernel"
)

// picking is a copy whose element at (i, j, ...) is element
// tables[0][i] + tables[1][j] + ... of its source, as pick has it, or a number of
// its own where one of the entries is negative. Sources of different entries of
// an axis, together with all of the others, are apart or the same.
type picking struct {
	// outer are the tables of the axes over rows, row that of a row of runs.
	outer [][]int
	row   []int
	run   int
	rows  int
	fill  float32
	// parts are the pieces of a row that lie in one piece in the source.
	parts []part
	// single says that nothing is read twice, whole that all of the source is
	// read.
	single, whole bool
	// readers lists, for each outer axis, the sources that it reads.
	readers [][]reader
	sources int
}

// part is n elements of a row from to on, at from in the source; a negative
// from stands for the fill.
type part struct{ to, from, n int }

// reader is a place of the source along an axis, and the entries that read it.
type reader struct {
	from int
	by   []int
}

// newPicking copies from a source of size elements.
func newPicking(tables [][]int64, size int64, fill float32) *picking {
	p := &picking{run: 1, rows: 1, fill: fill, row: []int{0}, single: true, sources: 1}
	last := len(tables) - 1
	base := 0
	for ; last >= 0 && consecutive(tables[last], int64(p.run)); last-- {
		if len(tables[last]) > 0 {
			base += int(tables[last][0])
		}
		p.run *= len(tables[last])
	}
	if last >= 0 {
		p.row = entries(tables[last], 0)
	}
	for axis := range max(last, 0) {
		p.outer = append(p.outer, entries(tables[axis], 0))
		p.rows *= len(tables[axis])
	}
	// What all have in common is counted once, by the row.
	for i, from := range p.row {
		if from >= 0 {
			p.row[i] = from + base
		}
	}
	p.divide()
	read := int64(p.run)
	for _, table := range append(slices.Clone(p.outer), p.row) {
		list := readersOf(table)
		read *= int64(len(list))
		for _, r := range list {
			p.single = p.single && len(r.by) == 1
		}
		p.readers = append(p.readers, list)
	}
	p.readers = p.readers[:len(p.outer)]
	for _, list := range p.readers {
		p.sources *= len(list)
	}
	p.whole = read == size
	return p
}

func entries(table []int64, base int) []int {
	list := make([]int, len(table))
	for i, from := range table {
		if list[i] = int(from) + base; from < 0 {
			list[i] = -1
		}
	}
	return list
}

// divide joins entries of a row that follow each other.
func (p *picking) divide() {
	for i, from := range p.row {
		if k := len(p.parts) - 1; k >= 0 {
			last := &p.parts[k]
			if from < 0 && last.from < 0 || from >= 0 && last.from >= 0 && from == last.from+last.n {
				last.n += p.run
				continue
			}
		}
		p.parts = append(p.parts, part{i * p.run, from, p.run})
	}
}

// readersOf turns a table around.
func readersOf(table []int) []reader {
	var list []reader
	place := map[int]int{}
	for i, from := range table {
		if from < 0 {
			continue
		}
		k, ok := place[from]
		if !ok {
			k, place[from] = len(list), len(list)
			list = append(list, reader{from: from})
		}
		list[k].by = append(list[k].by, i)
	}
	return list
}

// width is the number of elements of a row.
func (p *picking) width() int { return len(p.row) * p.run }

// from is where row r starts in the source, negative where it is filled.
func (p *picking) from(r int) int {
	base := 0
	for axis := len(p.outer) - 1; axis >= 0; axis-- {
		table := p.outer[axis]
		from := table[r%len(table)]
		if from < 0 {
			return -1
		}
		base += from
		r /= len(table)
	}
	return base
}

// routine is the copy of input 0.
func (p *picking) routine() *Routine {
	width := p.width()
	r := &Routine{Adds: true}
	if width == 0 || p.rows == 0 {
		r.Forward, r.Backward = func(*Frame) {}, func(f *Frame) { f.begin(0, true) }
		return r
	}
	r.Forward = shared(p.rows, width, func(f *Frame, _, lo, hi int) {
		x, y := f.X(0), f.Y(0)
		for i := lo; i < hi; i++ {
			p.copyRow(y[i*width:(i+1)*width], x, p.from(i))
		}
	})
	backward := shared(p.sources, width, func(f *Frame, _, lo, hi int) {
		dx, dy := f.DIn[0].Float32s(), f.DOut[0].Float32s()
		for i := lo; i < hi; i++ {
			p.gradient(dx, dy, i)
		}
	})
	if p.single {
		backward = shared(p.rows, width, func(f *Frame, _, lo, hi int) {
			dx, dy := f.DIn[0].Float32s(), f.DOut[0].Float32s()
			for i := lo; i < hi; i++ {
				if from := p.from(i); from >= 0 {
					p.giveRow(dx[from:], dy[i*width:(i+1)*width], f.Add[0])
				}
			}
		})
	}
	r.Backward = func(f *Frame) {
		f.begin(0, !p.single || !p.whole)
		backward(f)
	}
	return r
}

func (p *picking) copyRow(y, x []float32, from int) {
	switch {
	case from < 0:
		kernel.Fill(y, p.fill)
	case p.scattered():
		for i, at := range p.row {
			if y[i] = p.fill; at >= 0 {
				y[i] = x[from+at]
			}
		}
	default:
		for _, s := range p.parts {
			if s.from < 0 {
				kernel.Fill(y[s.to:s.to+s.n], p.fill)
			} else {
				copy(y[s.to:s.to+s.n], x[from+s.from:])
			}
		}
	}
}

// scattered reports that a row is better read element by element.
func (p *picking) scattered() bool { return p.run == 1 && len(p.parts)*2 > len(p.row) }

// giveRow is copyRow back; add says that it adds.
func (p *picking) giveRow(dx, dy []float32, add bool) {
	if p.scattered() {
		for i, at := range p.row {
			switch {
			case at >= 0 && add:
				dx[at] += dy[i]
			case at >= 0:
				dx[at] = dy[i]
			}
		}
		return
	}
	for _, s := range p.parts {
		switch {
		case s.from >= 0 && add:
			to := dx[s.from : s.from+s.n]
			kernel.Add(to, to, dy[s.to:s.to+s.n])
		case s.from >= 0:
			copy(dx[s.from:s.from+s.n], dy[s.to:s.to+s.n])
		}
	}
}

// gradient adds to row i of the source what all rows that read it have for it.
func (p *picking) gradient(dx, dy []float32, i int) {
	from, count, width := 0, 1, p.width()
	for axis, k := len(p.readers)-1, i; axis >= 0; axis-- {
		list := p.readers[axis]
		from += list[k%len(list)].from
		count *= len(list[k%len(list)].by)
		k /= len(list)
	}
	for c := range count {
		row, span, k, left := 0, 1, i, c
		for axis := len(p.readers) - 1; axis >= 0; axis-- {
			list := p.readers[axis]
			by := list[k%len(list)].by
			row += span * by[left%len(by)]
			span *= len(p.outer[axis])
			k, left = k/len(list), left/len(by)
		}
		p.giveRow(dx[from:], dy[row*width:(row+1)*width], true)
	}
}
