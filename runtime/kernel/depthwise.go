package kernel

// depthwise is correlations under way that have a filter for each channel: one, or
// those of all phases.
type depthwise struct {
	phases   []correlation // as if of one group, so that pixels are whole
	strips   *strips
	pool     *Pool
	y, x, w  []float32
	add      bool
	bias     []float32
	res      Matrix
	act      func(x []float32)
	channels int
	bands    int
	part     func(part, worker int)
	each     workerStrips
}

// isDepthwise reports whether every channel is a group.
func (s *ConvShape) isDepthwise() bool { return s.Groups > 1 && s.Groups == s.In && s.In == s.Out }

// whole is c with the channels of all groups taken together.
func (c *correlation) whole() correlation {
	w := *c
	w.groups, w.in, w.out = 1, c.groups*c.in, c.groups*c.out
	return w
}

func (d *depthwise) init() { d.part = d.bandPart }

// packFilters writes the weights of one tap after the other, in the order in which
// they are read, from c.at on.
func packFilters(c *correlation, lv *level, dst, w []float32) {
	dst = dst[c.at:]
	taps, channels := len(c.order), c.groups
	if taps == 0 {
		return
	}
	one := *c
	one.in, one.groups, one.out, one.wOut = 1, 1, channels, c.wGroup
	k := packing{correlation: &one, lv: lv}
	done := k.blocks(dst, w, channels, channels)
	for t, tap := range c.order {
		first := 0
		if tap < done {
			first = channels / block * block
		}
		row := dst[t*channels:][:channels]
		for i := first; i < channels; i++ {
			row[i] = w[i*c.wGroup+tap]
		}
	}
}

// set readies correlations of one tensor.
func (d *depthwise) set(all []correlation, lv *level, y, x, w []float32, add bool) {
	*d = depthwise{
		phases: d.phases[:0], strips: stripsOf(lv), y: y, x: x, w: w, add: add,
		channels: all[0].groups, part: d.part, each: d.each,
	}
	for i := range all {
		d.phases = append(d.phases, all[i].whole())
	}
}

// run computes the correlations and lets go of the operands.
func (d *depthwise) run(p *Pool) {
	d.pool = p
	d.each.ready(p)
	work, lines := 0, 1
	for i := range d.phases {
		c := &d.phases[i]
		work += c.outputs() * c.out * max(len(c.order), 1)
		lines = max(lines, c.axes[1].count)
	}
	if batch := d.phases[0].batch; batch*work > 0 {
		d.bands = min((4*p.Threads()+batch-1)/batch, lines, max(work/stripWork, 1))
		p.Run(batch*d.bands, d.part)
	}
	*d = depthwise{phases: d.phases[:0], part: d.part, each: d.each}
}

// stripWork is below how many multiplications a part is not worth sharing out.
const stripWork = 1 << 14

// bandPart computes a band of lines of an image, in all phases.
func (d *depthwise) bandPart(part, worker int) {
	s := &d.each[worker].strip
	s.setChannels(d.channels, d.strips.lanes)
	for i := range d.phases {
		c := &d.phases[i]
		y0, y1 := share(c.axes[1].count, part%d.bands, d.bands, 1)
		for z := range c.axes[0].count {
			d.lines(c, s, part/d.bands, z, y0, y1)
		}
	}
	s.forget()
}

// lines computes lines y0 to y1 of a plane of an image.
func (d *depthwise) lines(c *correlation, s *strip, image, z, y0, y1 int) {
	ax := &c.axes[2]
	s.xPixel, s.xTap = uintptr(4*ax.stride*c.in), uintptr(4*ax.dilation*c.in)
	s.yPixel, s.wTap = uintptr(4*ax.step*c.out), uintptr(4*c.out)
	inner0, inner1 := ax.interior()
	for y := y0; y < y1; y++ {
		for i := 0; i < ax.count; {
			n := 1
			if i == inner0 && inner1 > inner0 {
				n = inner1 - inner0
			}
			d.outputs(c, s, image, z, y, i, n)
			i += n
		}
		d.epilogue(c, image, z, y)
	}
}

// interior is the outputs, from and to, all of whose taps are within the input.
func (a *axis) interior() (from, to int) {
	if a.origin < 0 {
		from = min((-a.origin+a.stride-1)/a.stride, a.count)
	}
	if last := a.size - 1 - a.origin - (a.taps-1)*a.dilation; last >= 0 {
		to = min(last/a.stride+1, a.count)
	}
	return from, max(from, to)
}

// outputs computes n outputs of a line that miss the same taps.
func (d *depthwise) outputs(c *correlation, s *strip, image, z, y, i, n int) {
	az, ay, ax := &c.axes[0], &c.axes[1], &c.axes[2]
	z0, z1 := az.inside(z)
	y0, y1 := ay.inside(y)
	x0, x1 := ax.inside(i)
	at := c.pixel(image, z, y, i)
	if (z1-z0)*(y1-y0)*(x1-x0) == 0 {
		d.fill(c, at, n)
		return
	}
	s.y, s.pixels = &d.y[at*c.out], n
	s.k, s.segs = x1-x0, y1-y0
	s.xNext = uintptr(4*ay.dilation*ax.size*c.in) - uintptr(s.k)*s.xTap
	s.wNext = uintptr(ax.taps-s.k) * s.wTap
	s.add, s.bias = 0, nil
	if d.add {
		s.add = 1
	}
	for tz := z0; tz < z1; tz++ {
		from := (image*az.size+az.read(z, tz))*ay.size + ay.read(y, y0)
		s.x = &d.x[(from*ax.size+ax.read(i, x0))*c.in]
		s.w = &d.w[c.at+((tz*ay.taps+y0)*ax.taps+x0)*c.out]
		if tz == z1-1 && d.bias != nil {
			s.bias = &d.bias[0]
		}
		d.strips.filter(s)
		s.add = 1
	}
}

// fill writes n outputs of a line that see nothing.
func (d *depthwise) fill(c *correlation, pixel, n int) {
	for i := range n {
		y := d.y[(pixel+i*c.axes[2].step)*c.out:][:c.out]
		if !d.add {
			clear(y)
		}
		for k, b := range d.bias {
			y[k] += b
		}
	}
}

// epilogue finishes a line.
func (d *depthwise) epilogue(c *correlation, image, z, y int) {
	if d.res.Data == nil && d.act == nil {
		return
	}
	first := c.pixel(image, z, y, 0)
	line := d.y[first*c.out:][:c.axes[2].count*c.out]
	if d.res.Data != nil {
		for i := range c.axes[2].count {
			for k, r := range d.res.row(first+i, 0, c.out) {
				line[i*c.out+k] += r
			}
		}
	}
	if d.act != nil {
		d.act(line)
	}
}
