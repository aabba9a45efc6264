package kernel

// winogradGradient is the gradient of square filters under way by Winograd's
// algorithm: for each point, the product of the fields of x and of dy is the
// gradient of the transformed filters. Small ones are summed by each part for its
// own images; of large ones, the sums of a point belong to one part, and fields
// are made beforehand, for as many lines of patches as there is room for.
type winogradGradient struct {
	*weightGradient        // for which the sums of a single part are made
	seen, results          correlation
	f                      *transforms
	points                 []float32 // sums of each point
	fields                 [2]field
	begin                  bool
	from, to               int // lines of patches in the fields
	spreads                int // parts of a round
	each                   workerStrips
	sum1, spread1, product func(part, worker int)
	reduce1                func(part, worker int)
}

func newWinogradGradient(w *weightGradient) *winogradGradient {
	f := w.winograd(w.lv)
	if f == nil {
		return nil
	}
	g := &winogradGradient{weightGradient: w, seen: w.correlation.seen(f), results: w.correlation.results(f), f: f}
	g.sum1, g.spread1, g.product, g.reduce1 = g.sumPart, g.spreadPart, g.productPart, g.reducePart
	return g
}

// sharedFilters is from how many numbers on the sums of a point belong to one part.
const sharedFilters = 5000

func (g *winogradGradient) shared() bool { return g.in*g.pitch >= sharedFilters }

// patchLines is how many lines of patches there are.
func (g *winogradGradient) patchLines() int { return g.batch * g.seen.axes[1].count }

// roundFloats is how much room fields have that are shared.
const roundFloats = 4 << 20

// height is how many lines of patches fields hold at once.
func (g *winogradGradient) height() int {
	line := points * g.seen.axes[2].count * (g.in + g.out)
	if g.shared() {
		return max(min(roundFloats/line, g.patchLines()), 1)
	}
	return max(min(winogradFloats/line, g.patchLines()), 1)
}

// partsOn is how many parts sum for themselves on a pool.
func (g *winogradGradient) partsOn(p *Pool) int {
	if g.shared() {
		return 1
	}
	return max(min(p.Threads(), g.patchLines()), 1)
}

// fieldSize is how many numbers both fields of n lines take.
func (g *winogradGradient) fieldSize(n int) int {
	n *= g.seen.axes[2].count
	return points * (fieldPitch(n, g.in) + fieldPitch(n, g.out))
}

func (g *winogradGradient) size(p *Pool) int {
	n := points*g.partsOn(p)*g.in*g.pitch + g.sumSize()
	if g.shared() {
		n += g.fieldSize(g.height())
	}
	return n
}

// setFields lays both fields of n lines out in data.
func (g *winogradGradient) setFields(data []float32, n int) [2]field {
	n *= g.seen.axes[2].count
	x := field{channels: g.in, pitch: fieldPitch(n, g.in)}
	dy := field{channels: g.out, pitch: fieldPitch(n, g.out)}
	x.data, dy.data = data[:points*x.pitch], data[points*x.pitch:]
	return [2]field{x, dy}
}

// run computes the gradient.
func (g *winogradGradient) run(p *Pool, dw, x, dy []float32, add bool, scratch []float32) {
	w := g.weightGradient
	w.pool, w.x, w.dy, w.dw, w.add = p, x, dy, dw, add
	g.each.ready(p)
	g.parts = g.partsOn(p)
	sums, all := g.sumSize(), points*g.parts*g.in*g.pitch
	w.sums, g.points = scratch[:sums], scratch[sums:][:all]
	if g.shared() {
		g.rounds(p, scratch[sums+all:])
	} else {
		p.Run(g.parts, g.sum1)
	}
	p.Run((g.in+reduceChannels-1)/reduceChannels, g.reduce1)
	g.points, g.fields = nil, [2]field{}
	w.pool, w.x, w.dy, w.dw, w.sums = nil, nil, nil, nil, nil
}

// rounds makes fields and sums their products, as many lines at once as there is
// room for.
func (g *winogradGradient) rounds(p *Pool, space []float32) {
	lines, height := g.patchLines(), g.height()
	count := (lines + height - 1) / height
	for round := range count {
		g.from, g.to = share(lines, round, count, 1)
		g.begin = round == 0
		g.fields = g.setFields(space, g.to-g.from)
		g.spreads = min(4*p.Threads(), g.to-g.from)
		p.Run(g.spreads, g.spread1)
		p.Run(points, g.product)
	}
}

// spreadPart makes the fields of some lines of the round.
func (g *winogradGradient) spreadPart(part, worker int) {
	from, to := share(g.to-g.from, part, g.spreads, 1)
	fields := g.fields
	for i := range fields {
		f := &fields[i]
		f.data = f.data[from*g.seen.axes[2].count*f.channels:]
	}
	g.spread(worker, &fields, g.from+from, g.from+to)
}

// productPart sums the products of the round at a point.
func (g *winogradGradient) productPart(point, worker int) {
	g.multiply(worker, &g.fields, g.points, point, (g.to-g.from)*g.seen.axes[2].count, g.begin)
}

// sumPart sums over some lines of patches.
func (g *winogradGradient) sumPart(part, worker int) {
	from, to := share(g.patchLines(), part, g.parts, 1)
	sums := g.points[part*points*g.in*g.pitch:]
	height := g.height()
	count := (to - from + height - 1) / height
	buffer := g.copyRoom(height)
	space := g.pool.Scratch(worker, g.fieldSize(height)+buffer)
	for block := range count {
		at, end := share(to-from, block, count, 1)
		fields := g.setFields(space[buffer:], end-at)
		g.spreadOver(worker, space[:buffer], &fields, from+at, from+end)
		for point := range points {
			g.multiply(worker, &fields, sums, point, (end-at)*g.seen.axes[2].count, block == 0)
		}
	}
}

// copyRoom is how many numbers copies of patches of n lines of one image take.
func (g *winogradGradient) copyRoom(n int) int {
	n = min(n, g.seen.axes[1].count)
	return (max(g.seen.copySize(n), g.results.copySize(n)) + 15) &^ 15
}

// spread makes both fields of lines from to to.
func (g *winogradGradient) spread(worker int, fields *[2]field, from, to int) {
	g.spreadOver(worker, g.pool.Scratch(worker, g.copyRoom(to-from)), fields, from, to)
}

// spreadOver is spread with room for copies.
func (g *winogradGradient) spreadOver(worker int, buffer []float32, fields *[2]field, from, to int) {
	s := g.each.transform(worker, g.in, g.f.lanes)
	g.seen.transform(s, g.f.input, &fields[0], g.x, buffer, from, to)
	s = g.each.transform(worker, g.out, g.f.lanes)
	g.results.transform(s, g.f.slope, &fields[1], g.dy, buffer, from, to)
	*s = strip{}
}

// multiply adds the product of the fields at a point, of n patches, to its sum, or
// begins it.
func (g *winogradGradient) multiply(worker int, fields *[2]field, sums []float32, point, n int, begin bool) {
	t := &g.pool.workers[worker].tile
	x, dy := &fields[0], &fields[1]
	t.aRow, t.aK, t.k, t.segs = 4, uintptr(4*g.in), n, 1
	t.bK, t.cRow = uintptr(4*g.out), uintptr(4*g.pitch)
	t.alpha, t.beta = 1, keep(!begin)
	tiles := (g.in + g.lv.rows - 1) / g.lv.rows
	for col := 0; col < g.out; col += g.lv.cols {
		kernels := g.lv.kernels(t, min(g.lv.cols, g.out-col))
		t.b = &dy.data[point*dy.pitch+col]
		for i := range tiles {
			r0, r1 := share(g.in, i, tiles, 1)
			t.rows = r1 - r0
			t.a = &x.data[point*x.pitch+r0]
			t.c = &sums[(point*g.in+r0)*g.pitch+col]
			kernels[t.rows](t)
		}
	}
	*t = tile{}
}

// reducePart adds up the sums of some input channels, transforms them into the
// gradients of filters and puts these in their places.
func (g *winogradGradient) reducePart(part, worker int) {
	from := part * reduceChannels
	to := min(from+reduceChannels, g.in)
	n := (to - from) * g.pitch
	plane := g.in * g.pitch
	t := &g.pool.workers[worker].tile
	for i := 1; i < g.parts; i++ {
		for point := range points {
			at := point*plane + from*g.pitch
			g.lv.addTo(t, g.points[at:][:n], g.points[i*points*plane+at:][:n])
		}
	}
	s := g.each.transform(worker, n, g.f.lanes)
	s.x, s.y = &g.points[from*g.pitch], &g.sums[from*g.pitch]
	s.xPixel, s.xRow = uintptr(4*plane), uintptr(winogradIn*4*plane)
	s.yPixel, s.yRow = uintptr(4*plane), uintptr(4*g.f.taps*plane)
	g.f.filterSlope(s)
	*s = strip{}
	for i := from; i < to; i++ {
		g.write(0, i)
	}
}
