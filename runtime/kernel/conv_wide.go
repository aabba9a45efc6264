package kernel

// A gradient with few channels fills few lanes of a vector. So some adjacent
// pixels of a line are taken together as one output with the channels of all. Its
// sum runs over the taps of any of them, with zeros where a pixel has no such tap.

// wideGain is how many times less work, in vectors, makes up for the effort.
const wideGain = 1.3

// wide returns the gradient of x with pixels taken together, or nil if that gains
// nothing.
func (s *ConvShape) wide(lv *level, narrow []correlation) []correlation {
	pixels := s.widest(lv)
	if pixels == 0 {
		return nil
	}
	var all []correlation
	for i := range narrow {
		c := narrow[i]
		if c.axes[2].first > 0 {
			continue // another phase along the line
		}
		c.wide, c.out = pixels, pixels*s.In
		c.axes[2], c.table = s.wideAxis(pixels, c.axes[2].size)
		c.order = nil
		for z := range c.axes[0].taps {
			for y := range c.axes[1].taps {
				for range c.axes[2].taps {
					c.order = append(c.order, (c.axes[0].tap(z)*s.Kernel[1]+c.axes[1].tap(y))*s.Kernel[2])
				}
			}
		}
		all = append(all, c)
	}
	return all
}

// widest is how many pixels are best taken together, or 0.
func (s *ConvShape) widest(lv *level) (pixels int) {
	if s.Groups > 1 {
		return 0
	}
	vectors := func(channels int) int { return (channels + lv.lanes - 1) / lv.lanes }
	best := wideGain
	for n := s.Stride[2]; n*s.In <= 2*lv.lanes && n <= s.Size[2]; n += s.Stride[2] {
		if n == 1 || s.Size[2]%n != 0 {
			continue
		}
		_, table := s.wideAxis(n, 1)
		taps := 0
		for _, tap := range table {
			if tap >= 0 {
				taps++
			}
		}
		if taps == 0 {
			continue
		}
		gain := float64(taps*vectors(s.In)) / float64(len(table)/n*vectors(n*s.In))
		if gain > best {
			pixels, best = n, gain
		}
	}
	return pixels
}

// wideAxis is the line's axis of a gradient with n pixels taken together, n a
// multiple of the stride, and a table of the weights' index for each tap and pixel,
// -1 where there is none.
func (s *ConvShape) wideAxis(n, out int) (axis, []int) {
	stride := s.Stride[2]
	// Pixel i of the first n is reached from output (i+before-tap·dilation)/stride.
	each := func(f func(i, tap, from int)) {
		for i := range n {
			for tap := range s.Kernel[2] {
				if at := i + s.Before[2] - tap*s.Dilation[2]; at%stride == 0 {
					f(i, tap, at/stride)
				}
			}
		}
	}
	low, high := s.Size[2]+s.Before[2], -s.Kernel[2]*s.Dilation[2]
	each(func(_, _, from int) { low, high = min(low, from), max(high, from) })
	a := axis{
		count: s.Size[2] / n, step: 1, origin: low, stride: n / stride, dilation: 1, taps: max(high-low+1, 0),
		size: out, outSize: s.Size[2] / n,
	}
	table := make([]int, a.taps*n)
	for i := range table {
		table[i] = -1
	}
	each(func(i, tap, from int) { table[(from-low)*n+i] = tap })
	return a, table
}

// widePanel packs columns j to j+cols of weights of pixels taken together.
func (k *packing) widePanel(dst []float32, j, cols, width int) {
	clear(dst)
	channels := k.out / k.wide
	for t, first := range k.order {
		for col := range cols {
			pixel, channel := (j+col)/channels, (j+col)%channels
			tap := k.table[t%k.axes[2].taps*k.wide+pixel]
			if tap < 0 {
				continue
			}
			w := k.w[channel*k.wOut+first+tap:]
			for i := range k.in {
				dst[(t*k.in+i)*width+col] = w[i*k.wIn]
			}
		}
	}
}
