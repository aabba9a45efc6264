package kernel

// depthwise is a correlation under way that has a filter for each channel.
type depthwise struct {
	correlation // as if of one group, so that pixels are whole
	strips      *strips
	lv          *level
	pool        *Pool
	y, x, w     []float32
	add         bool
	bias        []float32
	res         Matrix
	act         func(x []float32)
	bands       int
	part        func(part, worker int)
	each        workerStrips
}

// isDepthwise reports whether every channel is a group.
func (s *ConvShape) isDepthwise() bool { return s.Groups > 1 && s.Groups == s.In && s.In == s.Out }

// whole is c with the channels of all groups taken together.
func (c *correlation) whole() correlation {
	w := *c
	w.groups, w.in, w.out = 1, c.groups*c.in, c.groups*c.out
	return w
}

func (d *depthwise) init() { d.part = d.linePart }

// pack writes the weights of one tap after the other, in the order in which they
// are read.
func (d *depthwise) pack(c *correlation, lv *level, dst, w []float32) {
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

// set readies the correlation c.
func (d *depthwise) set(c *correlation, lv *level, y, x, w []float32, add bool) {
	*d = depthwise{correlation: c.whole(), strips: stripsOf(lv), lv: lv, y: y, x: x, w: w, add: add, part: d.part, each: d.each}
}

// run computes the correlation and lets go of the operands.
func (d *depthwise) run(p *Pool) {
	d.pool = p
	d.each.ready(p)
	planes := d.batch * d.axes[0].count
	if lines := d.axes[1].count; planes*lines*d.axes[2].count > 0 {
		work := max(d.axes[2].count*d.out*max(len(d.order), 1), 1)
		d.bands = min((4*p.Threads()+planes-1)/planes, lines, max(lines*work/stripWork, 1))
		p.Run(planes*d.bands, d.part)
	}
	*d = depthwise{part: d.part, each: d.each}
}

// stripWork is below how many multiplications a part is not worth sharing out.
const stripWork = 1 << 14

// linePart computes a band of lines.
func (d *depthwise) linePart(part, worker int) {
	s := &d.each[worker].strip
	s.setChannels(d.out, d.strips.lanes)
	band, z := part%d.bands, part/d.bands
	image := z / d.axes[0].count
	z %= d.axes[0].count
	y0, y1 := share(d.axes[1].count, band, d.bands, 1)
	s.xPixel, s.xTap = uintptr(4*d.axes[2].stride*d.in), uintptr(4*d.axes[2].dilation*d.in)
	s.yPixel, s.wTap = uintptr(4*d.axes[2].step*d.out), uintptr(4*d.out)
	inner0, inner1 := d.axes[2].interior()
	for y := y0; y < y1; y++ {
		for i := 0; i < d.axes[2].count; {
			n := 1
			if i == inner0 && inner1 > inner0 {
				n = inner1 - inner0
			}
			d.run1(s, image, z, y, i, n)
			i += n
		}
		d.epilogue(image, z, y)
	}
	s.forget()
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

// run1 computes n outputs of a line that miss the same taps.
func (d *depthwise) run1(s *strip, image, z, y, i, n int) {
	az, ay, ax := &d.axes[0], &d.axes[1], &d.axes[2]
	z0, z1 := az.inside(z)
	y0, y1 := ay.inside(y)
	x0, x1 := ax.inside(i)
	at := d.pixel(image, z, y, i)
	if (z1-z0)*(y1-y0)*(x1-x0) == 0 {
		d.fill(at, n)
		return
	}
	s.y, s.pixels = &d.y[at*d.out], n
	s.k, s.segs = x1-x0, y1-y0
	s.xNext = uintptr(4*ay.dilation*ax.size*d.in) - uintptr(s.k)*s.xTap
	s.wNext = uintptr(ax.taps-s.k) * s.wTap
	s.add, s.bias = 0, nil
	if d.add {
		s.add = 1
	}
	for tz := z0; tz < z1; tz++ {
		from := (image*az.size+az.read(z, tz))*ay.size + ay.read(y, y0)
		s.x = &d.x[(from*ax.size+ax.read(i, x0))*d.in]
		s.w = &d.w[((tz*ay.taps+y0)*ax.taps+x0)*d.out]
		if tz == z1-1 && d.bias != nil {
			s.bias = &d.bias[0]
		}
		d.strips.filter(s)
		s.add = 1
	}
}

// fill writes n outputs of a line that see nothing.
func (d *depthwise) fill(pixel, n int) {
	for i := range n {
		y := d.y[(pixel+i*d.axes[2].step)*d.out:][:d.out]
		if !d.add {
			clear(y)
		}
		for c, b := range d.bias {
			y[c] += b
		}
	}
}

// epilogue finishes a line.
func (d *depthwise) epilogue(image, z, y int) {
	if d.res.Data == nil && d.act == nil {
		return
	}
	first := d.pixel(image, z, y, 0)
	line := d.y[first*d.out:][:d.axes[2].count*d.out]
	if d.res.Data != nil {
		for i := range d.axes[2].count {
			for c, r := range d.res.row(first+i, 0, d.out) {
				line[i*d.out+c] += r
			}
		}
	}
	if d.act != nil {
		d.act(line)
	}
}
