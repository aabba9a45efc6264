package op

import (
	"math"

	"onnxcompress/runtime/kernel"
)

// mostAxes bounds the axes of what is sampled by routines.
const mostAxes = 3

// lattice is a grid of numbers that is read between its elements, linearly along
// each of its axes.
type lattice struct {
	sizes []int
	// outside gives the element that stands for one beside an axis, negative
	// where that is zero.
	outside func(i, axis int) int
	// whole says that places are elements.
	whole bool
}

// around are the elements around a place, with their weights and the slopes of
// these along each axis.
type around struct {
	count  int
	at     [1 << mostAxes]int
	weight [1 << mostAxes]float32
	slope  [mostAxes][1 << mostAxes]float32
}

// find fills in the elements around a place.
func (l *lattice) find(a *around, place []float64) {
	a.count = 0
	corners := 1 << len(l.sizes)
	if l.whole {
		corners = 1
	}
	var part [mostAxes]float64
	for c := range corners {
		at, inside := 0, true
		for axis, x := range place {
			floor := math.Floor(x)
			i := int(floor) + c>>axis&1
			if part[axis] = 1 - (x - floor); c>>axis&1 == 1 {
				part[axis] = x - floor
			}
			if i < 0 || i >= l.sizes[axis] {
				i = l.outside(i, axis)
			}
			inside = inside && i >= 0
			at = at*l.sizes[axis] + i
		}
		if !inside {
			continue
		}
		k, weight := a.count, 1.0
		for axis := range place {
			weight *= part[axis]
			slope := float64(c>>axis&1)*2 - 1
			for other := range place {
				if other != axis {
					slope *= part[other]
				}
			}
			a.slope[axis][k] = float32(slope)
		}
		a.at[k], a.weight[k] = at, float32(weight)
		a.count++
	}
}

// raster is how the channels of places lie in memory: one place's and one
// channel's numbers are so far apart.
type raster struct{ place, channel int }

func rasterOf(channels, size int, last bool) raster {
	if last {
		return raster{channels, 1}
	}
	return raster{1, size}
}

// read sets y, of places that lie as in to, to channels from to before end of what
// is around a place of x.
func (m raster) read(y, x []float32, a *around, to raster, from, end int) {
	if m.channel == 1 && to.channel == 1 {
		y = y[from:end]
		if a.count == 0 {
			clear(y)
		}
		for k := range a.count {
			if run := x[a.at[k]*m.place+from:][:len(y)]; k == 0 {
				kernel.MulScalar(y, run, a.weight[k])
			} else {
				kernel.Axpy(y, run, a.weight[k])
			}
		}
		return
	}
	for c := from; c < end; c++ {
		sum, at := float32(0), c*m.channel
		for k := range a.count {
			sum += a.weight[k] * x[a.at[k]*m.place+at]
		}
		y[c*to.channel] = sum
	}
}

// give adds to what is around a place its share of dy.
func (m raster) give(dx, dy []float32, a *around, to raster, from, end int) {
	if m.channel == 1 && to.channel == 1 {
		for k := range a.count {
			kernel.Axpy(dx[a.at[k]*m.place+from:][:end-from], dy[from:end], a.weight[k])
		}
		return
	}
	for c := from; c < end; c++ {
		d, at := dy[c*to.channel], c*m.channel
		for k := range a.count {
			dx[a.at[k]*m.place+at] += a.weight[k] * d
		}
	}
}

// lean is the slope along an axis of channels from to before end, each times dy.
func (m raster) lean(dy, x []float32, a *around, to raster, axis, from, end int) float64 {
	sum := 0.0
	if m.channel == 1 && to.channel == 1 {
		for k := range a.count {
			sum += float64(a.slope[axis][k]) * kernel.Dot(dy[from:end], x[a.at[k]*m.place+from:][:end-from])
		}
		return sum
	}
	for c := from; c < end; c++ {
		slope, at := float32(0), c*m.channel
		for k := range a.count {
			slope += a.slope[axis][k] * x[a.at[k]*m.place+at]
		}
		sum += float64(slope) * float64(dy[c*to.channel])
	}
	return sum
}
