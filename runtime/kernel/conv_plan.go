package kernel

// axis is one axis of a correlation. Output i of count is first+i·step in its
// tensor; tap t of it reads origin+i·stride+t·dilation of the input, where what is
// outside the input's size is zero, and its weight is weight+t·weightStep.
type axis struct {
	count, first, step       int
	origin, stride, dilation int
	taps, weight, weightStep int
	size, outSize            int
}

// correlation is a sum over taps and channels for each of regular outputs. The
// forward pass is one; the gradient of x is one for each phase of the strides.
type correlation struct {
	batch, groups, in, out int // channels are those of a group
	axes                   [3]axis
	// The weight of input channel i and output channel o of group g is at
	// g·wGroup + i·wIn + o·wOut + its tap.
	wGroup, wIn, wOut int
	order             []int // the weights' taps in the order in which they are read
	wide              int   // adjacent pixels that are one output, or 0
	table             []int // of these, the weights' index for each tap and pixel
	at                int   // where its panels are among packed weights
}

// correlation is the forward pass.
func (s *ConvShape) correlation(out [3]int) correlation {
	in, taps := s.In/s.Groups, s.taps()
	c := correlation{
		batch: s.Batch, groups: s.Groups, in: in, out: s.Out / s.Groups,
		wGroup: s.Out / s.Groups * in * taps, wIn: taps, wOut: in * taps,
	}
	for i := range c.axes {
		c.axes[i] = axis{
			count: out[i], step: 1, origin: -s.Before[i], stride: s.Stride[i], dilation: s.Dilation[i],
			taps: s.Kernel[i], weightStep: 1, size: s.Size[i], outSize: out[i],
		}
	}
	c.sort(s.Kernel)
	return c
}

// phases are the gradient of x. Pixels of x that are a stride apart are reached by
// the same taps; those of one phase are a correlation of dy with these.
func (s *ConvShape) phases(out [3]int) []correlation {
	in, taps := s.In/s.Groups, s.taps()
	all := []correlation{{
		batch: s.Batch, groups: s.Groups, in: s.Out / s.Groups, out: in,
		wGroup: s.Out / s.Groups * in * taps, wIn: in * taps, wOut: taps,
	}}
	for i := range out {
		var next []correlation
		for _, c := range all {
			for phase := range min(s.Stride[i], s.Size[i]) {
				c.axes[i] = s.phase(i, phase, out[i])
				next = append(next, c)
			}
		}
		all = next
	}
	for i := range all {
		all[i].sort(s.Kernel)
	}
	return all
}

// sort fills in the order of taps.
func (c *correlation) sort(kernel [3]int) {
	for z := range c.axes[0].taps {
		for y := range c.axes[1].taps {
			for x := range c.axes[2].taps {
				tap := (c.axes[0].tap(z)*kernel[1]+c.axes[1].tap(y))*kernel[2] + c.axes[2].tap(x)
				c.order = append(c.order, tap)
			}
		}
	}
}

// tap is the weight's index of the t-th tap.
func (a *axis) tap(t int) int { return a.weight + t*a.weightStep }

// phase is axis i of the phase of pixels phase, phase+stride and so on.
func (s *ConvShape) phase(i, phase, out int) axis {
	stride, dilation := s.Stride[i], s.Dilation[i]
	a := axis{
		count: (s.Size[i] - phase + stride - 1) / stride, first: phase, step: stride,
		stride: 1, dilation: 1, size: out, outSize: s.Size[i],
	}
	// Output o reaches pixel o·stride - before + t·dilation by tap t. Later taps
	// read earlier outputs, so weights are walked backwards.
	for t := s.Kernel[i] - 1; t >= 0; t-- {
		at := phase + s.Before[i] - t*dilation
		if at%stride != 0 {
			continue
		}
		switch a.taps {
		case 0:
			a.weight, a.origin = t, at/stride
		case 1:
			a.weightStep, a.dilation = t-a.weight, at/stride-a.origin
		}
		a.taps++
	}
	return a
}

// place sets where the panels are, after others, and returns where they end.
func (c *correlation) place(lv *level, at int) int {
	c.at = at
	return at + c.groups*c.panels(lv)
}

// panels is how many numbers the panels of one group take.
func (c *correlation) panels(lv *level) int { return panelsSize(lv, c.depth(), c.out) }

// taps is the number of taps of an output.
func (c *correlation) taps() int { return len(c.order) }

// depth is the length of a sum.
func (c *correlation) depth() int { return c.taps() * c.in }

// outputs is how many outputs an image has.
func (c *correlation) outputs() int { return c.axes[0].count * c.axes[1].count * c.axes[2].count }

// outside reports whether output i0 to i1 of the axis read beyond the input.
func (a *axis) outside(i0, i1 int) bool {
	return i1 > i0 && (a.origin+i0*a.stride < 0 || a.origin+(i1-1)*a.stride+(a.taps-1)*a.dilation >= a.size)
}

// inside is the taps of output i, from and to, that are within the input.
func (a *axis) inside(i int) (from, to int) {
	at := a.origin + i*a.stride
	if at < 0 {
		from = min((-at+a.dilation-1)/a.dilation, a.taps)
	}
	if at < a.size {
		to = min((a.size-1-at)/a.dilation+1, a.taps)
	}
	return from, max(from, to)
}

// span is how many numbers along the axis count outputs see.
func (a *axis) span(count int) int { return (count-1)*a.stride + (a.taps-1)*a.dilation + 1 }
