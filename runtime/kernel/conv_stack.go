package kernel

// Where lines are short, the rows of a tile are the same output of several images
// instead of outputs of a line; taps that lie outside are then left out.

// stackLine is the longest line for which that pays.
const stackLine = 7

func (j *correlating) stacks() bool {
	return j.axes[2].count <= stackLine && j.batch >= 2*j.axes[2].count && j.batch >= 4
}

// stackHeight is how many images a part computes.
func (j *correlating) stackHeight(threads int) int {
	tiles := (j.batch + j.lv.rows - 1) / j.lv.rows
	perPart := max(min(2, tiles*j.groups*j.panelCount()/(4*threads)), 1)
	parts := (tiles + perPart - 1) / perPart
	return (j.batch + parts - 1) / parts
}

// stackPart computes one panel of all outputs of some images.
func (j *correlating) stackPart(part, worker int) {
	count := j.panelCount()
	col := part % count * j.lv.cols
	g := part / count % j.groups
	from := part / count / j.groups * j.images
	images := min(j.images, j.batch-from)
	t := &j.pool.workers[worker].tile
	s := j.newStack(t, worker, from, images, g, col)
	for z := range j.axes[0].count {
		for y := range j.axes[1].count {
			for x := range j.axes[2].count {
				j.stackOutput(t, &s, z, y, x)
			}
		}
	}
	*t = tile{}
	if j.act != nil {
		j.activateStack(from, images, g*j.out+col, s.cols)
	}
}

// stack is images from which tiles are computed.
type stack struct {
	data              []float32
	image, row, pixel int // strides
	from, images      int
	panel             []float32
	width, cols       int
	column            int // the first of the panel, among all channels
	kernels           *kernels
}

// newStack is the stack of a part. Images that compete for the same places of the
// cache are copied apart.
func (j *correlating) newStack(t *tile, worker, from, images, g, col int) stack {
	pixel := j.groups * j.in
	s := stack{
		row: j.axes[2].size * pixel, pixel: pixel, from: from, images: images,
		cols: min(j.lv.cols, j.out-col), column: g*j.out + col,
	}
	s.image = j.axes[0].size * j.axes[1].size * s.row
	s.data = j.x[from*s.image:]
	const page = 1 << 10
	if s.image%page == 0 && s.image > 0 {
		pitch := s.image + alignment/4
		dst := j.pool.Scratch(worker, images*pitch)
		for i := range images {
			copy(dst[i*pitch:][:s.image], s.data[i*s.image:])
		}
		s.data, s.image = dst, pitch
	}
	s.data = s.data[g*j.in:]
	s.width = j.lv.panelWidth(s.cols)
	s.panel = j.panels[j.at+g*j.correlation.panels(j.lv)+col*j.depth():]
	s.kernels = j.lv.kernels(t, s.cols)
	t.aRow, t.aK, t.alpha, t.bK = uintptr(4*s.image), 4, 1, uintptr(4*s.width)
	t.cRow = uintptr(4 * j.imageSize() * j.groups * j.out)
	t.resRow = uintptr(4 * j.imageSize() * j.res.RowStride)
	return s
}

// imageSize is the number of pixels of an image of the output's tensor.
func (c *correlation) imageSize() int {
	return c.axes[0].outSize * c.axes[1].outSize * c.axes[2].outSize
}

// stackOutput computes one output of all images of the stack.
func (j *correlating) stackOutput(t *tile, s *stack, z, y, x int) {
	az, ay, ax := &j.axes[0], &j.axes[1], &j.axes[2]
	z0, z1 := az.inside(z)
	y0, y1 := ay.inside(y)
	x0, x1 := ax.inside(x)
	pixel := j.pixel(s.from, z, y, x)
	calls := (z1 - z0) * (y1 - y0)
	if calls*(x1-x0) == 0 {
		t.k, t.segs, t.aNext, t.b = 0, 1, 0, nil
		j.stackTiles(t, s, pixel, 0, 0, 1)
		return
	}
	// A line of taps is one segment if its pixels are adjacent, and all lines are
	// one call if none of their taps is missing.
	dense := s.pixel == j.in && (ax.dilation == 1 || x1-x0 == 1)
	t.k, t.segs, t.aNext = j.in, x1-x0, uintptr(4*(ax.dilation*s.pixel-j.in))
	if dense {
		t.k, t.segs, t.aNext = (x1-x0)*j.in, 1, 0
	}
	lines := 1
	if dense && x1-x0 == ax.taps {
		lines = y1 - y0
		t.segs, t.aNext = lines, uintptr(4*(ay.dilation*s.row-t.k))
		calls = z1 - z0
	}
	call := 0
	for tz := z0; tz < z1; tz++ {
		for ty := y0; ty < y1; ty += lines {
			at := az.origin + z*az.stride + tz*az.dilation
			at = at*ay.size + ay.origin + y*ay.stride + ty*ay.dilation
			at = at*ax.size + ax.origin + x*ax.stride + x0*ax.dilation
			t.b = &s.panel[((tz*ay.taps+ty)*ax.taps+x0)*j.in*s.width]
			j.stackTiles(t, s, pixel, at*s.pixel, call, calls)
			call++
		}
	}
}

// stackTiles runs the micro-kernel over the images.
func (j *correlating) stackTiles(t *tile, s *stack, pixel, at, call, calls int) {
	j.finish(t, call, calls, 0, s.column)
	tiles := (s.images + j.lv.rows - 1) / j.lv.rows
	rows, more := s.images/tiles, s.images%tiles
	i := 0
	for n := range tiles {
		t.rows = rows
		if n < more {
			t.rows++
		}
		t.a = &s.data[i*s.image+at]
		out := pixel + i*j.imageSize()
		t.c = &j.y[out*j.groups*j.out+s.column]
		if call == calls-1 && j.res.Data != nil {
			t.res = &j.res.Data[out*j.res.RowStride+s.column]
		}
		s.kernels[t.rows](t)
		i += t.rows
	}
}

// activateStack applies the epilogue's function to the columns of a panel.
func (j *correlating) activateStack(from, images, col, cols int) {
	channels := j.groups * j.out
	first, last := from*j.imageSize(), (from+images)*j.imageSize()
	if cols == channels {
		j.act(j.y[first*channels : last*channels])
		return
	}
	for pixel := first; pixel < last; pixel++ {
		j.act(j.y[pixel*channels+col:][:cols])
	}
}
