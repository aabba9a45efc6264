package op

import (
	"onnxcompress/runtime/kernel"
)

// deforming is a DeformConv node of fixed shapes: what the taps of a sample find
// is a matrix [channels·taps, places], by which the weights are multiplied.
type deforming struct {
	lattice
	win                            windows
	out                            []int64
	batch, channels, filters       int
	groups, shares                 int
	data, places, taps             int
	near, patch                    raster
	sample                         int // whose patches are in Scratch
	read, slopes, give             func(*Frame)
	hasBias, hasMask, wantsOffsets bool
}

func compileDeformConv(n *Node) (*Routine, error) {
	for slot := range n.In {
		if n.Has(slot) && !floats(n, slot) {
			return nil, nil
		}
	}
	x, w, out := n.In[0].Shape, n.In[1].Shape, n.Out[0].Shape
	win, err := windowsOf(n, x[2:], w[2:])
	if err != nil {
		return nil, err
	}
	d := &deforming{
		win: win, out: out, batch: int(x[0]), channels: int(x[1]), filters: int(out[1]),
		groups: int(n.Attrs.Int("group", 1)), shares: int(n.Attrs.Int("offset_group", 1)),
		data: int(product(x[2:])), places: int(product(out[2:])), taps: int(product(w[2:])), hasBias: n.Has(3), hasMask: n.Has(4),
	}
	rank := len(x) - 2
	if product(x) == 0 || product(out) == 0 || rank > mostAxes || d.shares < 1 || d.channels%d.shares != 0 {
		return nil, nil
	}
	each := out[0] * int64(d.shares*d.taps*d.places)
	if product(n.In[2].Shape) != each*int64(rank) || d.hasMask && product(n.In[4].Shape) != each || d.hasBias && product(n.In[3].Shape) != out[1] {
		return nil, nil
	}
	d.lattice = lattice{sizes: make([]int, rank), outside: nothing}
	for axis, size := range x[2:] {
		d.sizes[axis] = int(size)
	}
	d.near, d.patch = raster{1, d.data}, raster{1, d.taps * d.places}
	return d.routine(), nil
}

// patches is the number of elements of the matrix of a sample.
func (d *deforming) patches() int { return d.channels * d.taps * d.places }

func (d *deforming) routine() *Routine {
	spots, each := d.shares*d.taps*d.places, d.channels/d.shares
	chunks := (each + together - 1) / together
	d.read = shared(spots, 8*each+32, d.patchesOf)
	d.slopes = shared(spots, 16*each+32, d.offsets)
	d.give = shared(d.shares*chunks, spots*4*together, func(f *Frame, _, lo, hi int) {
		for i := lo; i < hi; i++ {
			d.scatter(f, i/chunks, i%chunks*together)
		}
	})
	keep := []int{0, 1, 2}
	if d.hasMask {
		keep = append(keep, 4)
	}
	return &Routine{KeepIn: keep, Scratch: 2 * d.patches(), Adds: true, Forward: d.forward, Backward: d.backward}
}

// look finds what is around a spot, numbered by share, tap and place, of the
// sample: where its offset and its factor are, and for which axes an offset moves
// it.
func (d *deforming) look(f *Frame, spot int, a *around) (offset int, factor float32, moves [mostAxes]bool) {
	rank, p, row := len(d.sizes), spot%d.places, spot/d.places+d.sample*d.shares*d.taps
	tap := spot / d.places % d.taps
	var place [mostAxes]float64
	left := p
	for axis := rank - 1; axis >= 0; axis-- {
		out, taps := int(d.out[2+axis]), int(d.win.kernel[axis])
		x := float64(int64(left%out)*d.win.strides[axis] - d.win.before[axis] + int64(tap%taps)*d.win.dilations[axis])
		left, tap = left/out, tap/taps
		x += float64(f.X(2)[(row*rank+axis)*d.places+p])
		place[axis] = max(min(x, float64(d.sizes[axis]+1)), -2)
		moves[axis] = place[axis] == x
	}
	d.find(a, place[:rank])
	if factor = 1; d.hasMask {
		factor = f.X(4)[row*d.places+p]
	}
	return row*rank*d.places + p, factor, moves
}

// shareOf is the part of a list that belongs to the share of a spot: of the data
// of the sample, or of its patches, from the spot on.
func (d *deforming) dataOf(x []float32, share int) []float32 {
	n := d.channels * d.data
	return x[d.sample*n+share*(n/d.shares) : (d.sample+1)*n]
}

func (d *deforming) patchOf(patch []float32, spot int) []float32 {
	share := spot / (d.taps * d.places)
	return patch[share*(d.channels/d.shares-1)*d.taps*d.places+spot : d.patches()]
}

func (d *deforming) patchesOf(f *Frame, _, lo, hi int) {
	var a around
	each := d.channels / d.shares
	for spot := lo; spot < hi; spot++ {
		_, factor, _ := d.look(f, spot, &a)
		for k := range a.count {
			a.weight[k] *= factor
		}
		d.near.read(d.patchOf(f.Scratch, spot), d.dataOf(f.X(0), spot/(d.taps*d.places)), &a, d.patch, 0, each)
	}
}

// products calls body for each group with its weights and rows of the patches and
// of what the sample gives.
func (d *deforming) products(f *Frame, y, patch, w []float32, body func(w, patch, y kernel.Matrix)) {
	inner, rows := d.channels/d.groups*d.taps, d.filters/d.groups
	for g := range d.groups {
		body(
			kernel.Dense(w[g*rows*inner:][:rows*inner], rows, inner),
			kernel.Dense(patch[g*inner*d.places:][:inner*d.places], inner, d.places),
			kernel.Dense(y[(d.sample*d.filters+g*rows)*d.places:][:rows*d.places], rows, d.places),
		)
	}
}

func (d *deforming) forward(f *Frame) {
	for d.sample = range d.batch {
		d.read(f)
		d.products(f, f.Y(0), f.Scratch, f.X(1), func(w, patch, y kernel.Matrix) {
			kernel.Gemm(f.Pool, 1, w, patch, 0, y, nil)
		})
	}
	if d.hasBias {
		for i := range d.batch * d.filters {
			row := f.Y(0)[i*d.places : (i+1)*d.places]
			kernel.AddScalar(row, row, f.X(3)[i%d.filters])
		}
	}
}

func (d *deforming) backward(f *Frame) {
	dy := f.DOut[0].Float32s()
	mask := operand(f.DIn, 4) != nil
	d.wantsOffsets = f.DIn[2] != nil
	if f.DIn[0] != nil {
		f.begin(0, true)
	}
	for d.sample = range d.batch {
		if f.DIn[1] != nil {
			d.read(f)
			beta := f.beta(1, d.sample)
			d.products(f, dy, f.Scratch, f.DIn[1].Float32s(), func(dw, patch, y kernel.Matrix) {
				kernel.Gemm(f.Pool, 1, y, patch.T(), beta, dw, nil)
			})
		}
		if f.DIn[0] == nil && !d.wantsOffsets && !mask {
			continue
		}
		d.products(f, dy, f.Scratch[d.patches():], f.X(1), func(w, dpatch, y kernel.Matrix) {
			kernel.Gemm(f.Pool, 1, w.T(), y, 0, dpatch, nil)
		})
		if d.wantsOffsets || mask {
			d.slopes(f)
		}
		if f.DIn[0] != nil {
			d.give(f)
		}
	}
	if d.hasBias && f.DIn[3] != nil {
		db := f.begin(3, true)
		for i := range d.batch * d.filters {
			db[i%d.filters] += float32(kernel.Sum(dy[i*d.places : (i+1)*d.places]))
		}
	}
}

// offsets gives the gradients of offsets and masks of spots lo to hi.
func (d *deforming) offsets(f *Frame, _, lo, hi int) {
	var a around
	each, taps := d.channels/d.shares, d.taps*d.places
	for spot := lo; spot < hi; spot++ {
		at, factor, moves := d.look(f, spot, &a)
		x, dp := d.dataOf(f.X(0), spot/taps), d.patchOf(f.Scratch[d.patches():], spot)
		for axis := range d.sizes {
			slope := 0.0
			if d.wantsOffsets && moves[axis] {
				slope = float64(factor) * d.near.lean(dp, x, &a, d.patch, axis, 0, each)
			}
			if d.wantsOffsets {
				put(f, 2, at+axis*d.places, float32(slope))
			}
		}
		if d.hasMask && f.DIn[4] != nil {
			a.slope[0] = a.weight
			put(f, 4, d.sample*d.shares*taps+spot, float32(d.near.lean(dp, x, &a, d.patch, 0, 0, each)))
		}
	}
}

// put sets an element of a gradient, or adds to it.
func put(f *Frame, slot, at int, v float32) {
	to := &f.DIn[slot].Float32s()[at]
	if f.Add[slot] {
		v += *to
	}
	*to = v
}

// scatter gives some channels of a share of the sample, from one on, their
// gradients.
func (d *deforming) scatter(f *Frame, share, first int) {
	var a around
	each, taps := d.channels/d.shares, d.taps*d.places
	end := min(first+together, each)
	dx := d.dataOf(f.DIn[0].Float32s(), share)
	for spot := share * taps; spot < (share+1)*taps; spot++ {
		_, factor, _ := d.look(f, spot, &a)
		for k := range a.count {
			a.weight[k] *= factor
		}
		d.near.give(dx, d.patchOf(f.Scratch[d.patches():], spot), &a, d.patch, first, end)
	}
}
