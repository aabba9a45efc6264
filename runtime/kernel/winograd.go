package kernel

//go:generate go run onnxcompress/internal/cmd/kernels -kernel winograd -out winograd_amd64.s -stubs winograd_amd64.go

// Winograd's algorithm computes a square of outputs from the products, channel by
// channel, of a transformed patch and a transformed filter: a matrix product of
// patches for each of 36 points, with a quarter of the multiplications for filters
// of 3×3, and a little more than a third for 5×5.
const (
	winogradIn = 6 // what a square sees along an axis
	points     = winogradIn * winogradIn
)

// transforms are the linear maps of a level. Each is applied to a square of
// vectors of channels at x, xRow and xPixel bytes apart, and leaves one at y, yRow
// and yPixel apart. At g there is memory for points vectors.
type transforms struct {
	lanes     int
	out, taps int            // the sides of a square and of a filter
	input     func(s *strip) // 6×6 to 6×6
	// output is 6×6 to out×out. It adds bias, and the square at w, wNext and wTap
	// apart, unless they are nil.
	output      func(s *strip)
	slope       func(s *strip) // out×out to 6×6, the transpose of output
	filter      func(s *strip) // taps×taps to 6×6
	filterSlope func(s *strip) // 6×6 to taps×taps, the transpose of filter
}

// transformsOf are the functions that go with a level's micro-kernels, for filters
// of 3×3 and of 5×5.
func transformsOf(lv *level) []transforms {
	if f := winogradLevels[lv.name]; f != nil {
		return f
	}
	return transformsGo
}

// winogradChannels is the fewest channels for which the products are worth it.
const winogradChannels = 8

// winograd returns the transforms for c, or nil if the algorithm does not suit it,
// which it does for square filters without strides, if the patches' edges and the
// transforms don't cost more than is saved.
func (c *correlation) winograd(lv *level) *transforms {
	z := &c.axes[0]
	deep := z.taps != 1 || z.size != 1 || z.count != 1 || z.origin != 0 || z.step != 1
	if deep || c.groups != 1 || c.in < winogradChannels || c.out < winogradChannels {
		return nil
	}
	all := transformsOf(lv)
	for i := range all {
		if f := &all[i]; c.fits(f) && c.gains(f) {
			return f
		}
	}
	return nil
}

// fits reports whether transforms are for filters like those of c.
func (c *correlation) fits(f *transforms) bool {
	for _, a := range c.axes[1:] {
		if a.taps != f.taps || a.stride != 1 || a.dilation != 1 || a.step != 1 {
			return false
		}
	}
	return true
}

// gains weighs the multiplications of both algorithms and the transforms, which are
// vectors of channels that take as long as so many multiplications.
func (c *correlation) gains(f *transforms) bool {
	const vector, input, output, products = 16, 300, 240, 1.4
	direct, squares := 1, 1
	for i := 1; i < 3; i++ {
		a := &c.axes[i]
		seen := 0
		for o := range a.count {
			from, to := a.inside(o)
			seen += to - from
		}
		direct *= seen
		squares *= f.squares(a)
	}
	in, out := (c.in+vector-1)/vector, (c.out+vector-1)/vector
	fast := float64(squares) * (products*float64(points*c.in*out) + float64(input*in+output*out))
	return float64(direct*c.in*out) > fast
}

// squares is how many squares of outputs an axis takes.
func (f *transforms) squares(a *axis) int { return (a.count + f.out - 1) / f.out }

// cover is the patches of c, as if each square were an output, of channels
// channels: what squares see, or, if taps is their own size, what they are.
func (c *correlation) cover(f *transforms, channels, taps, origin0, origin1, size0, size1 int) correlation {
	v := correlation{batch: c.batch, groups: 1, in: channels, out: channels}
	v.axes[0] = axis{count: 1, step: 1, stride: 1, dilation: 1, taps: 1, size: 1, outSize: 1}
	for i, o := range [2]struct{ origin, size int }{{origin0, size0}, {origin1, size1}} {
		n := f.squares(&c.axes[i+1])
		v.axes[i+1] = axis{
			count: n, step: 1, origin: o.origin, stride: f.out, dilation: 1, taps: taps, size: o.size, outSize: n,
		}
	}
	return v
}

// seen is the patches that squares of outputs of c see.
func (c *correlation) seen(f *transforms) correlation {
	y, x := &c.axes[1], &c.axes[2]
	return c.cover(f, c.in, winogradIn, y.origin, x.origin, y.size, x.size)
}

// results is the squares of outputs of c themselves.
func (c *correlation) results(f *transforms) correlation {
	return c.cover(f, c.out, f.out, 0, 0, c.axes[1].count, c.axes[2].count)
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
				s.x = &p.data[v.axes[1].stride*(y*p.row+i*p.pixel)]
				s.y = &dst.data[n*dst.channels]
				f(s)
				n++
			}
		}
		from += y1 - y0
	}
}
