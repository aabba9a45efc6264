package kernel

import "unsafe"

// patches is where a run of outputs finds what it reads: tap (z, y, x) of output
// (i, j), counted from the run's first, is at
// z·plane + (i·stride+y·dilation)·row + (j·stride+x·dilation)·pixel.
type patches struct {
	data              []float32
	plane, row, pixel int
}

// view is the patches in the tensor itself, or false if some reach beyond it. The
// run is lines y0 to y1 of plane z of an image.
func (c *correlation) view(x []float32, image, g, z, y0, y1 int) (patches, bool) {
	az, ay, ax := &c.axes[0], &c.axes[1], &c.axes[2]
	if az.outside(z, z+1) || ay.outside(y0, y1) || ax.outside(0, ax.count) {
		return patches{}, false
	}
	pixel := c.groups * c.in
	row := ax.size * pixel
	plane := ay.size * row
	at := (image*az.size+az.origin+z*az.stride)*plane + (ay.origin+y0*ay.stride)*row + ax.origin*pixel + g*c.in
	return patches{data: x[at:], plane: az.dilation * plane, row: row, pixel: pixel}, true
}

// copySize is how many numbers the copy of the patches of lines takes.
func (c *correlation) copySize(lines int) int {
	return c.axes[0].taps * c.axes[1].span(lines) * c.axes[2].span(c.axes[2].count) * c.in
}

// copied is the patches copied to dst, zeros and all.
func (c *correlation) copied(dst, x []float32, image, g, z, y0, y1 int) patches {
	az, ay, ax := &c.axes[0], &c.axes[1], &c.axes[2]
	rows, cols := ay.span(y1-y0), ax.span(ax.count)
	p := patches{data: dst, plane: rows * cols * c.in, row: cols * c.in, pixel: c.in}
	pixel := c.groups * c.in
	plane := ay.size * ax.size * pixel
	for t := range az.taps {
		to := dst[t*p.plane:][:p.plane]
		at := az.origin + z*az.stride + t*az.dilation
		if at < 0 || at >= az.size {
			clear(to)
			continue
		}
		from := x[(image*az.size+at)*plane:][:plane]
		for r := range rows {
			y := ay.origin + y0*ay.stride + r
			line := to[r*p.row:][:p.row]
			if y < 0 || y >= ay.size {
				clear(line)
				continue
			}
			c.copyLine(line, from[y*ax.size*pixel:][:ax.size*pixel], g, cols)
		}
	}
	return p
}

// copyLine copies the group's channels of cols pixels of a line, from the axis'
// origin on.
func (c *correlation) copyLine(dst, src []float32, g, cols int) {
	ax := &c.axes[2]
	x0 := min(max(-ax.origin, 0), cols)
	x1 := max(min(cols, ax.size-ax.origin), x0)
	clear(dst[:x0*c.in])
	clear(dst[x1*c.in:])
	dst = dst[x0*c.in : x1*c.in]
	pixel := c.groups * c.in
	src = src[min((x0+ax.origin)*pixel, len(src)):]
	if c.groups == 1 {
		copy(dst, src)
		return
	}
	for i := range x1 - x0 {
		copy(dst[i*c.in:][:c.in], src[i*pixel+g*c.in:])
	}
}

// misaligned is how many numbers there are before the first aligned one.
func misaligned(x []float32) int {
	over := int(uintptr(unsafe.Pointer(unsafe.SliceData(x))) % alignment)
	return (alignment - over) % alignment / 4
}
