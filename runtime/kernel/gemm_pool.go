package kernel

// products is what a Pool keeps for its matrix products: the one that runs, and
// memory for those to come.
type products struct {
	now        product
	rows, cols int // blocks of the one that runs, or of rows of its sums
	split      int // parts of its sum
	batch      batch

	panels, partial buffer

	pack, compute, sum, reduce, items func(part, worker int)
}

func (s *products) init(p *Pool) {
	s.pack = s.packPart
	s.compute = func(part, worker int) {
		w := p.workers[worker]
		s.now.block(w, part/s.cols, s.rows, part%s.cols, s.cols)
		w.tile = tile{}
	}
	s.sum = func(part, worker int) { s.sumPart(p.workers[worker], part) }
	s.reduce = func(part, worker int) { s.reducePart(p.workers[worker], part, s.rows) }
	s.items = func(part, worker int) { s.batch.part(&s.now, p.workers[worker], part) }
}

// Work, in multiplications, below which a part, or all of it, is not worth
// sharing out: some microseconds.
const (
	partWork  = 1 << 17
	aloneWork = 1 << 18
)

// run computes g with all workers.
func (s *products) run(p *Pool, g *product) {
	threads := p.Threads()
	if threads == 1 || g.work() < aloneWork {
		g.runOn(p.workers[0])
		return
	}
	s.now = *g
	defer s.forget()
	g = &s.now
	if split := g.split(threads); split > 1 {
		s.split = split
		s.partial.get(split * g.m * g.n)
		p.Run(split, s.sum)
		s.rows = min(g.m, threads)
		p.Run(s.rows, s.reduce)
		return
	}
	s.rows, s.cols = g.grid(threads)
	if g.setPacking(s.rows) {
		g.panels = s.panels.get(panelsSize(g.lv, g.k, g.n))
		p.Run(packParts(g), s.pack)
	}
	p.Run(s.rows*s.cols, s.compute)
}

// forget lets go of the operands.
func (s *products) forget() { s.now = product{} }

// packDepth is how many rows of a panel are packed in one part.
const packDepth = 512

func packParts(g *product) int {
	return ((g.n + g.lv.cols - 1) / g.lv.cols) * ((g.k + packDepth - 1) / packDepth)
}

// packPart packs a run of rows of one panel.
func (s *products) packPart(part, _ int) {
	g := &s.now
	depths := (g.k + packDepth - 1) / packDepth
	j, k := part/depths*g.lv.cols, part%depths*packDepth
	g.lv.packPanels(g.panels, &g.b, j, min(j+g.lv.cols, g.n), k, min(k+packDepth, g.k))
}

// grid is into how many blocks of rows and of columns C is divided so that
// threads workers are all busy until the end, without parts too small to pay.
func (g *product) grid(threads int) (rows, cols int) {
	rows, cols = g.blocks()
	tiles := (g.m + g.lv.rows - 1) / g.lv.rows
	panels := (g.n + g.lv.cols - 1) / g.lv.cols
	most := max(g.work()/partWork, 1)
	for want := min(4*threads, most); rows*cols < want; {
		// Rather between rows: B is then read by all, and A by one.
		switch {
		case 2*rows <= tiles:
			rows *= 2
		case 2*cols <= panels:
			cols *= 2
		case rows < tiles:
			rows = tiles
		case cols < panels:
			cols = panels
		default:
			return rows, cols
		}
	}
	// Blocks that the caches ask for may be many more than workers need.
	for g.k <= g.depth() && rows > 8*threads && rows*cols > most {
		rows = (rows + 1) / 2
	}
	return rows, cols
}
