package op

import "math"

// gridding is a GridSample node of fixed shapes.
type gridding struct {
	lattice
	*gridSampling
	channels, size, places int
	near, to               raster
}

// together is how many channels are computed at once where places are looked up
// again for others.
const together = 32

// layoutSample: the grid stays as it is.
func layoutSample(n *Node) (Layout, bool) {
	l, ok := layoutAlike(n)
	l.Prefers = ok && n.In[0].Rank() == 4
	return l, ok
}

func compileGridSample(n *Node) (*Routine, error) {
	if !floats(n, 0, 1) {
		return nil, nil
	}
	x, out := n.In[0].Shape, n.Out[0].Shape
	s, err := newGridSampling(n, x)
	if err != nil {
		return nil, err
	}
	count := int(product(x[:1]) * product(out[2:]))
	if s.from != 0 || len(s.sizes) > mostAxes || n.In[1].Shape[0] != x[0] || product(x) == 0 {
		return nil, nil
	}
	g := &gridding{gridSampling: s, channels: int(x[1]), size: int(product(x[2:])), places: int(product(out[2:]))}
	g.lattice = lattice{sizes: s.sizes, outside: s.outside, whole: s.nearest}
	g.near, g.to = rasterOf(g.channels, g.size, n.Last), rasterOf(g.channels, g.places, n.Last)
	chunks := (g.channels + together - 1) / together
	r := &Routine{KeepIn: []int{0, 1}, Adds: true}
	r.Forward = shared(count, 4*g.channels+32, g.forward)
	data := shared(int(x[0])*chunks, g.places*4*together, func(f *Frame, _, lo, hi int) {
		for i := lo; i < hi; i++ {
			g.give(f, i/chunks, i%chunks*together)
		}
	})
	grid := shared(count, 8*g.channels+32, g.gradient)
	r.Backward = func(f *Frame) {
		if f.DIn[0] != nil {
			f.begin(0, true)
			data(f)
		}
		if f.DIn[1] != nil {
			grid(f)
		}
	}
	return r, nil
}

// look finds what is around place i of all samples' and how fast it moves with
// the grid.
func (g *gridding) look(f *Frame, i int, a *around) (speed [mostAxes]float64) {
	rank := len(g.lattice.sizes)
	at := f.X(1)[i*rank : (i+1)*rank]
	var place [mostAxes]float64
	for axis := range rank {
		x := float64(at[rank-1-axis])
		place[axis] = g.place(x, axis)
		speed[axis] = g.speed(x, axis)
	}
	g.find(a, place[:rank])
	return speed
}

// speed is the slope of place.
func (g *gridding) speed(x float64, axis int) float64 {
	low, high := g.border(axis)
	slope, size := (high-low)/2, float64(g.lattice.sizes[axis])
	x = low + (x+1)/2*(high-low)
	switch {
	case g.nearest:
		return 0
	case x >= low && x <= high:
		return slope
	case g.padding == "border":
		return 0
	case g.padding != "reflection":
		return choose(x > -3 && x < size+2, slope, 0)
	case high <= low:
		return 0
	}
	if math.Mod(math.Abs(x-low), 2*(high-low)) > high-low {
		slope = -slope
	}
	return choose(x < low, -slope, slope)
}

// sample is sample b of what has so many elements.
func (g *gridding) sample(x []float32, b, size int) []float32 {
	n := g.channels * size
	return x[b*n : (b+1)*n]
}

func (g *gridding) forward(f *Frame, _, lo, hi int) {
	var a around
	for i := lo; i < hi; i++ {
		b, p := i/g.places, i%g.places
		g.look(f, i, &a)
		g.near.read(g.sample(f.Y(0), b, g.places)[p*g.to.place:], g.sample(f.X(0), b, g.size), &a, g.to, 0, g.channels)
	}
}

// give is the gradient of some channels of sample b, from one on.
func (g *gridding) give(f *Frame, b, first int) {
	var a around
	dx, dy := g.sample(f.DIn[0].Float32s(), b, g.size), g.sample(f.DOut[0].Float32s(), b, g.places)
	for p := range g.places {
		g.look(f, b*g.places+p, &a)
		g.near.give(dx, dy[p*g.to.place:], &a, g.to, first, min(first+together, g.channels))
	}
}

// gradient is that of the grid's places lo to hi.
func (g *gridding) gradient(f *Frame, _, lo, hi int) {
	var a around
	rank, dgrid := len(g.lattice.sizes), f.DIn[1].Float32s()
	for i := lo; i < hi; i++ {
		b, p := i/g.places, i%g.places
		speed := g.look(f, i, &a)
		x, dy := g.sample(f.X(0), b, g.size), g.sample(f.DOut[0].Float32s(), b, g.places)[p*g.to.place:]
		for axis := range rank {
			d := float32(speed[axis] * g.near.lean(dy, x, &a, g.to, axis, 0, g.channels))
			to := &dgrid[i*rank+rank-1-axis]
			if f.Add[1] {
				d += *to
			}
			*to = d
		}
	}
}
