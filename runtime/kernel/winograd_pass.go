package kernel

// winograd is a correlation under way by Winograd's algorithm.
type winograd struct {
	*correlation
	seen    correlation
	lv      *level
	f       *transforms
	pool    *Pool
	y, x, u []float32
	add     bool
	bias    []float32
	res     Matrix
	act     func(x []float32)

	filters     []float32 // packed, to be transformed
	parts       int
	each        workerStrips
	part, pack1 func(part, worker int)
}

// newWinograd returns nil if the algorithm does not suit c.
func newWinograd(c *correlation, lv *level) *winograd {
	f := c.winograd(lv)
	if f == nil {
		return nil
	}
	w := &winograd{correlation: c, seen: c.seen(f), lv: lv, f: f}
	w.part, w.pack1 = w.linesPart, w.packPart
	return w
}

// forget lets go of the operands.
func (w *winograd) forget() {
	w.pool, w.y, w.x, w.u, w.filters, w.add = nil, nil, nil, nil, nil, false
	w.bias, w.res, w.act = nil, Matrix{}, nil
}

// pitch is how far apart the panels of points are.
func (w *winograd) pitch() int { return fieldPitch(1, panelsSize(w.lv, w.in, w.out)) }

// packed is how many numbers transformed filters take, and packing them besides.
func (w *winograd) packed() (filters, besides int) {
	return points * w.pitch(), w.correlation.panels(w.lv)
}

// packParts is into how many parts the channels of a panel are divided.
const winogradPackParts = 4

// pack transforms filters to u, by way of memory besides.
func (w *winograd) pack(p *Pool, k *packing, u, besides, weights []float32) {
	k.run(p, w.lv, w.correlation, besides, weights)
	w.u, w.filters = u, besides
	w.each.ready(p)
	p.Run((w.out+w.lv.cols-1)/w.lv.cols*winogradPackParts, w.pack1)
	w.forget()
}

// packPart transforms some channels of one panel.
func (w *winograd) packPart(part, worker int) {
	col := part / winogradPackParts * w.lv.cols
	width := w.lv.panelWidth(min(w.lv.cols, w.out-col))
	from, to := share(w.in, part%winogradPackParts, winogradPackParts, 1)
	if from == to {
		return
	}
	s := w.strip(worker, (to-from)*width)
	s.x = &w.filters[w.at+col*w.depth()+from*width]
	s.xPixel, s.xRow = uintptr(4*w.in*width), uintptr(4*w.f.taps*w.in*width)
	s.y = &w.u[col*w.in+from*width]
	s.yPixel, s.yRow = uintptr(4*w.pitch()), uintptr(winogradIn*4*w.pitch())
	w.f.filter(s)
	*s = strip{}
}

// strip is the worker's, ready for a transform of n channels.
func (w *winograd) strip(worker, n int) *strip { return w.each.transform(worker, n, w.f.lanes) }

// transform is the strip of a worker, ready for a transform of n channels.
func (w workerStrips) transform(worker, n, lanes int) *strip {
	s := &w[worker].strip
	*s = strip{g: &w[worker].square[misaligned(w[worker].square[:])]}
	s.setChannels(n, lanes)
	return s
}

// Patches that a part computes at once: their fields, and the filters of a point
// besides, are to stay in the second cache, but filters are read anew for every
// part.
const (
	winogradFloats = 300 << 10
	fewestPatches  = 28
	mostPatches    = 128
)

// run computes the correlation with transformed filters.
func (w *winograd) run(p *Pool) {
	w.pool = p
	w.each.ready(p)
	lines := w.batch * w.seen.axes[1].count
	if lines > 0 {
		w.parts = winogradParts(lines, w.seen.axes[2].count, w.in+w.out, p.Threads())
		p.Run(w.parts, w.part)
	}
	w.forget()
}

// winogradParts is into how many parts lines of patches are divided.
func winogradParts(lines, perLine, channels, threads int) int {
	patches := min(max(winogradFloats/(points*channels), fewestPatches), mostPatches)
	parts := (lines*perLine + patches - 1) / patches
	// All workers have the same number of parts, if there is enough to do.
	parts = (parts + threads - 1) / threads * threads
	if small := lines * perLine * channels * points / 4096; parts > small {
		parts = max(small, 1)
	}
	return min(parts, lines)
}

// linesPart computes some lines of squares, from all images' lines.
func (w *winograd) linesPart(part, worker int) {
	lines, perLine := w.seen.axes[1].count, w.seen.axes[2].count
	from, to := share(w.batch*lines, part, w.parts, 1)
	n := (to - from) * perLine
	in := field{channels: w.in, pitch: fieldPitch(n, w.in)}
	out := field{channels: w.out, pitch: fieldPitch(n, w.out)}
	edge := (w.f.out*w.f.out*w.out + 15) &^ 15
	space := w.pool.Scratch(worker, points*(in.pitch+out.pitch)+edge+w.seen.copySize(min(lines, to-from)))
	in.data, space = space[:points*in.pitch], space[points*in.pitch:]
	out.data, space = space[:points*out.pitch], space[points*out.pitch:]
	w.seen.transform(w.strip(worker, w.in), w.f.input, &in, w.x, space[edge:], from, to)
	for point := range points {
		w.products(&w.pool.workers[worker].tile, point, n, &in, &out)
	}
	w.pool.workers[worker].tile = tile{}
	w.store(w.strip(worker, w.out), &out, space[:edge], from, to)
	w.each[worker].strip = strip{}
}

// products multiplies n patches at a point by the filters.
func (w *winograd) products(t *tile, point, n int, in, out *field) {
	t.aRow, t.aK, t.k, t.segs = uintptr(4*w.in), 4, w.in, 1
	t.cRow, t.alpha, t.beta = uintptr(4*w.out), 1, 0
	tiles := (n + w.lv.rows - 1) / w.lv.rows
	for col := 0; col < w.out; col += w.lv.cols {
		cols := min(w.lv.cols, w.out-col)
		t.bK = uintptr(4 * w.lv.panelWidth(cols))
		t.b = &w.u[point*w.pitch()+col*w.in]
		kernels := w.lv.kernels(t, cols)
		for i := range tiles {
			from, to := share(n, i, tiles, 1)
			t.rows = to - from
			t.a = &in.data[point*in.pitch+from*w.in]
			t.c = &out.data[point*out.pitch+from*w.out+col]
			kernels[t.rows](t)
		}
	}
}

// store transforms the products of lines of squares into outputs.
func (w *winograd) store(s *strip, out *field, edge []float32, from, to int) {
	lines, perLine := w.seen.axes[1].count, w.seen.axes[2].count
	height, width, side := w.axes[1].count, w.axes[2].count, w.f.out
	s.xPixel, s.xRow = uintptr(4*out.pitch), uintptr(winogradIn*4*out.pitch)
	if w.bias != nil {
		s.bias = &w.bias[0]
	}
	n := 0
	for line := from; line < to; line++ {
		image, y := line/lines, line%lines*side
		row := (image*height + y) * width
		for i := range perLine {
			s.x = &out.data[n*w.out]
			x := i * side
			if y+side <= height && x+side <= width {
				w.storeWhole(s, row+x)
			} else {
				w.storeEdge(s, edge, row+x, min(height-y, side), min(width-x, side))
			}
			n++
		}
		if w.act != nil {
			w.act(w.y[row*w.out:][:min(height-y, side)*width*w.out])
		}
	}
}

// storeWhole writes a square that lies in the image, its first output at pixel.
func (w *winograd) storeWhole(s *strip, pixel int) {
	width := w.axes[2].count
	s.y = &w.y[pixel*w.out]
	s.yPixel, s.yRow = uintptr(4*w.out), uintptr(4*width*w.out)
	switch {
	case w.add:
		s.w, s.wTap, s.wNext = s.y, s.yPixel, s.yRow
	case w.res.Data != nil:
		s.w = &w.res.Data[pixel*w.res.RowStride]
		s.wTap, s.wNext = uintptr(4*w.res.RowStride), uintptr(4*width*w.res.RowStride)
	}
	w.f.output(s)
}

// storeEdge writes rows × cols outputs of a square that reaches beyond the image.
func (w *winograd) storeEdge(s *strip, square []float32, pixel, rows, cols int) {
	s.w = nil
	s.y = &square[0]
	s.yPixel, s.yRow = uintptr(4*w.out), uintptr(w.f.out*4*w.out)
	w.f.output(s)
	for i := range rows {
		for j := range cols {
			at := pixel + i*w.axes[2].count + j
			y := w.y[at*w.out:][:w.out]
			from := square[(i*w.f.out+j)*w.out:][:w.out]
			switch {
			case w.add:
				for c, v := range from {
					y[c] += v
				}
			case w.res.Data != nil:
				for c, v := range w.res.row(at, 0, w.out) {
					y[c] = from[c] + v
				}
			default:
				copy(y, from)
			}
		}
	}
}
