package kernel

//go:generate go run onnxcompress/internal/cmd/kernels -kernel winograd -out winograd_amd64.s -stubs winograd_amd64.go

// Winograd's algorithm computes a square of outputs from the products, channel by
// channel, of a transformed patch and a transformed filter: a matrix product of
// patches for each of 36 points, with a quarter of the multiplications.
const (
	winogradOut = 4 // outputs of a patch along an axis
	winogradIn  = 6 // what they see
	points      = winogradIn * winogradIn
)

// transforms are the linear maps of a level. Each is applied to a square of
// vectors of channels at x, xRow and xPixel bytes apart, and leaves one at y, yRow
// and yPixel apart. At g there is memory for points vectors.
type transforms struct {
	lanes int
	input func(s *strip) // 6×6 to 6×6
	// output is 6×6 to 4×4. It adds bias, and the square at w, wNext and wTap
	// apart, unless they are nil.
	output      func(s *strip)
	slope       func(s *strip) // 4×4 to 6×6, the transpose of output
	filter      func(s *strip) // 3×3 to 6×6
	filterSlope func(s *strip) // 6×6 to 3×3, the transpose of filter
}

// transformsOf are the functions that go with a level's micro-kernels.
func transformsOf(lv *level) *transforms {
	if f := winogradLevels[lv.name]; f != nil {
		return f
	}
	return transformsGo
}

// winogradGain is how many times fewer multiplications make up for the transforms.
const winogradGain = 1.9

// winogradChannels is the fewest channels for which the products are worth it.
const winogradChannels = 12

// suitsWinograd reports whether a correlation is over filters of 3×3 without
// strides, with enough channels, and without wasting too much at the edges.
func (c *correlation) suitsWinograd() bool {
	z := &c.axes[0]
	flat := z.taps == 1 && z.size == 1 && z.count == 1 && z.origin == 0 && z.step == 1
	if !flat || c.groups != 1 || c.in < winogradChannels || c.out < winogradChannels {
		return false
	}
	direct, fast := 9, points
	for i := 1; i < 3; i++ {
		a := &c.axes[i]
		if a.taps != 3 || a.stride != 1 || a.dilation != 1 || a.step != 1 {
			return false
		}
		direct *= a.count
		fast *= squares(a)
	}
	return float64(direct) >= winogradGain*float64(fast)
}

// squares is how many squares of outputs an axis takes.
func squares(a *axis) int { return (a.count + winogradOut - 1) / winogradOut }

// cover is the patches of c, as if each square were an output, of channels
// channels: what squares see, or, if taps is their own size, what they are.
func (c *correlation) cover(channels, taps, origin0, origin1, size0, size1 int) correlation {
	v := correlation{batch: c.batch, groups: 1, in: channels, out: channels}
	v.axes[0] = axis{count: 1, step: 1, stride: 1, dilation: 1, taps: 1, size: 1, outSize: 1}
	for i, o := range [2]struct{ origin, size int }{{origin0, size0}, {origin1, size1}} {
		n := squares(&c.axes[i+1])
		v.axes[i+1] = axis{
			count: n, step: 1, origin: o.origin, stride: winogradOut, dilation: 1, taps: taps, size: o.size, outSize: n,
		}
	}
	return v
}

// seen is the patches that squares of outputs of c see.
func (c *correlation) seen() correlation {
	y, x := &c.axes[1], &c.axes[2]
	return c.cover(c.in, winogradIn, y.origin, x.origin, y.size, x.size)
}

// results is the squares of outputs of c themselves.
func (c *correlation) results() correlation {
	return c.cover(c.out, winogradOut, 0, 0, c.axes[1].count, c.axes[2].count)
}

// field is patches transformed: a matrix of patches × channels for each point,
// pitch numbers apart.
type field struct {
	data     []float32
	channels int
	pitch    int
}

// fieldPitch is the pitch of a field of n patches: odd in lines of the cache, so
// that points don't compete.
func fieldPitch(n, channels int) int {
	const line = alignment / 4
	return ((n*channels+line-1)/line | 1) * line
}

// transform applies f to the patches of lines from to to of all lines of v, an
// image after the other, and puts them into dst one after the other. Copies are
// made at buffer.
func (v *correlation) transform(s *strip, f func(s *strip), dst *field, x, buffer []float32, from, to int) {
	lines := v.axes[1].count
	s.yPixel, s.yRow = uintptr(4*dst.pitch), uintptr(4*winogradIn*dst.pitch)
	n := 0
	for from < to {
		image, y0 := from/lines, from%lines
		y1 := min(lines, y0+to-from)
		p, ok := v.view(x, image, 0, 0, y0, y1)
		if !ok {
			p = v.copied(buffer, x, image, 0, 0, y0, y1)
		}
		s.xRow, s.xPixel = uintptr(4*p.row), uintptr(4*p.pixel)
		for y := range y1 - y0 {
			for i := range v.axes[2].count {
				s.x = &p.data[winogradOut*(y*p.row+i*p.pixel)]
				s.y = &dst.data[n*dst.channels]
				f(s)
				n++
			}
		}
		from += y1 - y0
	}
}
