package op

import (
	"math"

	"onnxcompress/runtime/kernel"
)

// groupNorm normalises groups of channels of each sample; channels share
// scale and shift in runs of share.
type groupNorm struct {
	batch, channels, groups, area, share int
	eps                                  float64
}

func compileGroups(groupsOf func(n *Node, channels int64) int64) func(*Node) (*Routine, error) {
	return func(n *Node) (*Routine, error) {
		if !floats(n, 0, 1, 2) || n.In[0].Rank() < 2 {
			return nil, nil
		}
		x, scales := n.In[0].Shape, n.In[1].Shape
		groups := groupsOf(n, x[1])
		if groups < 1 || x[1]%groups != 0 || len(scales) != 1 || scales[0] < 1 || x[1]%scales[0] != 0 || scales[0] != product(n.In[2].Shape) {
			return nil, nil
		}
		g := &groupNorm{int(x[0]), int(x[1]), int(groups), int(product(x[2:])), int(x[1] / scales[0]), epsilon(n)}
		return g.routine(n.Last), nil
	}
}

func (g *groupNorm) routine(last bool) *Routine {
	count := g.batch * g.groups
	r := &Routine{KeepIn: []int{0, 1}, State: 2 * count, Scratch: 2 * g.batch * g.channels}
	if last && g.channels*g.area > 0 {
		l := newLastGroups(g)
		r.Scratch, r.Forward, r.Backward = l.scratch(), l.forward, l.backward
		return r
	}
	each := g.channels / g.groups * g.area
	backward := shared(count, 4*each, g.backward)
	r.Forward = shared(count, 2*each, g.forward)
	if each == 0 {
		r.Forward, backward = func(*Frame) {}, func(f *Frame) { clear(f.Scratch) }
	}
	r.Backward = func(f *Frame) {
		backward(f)
		g.parameters(f)
	}
	return r
}

// moments are the means and the inverse deviations that Forward leaves.
func (g *groupNorm) moments(f *Frame) (mean, inv []float32) {
	count := g.batch * g.groups
	return f.State[:count], f.State[count:]
}

// sums are, for every channel of every sample, the sum of the gradient and that
// of its products with what is normalised.
func (g *groupNorm) sums(f *Frame) (plain, product []float32) {
	count := g.batch * g.channels
	return f.Scratch[:count], f.Scratch[count : 2*count]
}

func (g *groupNorm) forward(f *Frame, _, lo, hi int) {
	mean, inv := g.moments(f)
	each := g.channels / g.groups
	scale, shift := f.X(1), f.X(2)
	for i := lo; i < hi; i++ {
		size := each * g.area
		x, y := f.X(0)[i*size:(i+1)*size], f.Y(0)[i*size:(i+1)*size]
		mean[i] = float32(kernel.Sum(x) / float64(size))
		kernel.AddScalar(y, x, -mean[i])
		inv[i] = float32(1 / math.Sqrt(kernel.SumSquares(y)/float64(size)+g.eps))
		for c := range each {
			k := (i%g.groups*each + c) / g.share
			part := y[c*g.area : (c+1)*g.area]
			kernel.ScaleShift(part, part, inv[i]*scale[k], shift[k])
		}
	}
}

func (g *groupNorm) backward(f *Frame, _, lo, hi int) {
	mean, inv := g.moments(f)
	plain, product := g.sums(f)
	each, scale := g.channels/g.groups, f.X(1)
	for i := lo; i < hi; i++ {
		first := i * each
		for c := first; c < first+each; c++ {
			x, dy := f.X(0)[c*g.area:(c+1)*g.area], f.DOut[0].Float32s()[c*g.area:(c+1)*g.area]
			sum := kernel.Sum(dy)
			plain[c] = float32(sum)
			product[c] = float32((kernel.Dot(dy, x) - float64(mean[i])*sum) * float64(inv[i]))
		}
		if f.DIn[0] == nil {
			continue
		}
		b, shift := g.common(plain[first:first+each], product[first:first+each], scale, i, mean[i], inv[i])
		for c := first; c < first+each; c++ {
			x, dy := f.X(0)[c*g.area:(c+1)*g.area], f.DOut[0].Float32s()[c*g.area:(c+1)*g.area]
			dx := f.DIn[0].Float32s()[c*g.area : (c+1)*g.area]
			kernel.ScaleShift(dx, x, b, shift)
			kernel.Axpy(dx, dy, inv[i]*scale[c%g.channels/g.share])
		}
	}
}

// common is what the gradients of all elements of group i have in common: the
// factor of the element and the number that is added.
func (g *groupNorm) common(plain, product, scale []float32, i int, mean, inv float32) (factor, shift float32) {
	sum, dot, each := 0.0, 0.0, len(plain)
	for c := range plain {
		s := float64(scale[(i%g.groups*each+c)/g.share])
		sum += s * float64(plain[c])
		dot += s * float64(product[c])
	}
	size := float64(each * g.area)
	f := -float64(inv) * float64(inv) * dot / size
	return float32(f), float32(-float64(inv)*sum/size - float64(mean)*f)
}

// parameters sums the gradients of scale and shift over samples.
func (g *groupNorm) parameters(f *Frame) {
	plain, product := g.sums(f)
	for slot, list := range [][]float32{1: product, 2: plain} {
		if slot == 0 || f.DIn[slot] == nil {
			continue
		}
		d := f.begin(slot, true)
		for c, v := range list {
			d[c%g.channels/g.share] += v
		}
	}
}
