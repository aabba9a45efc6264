package kernel

import "fmt"

// PoolShape says over which windows of a channels-last tensor (Batch, Size...,
// Channels) is pooled. There are always three axes of space, as in ConvShape.
type PoolShape struct {
	Batch, Channels  int
	Size, Kernel     [3]int
	Stride, Dilation [3]int
	Before, After    [3]int
	Ceil             bool // windows that reach beyond the padding count, too, if they begin before its end
}

// Output is the size of the result along the axes of space, or why there is none.
func (s *PoolShape) Output() (out [3]int, err error) {
	if s.Batch < 0 || s.Channels < 1 {
		return out, fmt.Errorf("pooling of %d images with %d channels", s.Batch, s.Channels)
	}
	sizes := []int{s.Batch, s.Channels}
	for i := range out {
		out[i], err = windows(s.Size[i], s.Kernel[i], s.Stride[i], s.Dilation[i], s.Before[i], s.After[i])
		if err != nil {
			return out, err
		}
		reach := (s.Kernel[i] - 1) * s.Dilation[i]
		left := (s.Size[i] + s.Before[i] + s.After[i] - reach - 1) % s.Stride[i]
		if s.Ceil && left > 0 && out[i]*s.Stride[i] < s.Size[i]+s.Before[i] {
			out[i]++
		}
		sizes = append(sizes, max(s.Size[i]+s.Before[i]+s.After[i], out[i]))
	}
	if !fits(sizes, largest) {
		return out, fmt.Errorf("pooling of a tensor of %v numbers", sizes)
	}
	return out, nil
}

// correlation is the windows.
func (s *PoolShape) correlation(out [3]int) correlation {
	c := correlation{batch: s.Batch, groups: 1, in: s.Channels, out: s.Channels}
	for i := range c.axes {
		c.axes[i] = axis{
			count: out[i], step: 1, origin: -s.Before[i], stride: s.Stride[i], dilation: s.Dilation[i],
			taps: s.Kernel[i], size: s.Size[i], outSize: out[i],
		}
	}
	return c
}

// pooling is a pass of pooling under way.
type pooling struct {
	correlation
	out          [3]int
	strips       *strips
	x, y, dy, dx []float32
	add          bool
	slices       int // parts that an image's channels are divided into
	bands        int // and its lines
	each         workerStrips
	ahead, back  func(part, worker int)
	visit        visitor
}

// visitor computes a run of outputs of a line, all of which see the same taps. The
// strip is ready but for its operands.
type visitor func(s *strip, w window)

// window is the taps that outputs see.
type window struct {
	z0, z1 int // planes
	// x is where the first tap of plane z0 lies in x, y where the first output does.
	x, y, plane int
	pixel       [3]int // the first output
}

func newPooling(s *PoolShape) (pooling, error) {
	out, err := s.Output()
	if err != nil {
		return pooling{}, err
	}
	return pooling{correlation: s.correlation(out), out: out, strips: stripsOf(active)}, nil
}

// check panics unless a tensor that is not nil has its size.
func (l *pooling) check(x, y []float32) {
	pixels := l.batch * l.axes[0].size * l.axes[1].size * l.axes[2].size
	if x != nil && len(x) != pixels*l.in {
		panic(fmt.Sprintf("kernel: pooling of %d numbers, not %d", len(x), pixels*l.in))
	}
	if want := l.batch * l.outputs() * l.in; y != nil && len(y) != want {
		panic(fmt.Sprintf("kernel: pooling to %d numbers, not %d", len(y), want))
	}
}

// forward runs over all outputs, divided by lines.
func (l *pooling) forward(p *Pool) {
	l.each.ready(p)
	if planes := l.batch * l.out[0]; planes > 0 {
		l.bands = min((4*p.Threads()+planes-1)/planes, l.out[1])
		p.Run(planes*l.bands, l.ahead)
	}
}

// backward runs over all outputs, divided so that no two parts share an input.
func (l *pooling) backward(p *Pool) {
	l.each.ready(p)
	if l.batch > 0 {
		vectors := (l.in + l.strips.lanes - 1) / l.strips.lanes
		l.slices = min((2*p.Threads()+l.batch-1)/l.batch, vectors)
		p.Run(l.batch*l.slices, l.back)
	}
}

// forget lets go of the operands.
func (l *pooling) forget() { l.x, l.y, l.dy, l.dx, l.add = nil, nil, nil, nil, false }

func (l *pooling) aheadPart(part, worker int) {
	s := &l.each[worker].strip
	s.setChannels(l.in, l.strips.lanes)
	band, z := part%l.bands, part/l.bands
	y0, y1 := share(l.out[1], band, l.bands, 1)
	l.lines(s, z/l.out[0], z%l.out[0], y0, y1, 0)
	s.forget()
}

func (l *pooling) backPart(part, worker int) {
	s := &l.each[worker].strip
	c0, c1 := share(l.in, part%l.slices, l.slices, l.strips.lanes)
	s.setChannels(c1-c0, l.strips.lanes)
	if image := part / l.slices; !l.add {
		l.blank(image, c0, c1)
	}
	for z := range l.out[0] {
		l.lines(s, part/l.slices, z, 0, l.out[1], c0)
	}
	s.forget()
}

// blank clears channels c0 to c1 of an image of dx.
func (l *pooling) blank(image, c0, c1 int) {
	pixels := l.axes[0].size * l.axes[1].size * l.axes[2].size
	dx := l.dx[image*pixels*l.in:][:pixels*l.in]
	if l.slices == 1 {
		clear(dx)
		return
	}
	for i := range pixels {
		clear(dx[i*l.in+c0 : i*l.in+c1])
	}
}

// lines visits the outputs of lines y0 to y1 of a plane of an image, as many at
// once as see the same taps.
func (l *pooling) lines(s *strip, image, z, y0, y1, channel int) {
	az, ay, ax := &l.axes[0], &l.axes[1], &l.axes[2]
	s.xPixel, s.xTap = uintptr(4*ax.stride*l.in), uintptr(4*ax.dilation*l.in)
	s.yPixel = uintptr(4 * l.in)
	inner0, inner1 := ax.interior()
	var w window
	w.z0, w.z1 = az.inside(z)
	w.plane = az.dilation * ay.size * ax.size * l.in
	for y := y0; y < y1; y++ {
		from, to := ay.inside(y)
		s.segs = to - from
		for i := 0; i < ax.count; i += s.pixels {
			s.pixels = 1
			if i == inner0 && inner1 > inner0 {
				s.pixels = inner1 - inner0
			}
			x0, x1 := ax.inside(i)
			s.k = x1 - x0
			s.xNext = uintptr(4*ay.dilation*ax.size*l.in) - uintptr(s.k)*s.xTap
			at := (image*az.size+az.read(z, w.z0))*ay.size + ay.read(y, from)
			w.x = (at*ax.size+ax.read(i, x0))*l.in + channel
			w.y = l.pixel(image, z, y, i)*l.in + channel
			w.pixel = [3]int{z, y, i}
			l.visit(s, w)
		}
	}
}

// empty reports whether outputs see nothing.
func (w *window) empty(s *strip) bool { return (w.z1-w.z0)*s.segs*s.k == 0 }
