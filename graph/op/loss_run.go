package op

import "onnxcompress/runtime/kernel"

// losing is a loss for scores [batch, classes, ...]: rows are the places that
// have a class each, area how many of them a sample has.
type losing struct {
	rows, classes, area int
	softmax             bool // of the scores is taken first
	reduction           string
	ignored             int64
	ignores, weighed    bool
	// total is the weight of all places, loss the result of the last call.
	total, loss float64
}

func compileLoss(softmax bool) func(n *Node) (*Routine, error) {
	return func(n *Node) (*Routine, error) {
		if !floats(n, 0) || !indexed(n, 1) || n.Has(2) && !floats(n, 2) {
			return nil, nil
		}
		x := n.In[0].Shape
		if len(x) < 2 || product(x) == 0 || product(n.In[1].Shape)*x[1] != product(x) || n.Has(2) && product(n.In[2].Shape) != x[1] {
			return nil, nil
		}
		ignored, ignores := n.Attrs["ignore_index"]
		l := &losing{
			rows: int(product(n.In[1].Shape)), classes: int(x[1]), area: int(product(x[2:])), softmax: softmax,
			reduction: n.Attrs.Str("reduction", "mean"), ignored: ignored.Int, ignores: ignores, weighed: n.Has(2),
		}
		if l.reduction != "none" && l.reduction != "sum" && l.reduction != "mean" {
			return nil, nil
		}
		return l.routine(), nil
	}
}

// routine keeps the logarithms of the shares, a row for each place.
func (l *losing) routine() *Routine {
	size, block := l.rows*l.classes, l.classes*l.area
	r := &Routine{KeepIn: []int{1}, State: size, Scratch: size}
	if l.weighed {
		r.KeepIn = append(r.KeepIn, 2)
	}
	samples := l.rows / l.area
	scores := shared(samples, 4*block, func(f *Frame, _, lo, hi int) {
		for i := lo; i < hi; i++ {
			rows := f.State[i*block : (i+1)*block]
			kernel.Transpose(rows, f.X(0)[i*block:(i+1)*block], l.classes, l.area, l.classes, l.area)
			if l.softmax {
				kernel.LogSoftmax(rows, rows, l.classes)
			}
			if l.softmax && len(f.Out) > 1 && f.Out[1] != nil {
				kernel.Transpose(f.Y(1)[i*block:(i+1)*block], rows, l.area, l.classes, l.area, l.classes)
			}
		}
	})
	back := shared(samples, 4*block, func(f *Frame, _, lo, hi int) {
		for i := lo; i < hi; i++ {
			d := f.Scratch[i*block : (i+1)*block]
			if l.softmax {
				kernel.LogSoftmaxGrad(d, d, f.State[i*block:(i+1)*block], l.classes)
			}
			kernel.Transpose(f.DIn[0].Float32s()[i*block:(i+1)*block], d, l.area, l.classes, l.area, l.classes)
		}
	})
	r.Forward = func(f *Frame) {
		scores(f)
		l.forward(f)
	}
	r.Backward = func(f *Frame) {
		if len(f.DIn) > 2 && f.DIn[2] != nil {
			l.weights(f)
		}
		if f.DIn[0] != nil {
			l.start(f, samples, block)
			back(f)
		}
	}
	return r
}

// class is that of a row; ok is false where it does not count.
func (l *losing) class(f *Frame, row int) (class int, weight float64, ok bool) {
	k := f.In[1].IntAt(row)
	switch {
	case l.ignores && k == l.ignored:
		return 0, 0, false
	case k < 0 || k >= int64(l.classes):
		f.Fail("there is no class %d", k)
		return 0, 0, false
	}
	class, weight = int(k), 1
	if l.weighed {
		weight = float64(f.X(2)[class])
	}
	return class, weight, true
}

func (l *losing) forward(f *Frame) {
	sum, each := 0.0, l.reduction == "none"
	l.total = 0
	for row := range l.rows {
		class, weight, ok := l.class(f, row)
		loss := 0.0
		if ok {
			loss = -weight * float64(f.State[row*l.classes+class])
		}
		l.total += weight
		if sum += loss; each {
			f.Y(0)[row] = float32(loss)
		}
	}
	if l.reduction == "mean" {
		sum /= l.total
	}
	if l.loss = sum; !each {
		f.Y(0)[0] = float32(sum)
	}
}

// slope is that of the result by the loss of a row.
func (l *losing) slope(f *Frame, row int) float64 {
	if operand(f.DOut, 0) == nil {
		return 0
	}
	dy := f.DOut[0].Float32s()
	switch l.reduction {
	case "none":
		return float64(dy[row])
	case "mean":
		return float64(dy[0]) / l.total
	}
	return float64(dy[0])
}

// start sets the gradients of the logarithms.
func (l *losing) start(f *Frame, samples, block int) {
	d := f.Scratch[:l.rows*l.classes]
	if shares := operand(f.DOut, 1); shares != nil && l.softmax {
		for i := range samples {
			kernel.Transpose(d[i*block:(i+1)*block], shares.Float32s()[i*block:(i+1)*block], l.classes, l.area, l.classes, l.area)
		}
	} else {
		clear(d)
	}
	for row := range l.rows {
		if class, weight, ok := l.class(f, row); ok {
			d[row*l.classes+class] -= float32(weight * l.slope(f, row))
		}
	}
}

// weights gives the gradient of the classes' weights, which a mean is divided by
// as well.
func (l *losing) weights(f *Frame) {
	d := zeroed(f.DIn[2].Float32s())
	for row := range l.rows {
		class, _, ok := l.class(f, row)
		if !ok {
			continue
		}
		loss := -float64(f.State[row*l.classes+class])
		if l.reduction == "mean" {
			loss -= l.loss
		}
		d[class] += float32(loss * l.slope(f, row))
	}
}
