package op

import (
	"errors"
	"math"

	"onnxcompress/graph/tensor"
)

// pooling goes over the windows of a plane of up to three axes.
type pooling struct {
	data, places [3]int
	axes         [3]sliding
	// after is the padding behind each axis.
	after [3]int64
}

// newPooling reads how windows slide; missing axes in front have size 1.
func newPooling(n *Node, shape, out []int64) (*pooling, error) {
	spatial, err := spatialOf(shape)
	if err != nil {
		return nil, err
	}
	if len(spatial) > 3 {
		return nil, errors.New("pools over more than three axes")
	}
	w, err := windowsOf(n, spatial, n.Attrs.Ints("kernel_shape"))
	if err != nil {
		return nil, err
	}
	p := &pooling{}
	for i := range p.axes {
		p.axes[i] = sliding{1, 1, 1, 0, 1, 1}
		if at := i + len(spatial) - 3; at >= 0 {
			p.axes[i] = sliding{w.kernel[at], w.strides[at], w.dilations[at], w.before[at], spatial[at], out[2+at]}
			p.after[i] = w.after[at]
		}
		p.data[i], p.places[i] = int(p.axes[i].data), int(p.axes[i].places)
	}
	return p, nil
}

// windowRun is the elements of the data that a window finds along one axis: count of
// them from first on, step apart.
type windowRun struct{ first, count, step int }

// window is what place o finds.
func (a *sliding) window(o int) windowRun {
	start, first := int64(o)*a.stride-a.before, int64(0)
	if start < 0 {
		first = (-start + a.dilation - 1) / a.dilation
	}
	end := min(a.kernel, max((a.data-start+a.dilation-1)/a.dilation, 0))
	return windowRun{int(start + first*a.dilation), int(max(end-first, 0)), int(a.dilation)}
}

// padded is how many taps at place o lie on data or padding.
func (a *sliding) padded(o int, after int64) int64 {
	start := int64(o)*a.stride - a.before
	return min(a.kernel, max((a.data+after-start+a.dilation-1)/a.dilation, 0))
}

// each calls visit for every place of a plane with the elements of its window,
// as their positions in the plane.
func (p *pooling) each(visit func(place int, window []int)) {
	place, window := 0, []int{}
	for d := range p.places[0] {
		x := p.axes[0].window(d)
		for h := range p.places[1] {
			y := p.axes[1].window(h)
			for w := range p.places[2] {
				z := p.axes[2].window(w)
				window = window[:0]
				for i := range x.count {
					for j := range y.count {
						at := ((x.first+i*x.step)*p.data[1]+y.first+j*y.step)*p.data[2] + z.first
						for range z.count {
							window = append(window, at)
							at += z.step
						}
					}
				}
				visit(place, window)
				place++
			}
		}
	}
}

// planes are the numbers of batch and channels, and of the elements of each.
func planes(shape []int64) (count, size int) {
	return int(product(shape[:2])), int(product(shape[2:]))
}

// forwardPool makes one number of each window by a reduction.
func forwardPool(reduction func(n *Node, p *pooling) func(place int, v []float64) float64) func(*Node, []*tensor.Tensor) ([]*tensor.Tensor, error) {
	return func(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
		seen, facts, err := settled(n, in, inferPool)
		if err != nil {
			return nil, err
		}
		p, err := newPooling(seen, in[0].Shape, facts[0].Shape)
		if err != nil {
			return nil, err
		}
		x, err := reals(in[0])
		if err != nil {
			return nil, err
		}
		count, size := planes(in[0].Shape)
		_, places := planes(facts[0].Shape)
		number, y, v := reduction(n, p), make([]float64, count*places), []float64{}
		for i := range count {
			from, to := x[i*size:][:size], y[i*places:][:places]
			p.each(func(place int, window []int) {
				v = v[:0]
				for _, at := range window {
					v = append(v, from[at])
				}
				to[place] = number(place, v)
			})
		}
		return result(&facts[0], y)
	}
}

// average divides by the taps on data, or by those on data and padding.
func average(n *Node, p *pooling) func(place int, v []float64) float64 {
	if n.Attrs.Int("count_include_pad", 0) == 0 {
		return func(_ int, v []float64) float64 { return meanOf(v) }
	}
	return func(place int, v []float64) float64 {
		size := int64(1)
		for i := 2; i >= 0; i-- {
			size *= p.axes[i].padded(place%p.places[i], p.after[i])
			place /= p.places[i]
		}
		return sumOf(v) / float64(size)
	}
}

// lpPool is the norm of the elements of a window.
func lpPool(n *Node, _ *pooling) func(place int, v []float64) float64 {
	norm := lpNorm(n)
	return func(_ int, v []float64) float64 { return norm(v) }
}

// lpNorm is the norm that attribute p names.
func lpNorm(n *Node) func(v []float64) float64 {
	p := float64(n.Attrs.Int("p", 2))
	return func(v []float64) float64 { return normOf(v, p) }
}

// normOf is the p-th root of the sum of p-th powers.
func normOf(v []float64, p float64) float64 {
	switch p {
	case 1:
		return sumOfAbs(v)
	case 2:
		return rootOfSquares(v)
	}
	s := 0.0
	for _, x := range v {
		s += math.Pow(math.Abs(x), p)
	}
	return math.Pow(s, 1/p)
}

// forwardMaxPool gives the maxima and where they are in the whole tensor.
func forwardMaxPool(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	seen, facts, err := settled(n, in, inferMaxPool)
	if err != nil {
		return nil, err
	}
	p, err := newPooling(seen, in[0].Shape, facts[0].Shape)
	if err != nil {
		return nil, err
	}
	x, err := reals(in[0])
	if err != nil {
		return nil, err
	}
	count, size := planes(in[0].Shape)
	_, places := planes(facts[0].Shape)
	y, where := make([]float64, count*places), make([]int64, count*places)
	columns := n.Attrs.Int("storage_order", 0) != 0
	for i := range count {
		from := x[i*size:][:size]
		p.each(func(place int, window []int) {
			top, at := math.Inf(-1), -1
			for _, k := range window {
				if from[k] > top || at < 0 {
					top, at = from[k], k
				}
			}
			if columns {
				at = p.byColumn(at)
			}
			y[i*places+place], where[i*places+place] = top, int64(i*size+at)
		})
	}
	t, err := rounded(facts[0].DType, facts[0].Shape, y)
	return []*tensor.Tensor{t, tensor.FromInt64s(facts[1].Shape, where)}, err
}

// byColumn is a position in a plane counted with the first axis running fastest.
func (p *pooling) byColumn(at int) int {
	w, h, d := at%p.data[2], at/p.data[2]%p.data[1], at/(p.data[2]*p.data[1])
	return d + (h+w*p.data[1])*p.data[0]
}

// forwardGlobalPool makes one number of each plane.
func forwardGlobalPool(reduction func(n *Node) func(v []float64) float64) func(*Node, []*tensor.Tensor) ([]*tensor.Tensor, error) {
	return func(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
		_, facts, err := settled(n, in, inferGlobalPool)
		if err != nil {
			return nil, err
		}
		x, err := reals(in[0])
		if err != nil {
			return nil, err
		}
		count, size := planes(in[0].Shape)
		if size == 0 {
			return nil, errors.New("reduces an axis of no elements")
		}
		y, number := make([]float64, count), reduction(n)
		for i := range y {
			y[i] = number(x[i*size:][:size])
		}
		return result(&facts[0], y)
	}
}

// wholeOf is a reduction without attributes.
func wholeOf(f func([]float64) float64) func(*Node) func([]float64) float64 {
	return func(*Node) func([]float64) float64 { return f }
}

// forwardMaxUnpool puts elements back to where a MaxPool found them. Under
// output_shape positions count in that shape, as MaxPool makes them and
// onnxruntime reads them, or, as ONNX's own case has it, in the shape without it:
// where each lies in its window there, and not in the other, that is the one.
func forwardMaxUnpool(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	_, facts, err := settled(n, in, inferMaxUnpool)
	if err != nil {
		return nil, err
	}
	x, err := reals(in[0])
	if err != nil {
		return nil, err
	}
	where := in[1].AsInt64s()
	if len(where) != len(x) {
		return nil, errors.New("the positions are no whole numbers")
	}
	shape := facts[0].Shape
	counted := shape
	if n.Has(2) {
		plain := *n
		plain.In = []*Fact{n.In[0], n.In[1]}
		if f, err := inferMaxUnpool(&plain); err == nil && nowhereLarger(f[0].Shape, shape) && inWindows(n, f[0].Shape, where) && !inWindows(n, shape, where) {
			counted = f[0].Shape
		}
	}
	y, size, from := make([]float64, product(shape)), product(counted), strides(counted)
	for i, at := range where {
		if at < 0 || at >= size {
			return nil, errors.New("a position is out of range")
		}
		place, step := int64(0), strides(shape)
		for axis := range shape {
			place += at / from[axis] % counted[axis] * step[axis]
		}
		y[place] = x[i]
	}
	return result(&facts[0], y)
}

// nowhereLarger reports whether a shape is nowhere larger than another of its rank.
func nowhereLarger(a, b []int64) bool {
	for axis, d := range a {
		if d > b[axis] {
			return false
		}
	}
	return true
}

// inWindows reports whether the positions of a MaxUnpool, counted in a shape, lie
// each in the window that its element was the maximum of.
func inWindows(n *Node, shape, where []int64) bool {
	in := n.In[0].Shape
	w, err := windowsOf(n, in[2:], n.Attrs.Ints("kernel_shape"))
	if err != nil {
		return false
	}
	own, step, size := strides(in), strides(shape), product(shape)
	for i, at := range where {
		if at < 0 || at >= size {
			return false
		}
		for axis := range in {
			index := int64(i) / own[axis] % in[axis]
			low, high := index, index
			if k := axis - 2; k >= 0 {
				low = index*w.strides[k] - w.before[k]
				high = low + w.kernel[k] - 1
			}
			if place := at / step[axis] % shape[axis]; place < low || place > high {
				return false
			}
		}
	}
	return true
}
