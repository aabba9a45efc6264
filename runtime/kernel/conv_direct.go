package kernel

// correlating is a correlation under way.
type correlating struct {
	*correlation
	lv           *level
	pool         *Pool
	y, x, panels []float32
	add          bool
	bias         []float32
	res          Matrix
	act          func(x []float32)

	bands       int // parts of the lines of a plane
	images      int // images in a part, if tiles run over images
	line, stack func(part, worker int)
}

func (j *correlating) init() {
	j.line = j.linePart
	j.stack = j.stackPart
}

func (j *correlating) set(c *correlation, lv *level, y, x, panels []float32, add bool) {
	*j = correlating{correlation: c, lv: lv, y: y, x: x, panels: panels, add: add, line: j.line, stack: j.stack}
}

// run computes the correlation and lets go of the operands.
func (j *correlating) run(p *Pool) {
	j.pool = p
	switch {
	case j.batch*j.outputs() == 0:
	case j.depth() == 0:
		j.blank()
	case j.stacks():
		j.images = j.stackHeight(p.Threads())
		p.Run((j.batch+j.images-1)/j.images*j.groups*j.panelCount(), j.stack)
	default:
		j.bands = j.bandCount(p.Threads())
		p.Run(j.batch*j.axes[0].count*j.bands, j.line)
	}
	*j = correlating{line: j.line, stack: j.stack}
}

func (j *correlating) panelCount() int { return (j.out + j.lv.cols - 1) / j.lv.cols }

// blank is the correlation without taps.
func (j *correlating) blank() {
	if j.add {
		return
	}
	for n := range j.batch {
		for z := range j.axes[0].count {
			for y := range j.axes[1].count {
				for x := range j.axes[2].count {
					clear(j.y[j.pixel(n, z, y, x)*j.groups*j.out:][:j.groups*j.out])
				}
			}
		}
	}
}

// pixel is the index of an output among the pixels of the tensor.
func (c *correlation) pixel(image, z, y, x int) int {
	for i, at := range [3]int{z, y, x} {
		a := &c.axes[i]
		image = image*a.outSize + a.first + at*a.step
	}
	return image
}

// copyFloats is how large a copy of patches may be: it shares the second cache with
// the weights.
const copyFloats = 64 << 10

// bandCount is into how many bands of lines a plane is divided, for the cache and so
// that all workers have something to do.
func (j *correlating) bandCount(threads int) int {
	lines := j.axes[1].count
	bands := 1
	for bands < lines && j.copySize((lines+bands-1)/bands) > copyFloats {
		bands++
	}
	work := j.depth() * j.out * j.groups * j.axes[2].count
	for want := 4 * threads; j.batch*j.axes[0].count*bands < want && bands < lines; bands++ {
		if work*lines/(bands+1) < partWork {
			break
		}
	}
	return bands
}

// linePart computes a band of lines of one plane of an image.
func (j *correlating) linePart(part, worker int) {
	band, z := part%j.bands, part/j.bands
	image := z / j.axes[0].count
	z %= j.axes[0].count
	y0, y1 := share(j.axes[1].count, band, j.bands, 1)
	for g := range j.groups {
		p, ok := j.view(j.x, image, g, z, y0, y1)
		if !ok {
			dst := j.pool.Scratch(worker, j.copySize(y1-y0))
			p = j.copied(dst, j.x, image, g, z, y0, y1)
		}
		j.lines(&j.pool.workers[worker].tile, &p, image, g, z, y0, y1)
	}
	if j.act != nil {
		width := j.groups * j.out
		from := j.pixel(image, z, y0, 0) * width
		j.act(j.y[from:][:(y1-y0)*j.axes[2].count*width])
	}
}

// sum is how the micro-kernel walks over a patch: calls times over segs segments of
// k adjacent numbers, next numbers apart.
type sum struct{ calls, segs, k, next int }

// walk is the sum over the patches of outputs.
func (c *correlation) walk(p *patches) sum {
	ay, ax := &c.axes[1], &c.axes[2]
	if p.pixel == c.in && (ax.dilation == 1 || ax.taps == 1) {
		k := ax.taps * c.in
		return sum{c.axes[0].taps, ay.taps, k, ay.dilation*p.row - k}
	}
	return sum{c.axes[0].taps * ay.taps, ax.taps, c.in, ax.dilation*p.pixel - c.in}
}

// start is where in the patches a call begins.
func (c *correlation) start(p *patches, s sum, call int) int {
	ay := &c.axes[1]
	if s.calls == c.axes[0].taps && ay.taps > 1 {
		return call * p.plane
	}
	return call/ay.taps*p.plane + call%ay.taps*ay.dilation*p.row
}

// lines computes lines y0 to y1, panel by panel.
func (j *correlating) lines(t *tile, p *patches, image, g, z, y0, y1 int) {
	s := j.walk(p)
	t.aRow, t.aK, t.aNext = uintptr(4*j.axes[2].stride*p.pixel), 4, uintptr(4*s.next)
	t.k, t.segs, t.alpha = s.k, s.segs, 1
	t.cRow = uintptr(4 * j.axes[2].step * j.groups * j.out)
	t.resRow = uintptr(4 * j.axes[2].step * j.res.RowStride)
	for col := 0; col < j.out; col += j.lv.cols {
		cols := min(j.lv.cols, j.out-col)
		width := j.lv.panelWidth(cols)
		t.bK = uintptr(4 * width)
		panel := j.panels[j.at+g*j.correlation.panels(j.lv)+col*j.depth():]
		kernels := j.lv.kernels(t, cols)
		for y := y0; y < y1; y++ {
			from := j.pixel(image, z, y, 0)
			row := p.data[(y-y0)*j.axes[1].stride*p.row:]
			for call := range s.calls {
				t.b = &panel[call*s.segs*s.k*width]
				j.finish(t, call, s.calls, g, col)
				j.line1(t, kernels, row[j.start(p, s, call):], from, g*j.out+col, call == s.calls-1)
			}
		}
	}
	*t = tile{}
}

// finish sets what a call adds beside the products: the last does what is done
// once.
func (j *correlating) finish(t *tile, call, calls, g, col int) {
	t.beta = 1
	if call == 0 {
		t.beta = keep(j.add)
	}
	t.bias, t.res = nil, nil
	if call == calls-1 && j.bias != nil {
		t.bias = &j.bias[g*j.out+col]
	}
}

// line1 runs the micro-kernel along one line of outputs.
func (j *correlating) line1(t *tile, kernels *kernels, row []float32, pixel, col int, last bool) {
	ax := &j.axes[2]
	channels := j.groups * j.out
	tiles := (ax.count + j.lv.rows - 1) / j.lv.rows
	rows, more := ax.count/tiles, ax.count%tiles
	i := 0
	for n := range tiles {
		t.rows = rows
		if n < more {
			t.rows++
		}
		t.a = offset(&row[0], uintptr(i)*t.aRow)
		at := pixel + i*ax.step
		t.c = &j.y[at*channels+col]
		if last && j.res.Data != nil {
			t.res = &j.res.Data[at*j.res.RowStride+col]
		}
		kernels[t.rows](t)
		i += t.rows
	}
}
