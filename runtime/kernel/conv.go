package kernel

import "fmt"

// ConvShape says which convolution. Tensors are channels-last: x is (Batch, Size...,
// In) and y is (Batch, Output..., Out), dense. Weights are (Out, In/Groups,
// Kernel...), as ONNX stores them. There are always three axes of space; a
// convolution over fewer has sizes, kernels, strides and dilations of 1 in the
// leading ones.
type ConvShape struct {
	Batch, In, Out, Groups int
	Size, Kernel           [3]int
	Stride, Dilation       [3]int
	Before, After          [3]int // zeros around x
}

// Conv computes one convolution and its gradients. It keeps the state of the call
// under way, so it serves one call at a time.
type Conv struct {
	shape ConvShape
	out   [3]int
	lv    *level

	pointwise bool           // one product of matrices
	forward   [1]correlation // the forward pass
	phases    []correlation  // of the gradient of x
	packed    [2]int         // numbers that the panels of forward and of all phases take

	packing  packing
	job      correlating
	gradient weightGradient

	// The forward pass and the gradient of x by Winograd's algorithm, if it suits.
	fast         [2]*winograd
	fastGradient *winogradGradient

	filters         depthwise
	filtersGradient depthwiseGradient
}

const (
	// largest bounds the numbers in a tensor, so that sizes in bytes don't overflow.
	largest = 1 << 44
	// mostTaps and mostPhases bound what is planned.
	mostTaps   = 1 << 24
	mostPhases = 1 << 16
)

// NewConv plans a convolution, or says why there is none of that shape.
func NewConv(s ConvShape) (*Conv, error) {
	out, err := s.output()
	if err != nil {
		return nil, err
	}
	c := &Conv{shape: s, out: out, lv: active}
	c.pointwise = s.Groups == 1 && s.Kernel == [3]int{1, 1, 1} && out == s.Size && s.Before == [3]int{} &&
		s.Stride == [3]int{1, 1, 1}
	c.forward[0] = s.correlation(out)
	c.phases = s.phases(out)
	c.fast[0] = newWinograd(&c.forward[0], c.lv)
	c.fast[1] = newWinograd(&c.phases[0], c.lv)
	if wide := s.wide(c.lv, c.phases); wide != nil && c.fast[1] == nil {
		c.phases = wide
	}
	c.packed[0] = c.forward[0].place(c.lv, 0)
	for i := range c.phases {
		c.packed[1] = c.phases[i].place(c.lv, c.packed[1])
	}
	c.packing.init()
	c.job.init()
	c.gradient.init(c)
	c.fastGradient = newWinogradGradient(&c.gradient)
	c.filters.init()
	c.filtersGradient.init(c)
	return c, nil
}

// output is the size of y along the axes of space.
func (s *ConvShape) output() (out [3]int, err error) {
	if s.Batch < 0 || s.In < 1 || s.Out < 1 || s.Groups < 1 || s.In%s.Groups != 0 || s.Out%s.Groups != 0 {
		return out, fmt.Errorf("a convolution of %d images from %d to %d channels in %d groups", s.Batch, s.In, s.Out, s.Groups)
	}
	x, y, w := []int{s.Batch, s.In}, []int{s.Batch, s.Out}, []int{s.Out, s.In / s.Groups}
	for i := range out {
		out[i], err = windows(s.Size[i], s.Kernel[i], s.Stride[i], s.Dilation[i], s.Before[i], s.After[i])
		if err != nil {
			return out, err
		}
		x, y, w = append(x, s.Size[i]+s.Before[i]+s.After[i]), append(y, out[i]), append(w, s.Kernel[i])
	}
	for _, sizes := range [][]int{x, y, w} {
		if !fits(sizes, largest) {
			return out, fmt.Errorf("a convolution with a tensor of %v numbers", sizes)
		}
	}
	var steps []int
	for i, stride := range s.Stride {
		steps = append(steps, min(stride, s.Size[i]))
	}
	if !fits(s.Kernel[:], mostTaps) || !fits(steps, mostPhases) {
		return out, fmt.Errorf("a convolution with kernel %v and strides %v", s.Kernel, s.Stride)
	}
	return out, nil
}

// windows is how many windows lie along an axis.
func windows(size, kernel, stride, dilation, before, after int) (int, error) {
	const most = 1 << 30
	for _, n := range []int{size, kernel, stride, dilation} {
		if n < 1 || n > most {
			return 0, fmt.Errorf("an axis of %d with kernel %d, stride %d and dilation %d", size, kernel, stride, dilation)
		}
	}
	if before < 0 || after < 0 || before > most || after > most {
		return 0, fmt.Errorf("an axis with padding %d and %d", before, after)
	}
	room := size + before + after - (kernel-1)*dilation - 1
	if room < 0 {
		return 0, fmt.Errorf("an axis of %d with padding %d and %d is too small for kernel %d with dilation %d",
			size, before, after, kernel, dilation)
	}
	return room/stride + 1, nil
}

// fits reports whether the product of sizes is at most limit.
func fits(sizes []int, limit int) bool {
	for _, n := range sizes {
		if n == 0 {
			return true
		}
	}
	for _, n := range sizes {
		if n > limit {
			return false
		}
		limit /= n
	}
	return true
}

// Output is the size of y along the axes of space.
func (c *Conv) Output() [3]int { return c.out }

// pixels is the number of pixels of x and of y.
func (c *Conv) pixels() (x, y int) {
	s, o := &c.shape, &c.out
	return s.Batch * s.Size[0] * s.Size[1] * s.Size[2], s.Batch * o[0] * o[1] * o[2]
}

// taps is the number of weights between two channels.
func (s *ConvShape) taps() int { return s.Kernel[0] * s.Kernel[1] * s.Kernel[2] }

// check panics unless operands have their sizes. Nil ones are left out.
func (c *Conv) check(x, y, w, bias []float32) {
	px, py := c.pixels()
	for _, o := range []struct {
		name string
		data []float32
		want int
	}{
		{"x", x, px * c.shape.In},
		{"y", y, py * c.shape.Out},
		{"w", w, c.shape.Out * c.shape.In / c.shape.Groups * c.shape.taps()},
		{"bias", bias, c.shape.Out},
	} {
		if o.data != nil && len(o.data) != o.want {
			panic(fmt.Sprintf("kernel: a convolution with %d numbers in %s, not %d", len(o.data), o.name, o.want))
		}
	}
}

// Scratch is how many floats of working memory the calls want on a pool.
func (c *Conv) Scratch(p *Pool) int {
	const slack = alignment / 4
	switch {
	case c.pointwise:
		return 0
	case c.shape.isDepthwise():
		return slack + max(c.packed[0], c.packed[1], c.filtersGradient.size(p))
	}
	n := max(c.packed[0], c.packed[1], c.gradient.size(p))
	for _, w := range c.fast {
		if w != nil {
			filters, besides := w.packed()
			n = max(n, filters+besides)
		}
	}
	if c.fastGradient != nil {
		n = max(n, c.fastGradient.size(p))
	}
	return slack + n
}

// settle is scratch from its first aligned number on.
func settle(scratch []float32) []float32 {
	return scratch[misaligned(scratch):]
}
