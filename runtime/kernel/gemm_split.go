package kernel

const (
	// splitDepth is the fewest steps of k that a part of a sum has.
	splitDepth = 256
	// splitFloats is the most memory, in numbers, for the parts of sums.
	splitFloats = 1 << 22
)

// split is into how many parts the sums are divided: 1 unless C is small beside
// the length of its sums, as the gradient of a convolution's weights is. Then a
// worker reads whole lines of A and B, and reads them once.
func (g *product) split(threads int) int {
	if g.panels != nil || g.b.ColStride != 1 && g.n > 1 || g.m*g.n == 0 || g.k < 4*max(g.m, g.n) {
		return 1
	}
	parts := min(2*threads, g.k/splitDepth, splitFloats/(g.m*g.n))
	tiles := ((g.m + g.lv.rows - 1) / g.lv.rows) * ((g.n + g.lv.cols - 1) / g.lv.cols)
	if parts < min(threads, tiles) {
		return 1
	}
	return max(parts, 1)
}

// sumPart computes A·B over one run of k to memory of its own.
func (s *products) sumPart(w *worker, part int) {
	g := s.now
	size := g.m * g.n
	g.c = Dense(s.partial.data[part*size:][:size], g.m, g.n)
	k0, k1 := share(g.k, part, s.split, 8)
	g.a = g.a.part(0, g.m, k0, k1)
	g.b = g.b.part(k0, k1, 0, g.n)
	g.k = k1 - k0
	g.beta, g.bias, g.res, g.act = 0, nil, Matrix{}, nil
	g.runOn(w)
}

// reducePart adds the parts of a run of rows, in order, to C.
func (s *products) reducePart(w *worker, part, parts int) {
	g := &s.now
	size := g.m * g.n
	from, to := share(g.m, part, parts, 1)
	// A product of nothing, to which each part is the residual.
	sum := &w.now
	*sum = *g
	sum.alpha, sum.k, sum.a, sum.b = 1, 0, Matrix{Rows: g.m}, Matrix{}
	sum.bias, sum.act = nil, nil
	for i := range s.split {
		sum.res = Dense(s.partial.data[i*size:][:size], g.m, g.n)
		sum.area(w, from, to, 0, g.n, 0, 0)
		sum.beta = 1
	}
	if g.bias != nil || g.res.Data != nil || g.act != nil {
		sum.bias, sum.res, sum.act = g.bias, g.res, g.act
		sum.area(w, from, to, 0, g.n, 0, 0)
	}
	w.forget()
}
