package kernel

// depthwiseGradient is the gradient of the weights of a depthwise convolution
// under way. As with others, parts sum over bands of their own.
type depthwiseGradient struct {
	correlation
	strips *strips
	pool   *Pool
	x, dy  []float32
	sums   []float32
	parts  int
	bands  int
	sum    func(part, worker int)
	each   workerStrips
}

func (d *depthwiseGradient) init(c *Conv) {
	d.correlation, d.strips = c.forward[0].whole(), stripsOf(c.lv)
	d.sum = d.sumPart
}

// sumSize is how many numbers one part's sum takes.
func (d *depthwiseGradient) sumSize() int { return len(d.order) * d.in }

func (d *depthwiseGradient) size(p *Pool) int {
	d.divide(p)
	return d.parts * d.sumSize()
}

// divide sets how the sum is divided.
func (d *depthwiseGradient) divide(p *Pool) {
	lines, planes := d.axes[1].count, max(d.batch*d.axes[0].count, 1)
	d.bands = min((p.Threads()+planes-1)/planes, lines)
	for d.bands < lines && d.copySize((lines+d.bands-1)/d.bands) > copyFloats/2 {
		d.bands++
	}
	d.parts = min(p.Threads(), planes*d.bands)
}

// run computes the gradient.
func (d *depthwiseGradient) run(p *Pool, dw, x, dy []float32, add bool, scratch []float32) {
	if !add {
		clear(dw)
	}
	if d.batch == 0 {
		return
	}
	d.divide(p)
	d.pool, d.x, d.dy, d.sums = p, x, dy, scratch[:d.parts*d.sumSize()]
	d.each.ready(p)
	p.Run(d.parts, d.sum)
	taps := len(d.order)
	for part := range d.parts {
		for t := range taps {
			for c, v := range d.sums[part*d.sumSize()+t*d.in:][:d.in] {
				dw[c*taps+t] += v
			}
		}
	}
	d.pool, d.x, d.dy, d.sums = nil, nil, nil, nil
}

// sumPart sums over the pixels of some bands.
func (d *depthwiseGradient) sumPart(part, worker int) {
	from, to := share(d.batch*d.axes[0].count*d.bands, part, d.parts, 1)
	dst := d.pool.Scratch(worker, d.copySize((d.axes[1].count+d.bands-1)/d.bands))
	sum := d.sums[part*d.sumSize():][:d.sumSize()]
	clear(sum)
	for at := from; at < to; at++ {
		band, z := at%d.bands, at/d.bands
		image := z / d.axes[0].count
		z %= d.axes[0].count
		y0, y1 := share(d.axes[1].count, band, d.bands, 1)
		p, ok := d.view(d.x, image, 0, z, y0, y1)
		if !ok {
			p = d.copied(dst, d.x, image, 0, z, y0, y1)
		}
		d.sumBand(&d.each[worker].strip, sum, &p, d.dy[d.pixel(image, z, y0, 0)*d.in:], y1-y0)
	}
}

// sumBand adds the products of a band of lines.
func (d *depthwiseGradient) sumBand(s *strip, sum []float32, p *patches, dy []float32, lines int) {
	az, ay, ax := &d.axes[0], &d.axes[1], &d.axes[2]
	s.setChannels(d.in, d.strips.lanes)
	channels := uintptr(4 * d.in)
	s.w, s.wTap, s.wNext = &dy[0], channels, 0
	s.xTap, s.xRow = uintptr(ax.dilation)*channels, uintptr(4*ay.dilation*p.row)
	s.xPixel = uintptr(ax.stride) * channels
	s.k, s.segs = ax.count, lines
	s.xNext = uintptr(4*ay.stride*p.row) - uintptr(s.k)*s.xPixel
	s.yPixel = channels
	for z := range az.taps {
		for y := 0; y < ay.taps; {
			rows := 1
			for x := 0; x < ax.taps; {
				// A function for several lines is taken if it covers them whole.
				f := d.strips.grad(ay.taps-y, ax.taps-x)
				if f.rows > 1 && (x > 0 || f.cols < ax.taps) {
					f = d.strips.grad(1, ax.taps-x)
				}
				s.x = &p.data[z*p.plane+y*ay.dilation*p.row+x*ax.dilation*p.pixel]
				s.y = &sum[((z*ay.taps+y)*ax.taps+x)*d.in]
				s.yRow = uintptr(ax.taps-f.cols) * channels
				f.f(s)
				rows = f.rows
				x += f.cols
			}
			y += rows
		}
	}
	s.forget()
}
