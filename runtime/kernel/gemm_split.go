package kernel

const (
	// splitDepth is the fewest steps of k that a part of a sum has.
	splitDepth = 1024
	// splitFloats is the most memory, in numbers, for the parts of sums.
	splitFloats = 1 << 22
)

// split is into how many parts the sums are divided: 1 unless C is small beside
// the length of its sums, as the gradient of a convolution's weights is.
func (g *product) split(threads int) int {
	if g.panels != nil || g.b.ColStride != 1 && g.n > 1 || g.m*g.n == 0 || g.k < 4*max(g.m, g.n) {
		return 1
	}
	return max(min(2*threads, g.k/splitDepth, splitFloats/(g.m*g.n)), 1)
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

// reducePart adds the parts of one row, in order, to C.
func (s *products) reducePart(i, _ int) {
	g := &s.now
	size := g.m * g.n
	sum := s.partial.data[i*g.n:][:g.n]
	for part := 1; part < s.split; part++ {
		for j, x := range s.partial.data[part*size+i*g.n:][:g.n] {
			sum[j] += x
		}
	}
	c := g.c.row(i, 0, g.n)
	for j, x := range sum {
		if g.beta != 0 {
			x += g.beta * c[j]
		}
		if g.bias != nil {
			x += g.bias[j]
		}
		if g.res.Data != nil {
			x += g.res.Data[i*g.res.RowStride+j]
		}
		c[j] = x
	}
	if g.act != nil {
		g.act(c)
	}
}
