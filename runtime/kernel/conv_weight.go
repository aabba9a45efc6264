package kernel

// weightGradient is the gradient of weights under way. Each part sums over images
// of its own, to memory of its own: a matrix for each group with a row for each
// tap and input channel, and a column for each output channel. The matrices are
// then added in order, so that the result depends on nothing but how many parts
// there are.
type weightGradient struct {
	*correlation
	lv     *level
	pool   *Pool
	x, dy  []float32
	dw     []float32
	add    bool
	sums   []float32
	pitch  int // from row to row of a sum
	parts  int
	bands  int
	stack  bool // sums run over images and not over pixels
	sum    func(part, worker int)
	stacks func(part, worker int)
	reduce func(part, worker int)
}

func (w *weightGradient) init(c *Conv) {
	w.correlation, w.lv = &c.forward[0], c.lv
	const lanes = alignment / 4
	w.pitch = (w.out + lanes - 1) / lanes * lanes
	w.stack = w.axes[2].count <= stackLine && w.batch >= stackImages
	w.sum, w.stacks, w.reduce = w.sumPart, w.stackPart, w.reducePart
}

// stackImages is for how many images it pays to sum over images.
const stackImages = 16

// sumSize is how many numbers one part's sum takes.
func (w *weightGradient) sumSize() int { return w.groups * w.depth() * w.pitch }

// size is how many numbers the sums take.
func (w *weightGradient) size(p *Pool) int {
	w.divide(p)
	return w.parts * w.sumSize()
}

// divide sets how the sum is divided.
func (w *weightGradient) divide(p *Pool) {
	lines := w.axes[1].count
	planes := max(w.batch*w.axes[0].count, 1)
	w.bands = min((p.Threads()+planes-1)/planes, lines)
	for w.bands < lines && w.copySize((lines+w.bands-1)/w.bands) > copyFloats/2 {
		w.bands++
	}
	w.parts = min(p.Threads(), planes*w.bands)
	if w.stack {
		w.parts = min(p.Threads(), w.batch/(stackImages/2))
	}
}

// run computes the gradient.
func (w *weightGradient) run(p *Pool, dw, x, dy []float32, add bool, scratch []float32) {
	if w.batch == 0 {
		if !add {
			clear(dw)
		}
		return
	}
	w.divide(p)
	w.pool, w.x, w.dy, w.dw, w.add = p, x, dy, dw, add
	w.sums = scratch[:w.parts*w.sumSize()]
	if w.stack {
		p.Run(w.parts, w.stacks)
	} else {
		p.Run(w.parts, w.sum)
	}
	p.Run(w.groups*((w.in+reduceChannels-1)/reduceChannels), w.reduce)
	w.pool, w.x, w.dy, w.dw, w.sums = nil, nil, nil, nil, nil
}

// unit is a band of lines of one plane of an image.
type unit struct {
	patches
	dy    int // where its first output is
	lines int
}

// maxUnits is how many units are computed with at once.
const maxUnits = 16

// sumPart sums over the pixels of some bands.
func (w *weightGradient) sumPart(part, worker int) {
	from, to := share(w.batch*w.axes[0].count*w.bands, part, w.parts, 1)
	size := w.copySize((w.axes[1].count + w.bands - 1) / w.bands)
	together := max(min(maxUnits, copyFloats/size), 1)
	dst := w.pool.Scratch(worker, together*size)
	t := &w.pool.workers[worker].tile
	sum := w.sums[part*w.sumSize():][:w.sumSize()]
	var units [maxUnits]unit
	for at := from; at < to; at += together {
		n := min(together, to-at)
		for g := range w.groups {
			for i := range n {
				units[i] = w.unit(dst[i*size:][:size], at+i, g)
			}
			w.sumUnits(t, sum[g*w.depth()*w.pitch:], units[:n], g, at == from)
		}
	}
	*t = tile{}
}

// unit is one of all bands, its patches copied to dst if need be.
func (w *weightGradient) unit(dst []float32, index, g int) unit {
	band, z := index%w.bands, index/w.bands
	image := z / w.axes[0].count
	z %= w.axes[0].count
	y0, y1 := share(w.axes[1].count, band, w.bands, 1)
	u := unit{dy: w.pixel(image, z, y0, 0) * w.groups * w.out, lines: y1 - y0}
	var ok bool
	if u.patches, ok = w.view(w.x, image, g, z, y0, y1); !ok {
		u.patches = w.copied(dst, w.x, image, g, z, y0, y1)
	}
	return u
}

// sumUnits adds the products of units to the sum of a group, or begins it with
// them. Rows of a tile are adjacent numbers of the patches.
func (w *weightGradient) sumUnits(t *tile, sum []float32, units []unit, g int, begin bool) {
	ax := &w.axes[2]
	dense := w.groups == 1 && ax.dilation == 1
	t.aRow, t.k, t.alpha = 4, ax.count, 1
	t.bK, t.cRow = uintptr(4*w.groups*w.out), uintptr(4*w.pitch)
	rows, across := w.in, ax.taps
	if dense {
		rows, across = ax.taps*w.in, 1
	}
	tiles := (rows + w.lv.rows - 1) / w.lv.rows
	for line := range w.axes[0].taps * w.axes[1].taps {
		tz, ty := line/w.axes[1].taps, line%w.axes[1].taps
		for tx := range across {
			tap := [3]int{tz, ty * w.axes[1].dilation, tx * ax.dilation}
			for i := range tiles {
				r0, r1 := share(rows, i, tiles, 1)
				t.rows = r1 - r0
				row := (line*across+tx)*rows + r0
				w.sumTile(t, sum[row*w.pitch:], units, g, r0, tap, begin)
			}
		}
	}
}

// sumTile adds the products of units to some rows of the sum. The tap's place is
// told in planes, rows and pixels.
func (w *weightGradient) sumTile(t *tile, sum []float32, units []unit, g, row int, tap [3]int, begin bool) {
	ay, ax := &w.axes[1], &w.axes[2]
	for col := 0; col < w.out; col += w.lv.cols {
		kernel := w.lv.kernels(t, min(w.lv.cols, w.out-col))[t.rows]
		t.c = &sum[col]
		t.beta = keep(!begin)
		for i := range units {
			u := &units[i]
			step := ax.stride * u.pixel
			t.aK, t.aNext = uintptr(4*step), uintptr(4*(ay.stride*u.row-ax.count*step))
			t.segs = u.lines
			t.a = &u.data[tap[0]*u.plane+tap[1]*u.row+tap[2]*u.pixel+row]
			t.b = &w.dy[u.dy+g*w.out+col]
			kernel(t)
			t.beta = 1
		}
	}
}

// reduceChannels is how many input channels a part of the reduction writes.
const reduceChannels = 4

// reducePart adds up the sums of some input channels and writes their weights.
func (w *weightGradient) reducePart(part, worker int) {
	perGroup := (w.in + reduceChannels - 1) / reduceChannels
	g, from := part/perGroup, part%perGroup*reduceChannels
	to := min(from+reduceChannels, w.in)
	t := &w.pool.workers[worker].tile
	taps := w.taps()
	for tap := range taps {
		at := ((g*taps+tap)*w.in + from) * w.pitch
		n := (to - from) * w.pitch
		for i := 1; i < w.parts; i++ {
			w.lv.addTo(t, w.sums[at:][:n], w.sums[i*w.sumSize()+at:][:n])
		}
	}
	for i := from; i < to; i++ {
		w.write(g, i)
	}
}

// write puts the gradient of the weights of one input channel in its place.
func (w *weightGradient) write(g, i int) {
	taps := w.taps()
	dw := w.dw[g*w.wGroup+i*taps:]
	sum := w.sums[(g*taps*w.in+i)*w.pitch:]
	tapRow := w.in * w.pitch
	done, cols := 0, 0
	if w.lv.transpose != nil && !w.add {
		done, cols = taps/block*block, w.out/block*block
	}
	if cols > 0 {
		for tap := 0; tap < done; tap += block {
			w.lv.transpose(&dw[tap], uintptr(4*w.wOut), &sum[tap*tapRow], uintptr(4*tapRow), cols/block)
		}
	}
	for tap := range taps {
		first := 0
		if tap < done {
			first = cols
		}
		row := sum[tap*tapRow:][:w.out]
		for o := first; o < w.out; o++ {
			if w.add {
				dw[o*w.wOut+tap] += row[o]
			} else {
				dw[o*w.wOut+tap] = row[o]
			}
		}
	}
}

// addTo adds src to dst by a micro-kernel without steps.
func (lv *level) addTo(t *tile, dst, src []float32) {
	t.k, t.segs, t.alpha, t.beta = 0, 1, 1, 1
	t.a, t.b, t.bias, t.rows = nil, nil, nil, 1
	t.cRow, t.resRow = uintptr(4*lv.cols), uintptr(4*lv.cols)
	for i := 0; i < len(dst); {
		cols := min(lv.cols, len(dst)-i)
		t.rows = max(min((len(dst)-i)/lv.cols, lv.rows), 1)
		t.c, t.res = &dst[i], &src[i]
		lv.kernels(t, cols)[t.rows](t)
		i += t.rows * cols
	}
	*t = tile{}
}
