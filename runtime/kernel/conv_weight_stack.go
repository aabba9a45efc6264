package kernel

// stackPart sums over some images, for lines too short to sum along them: steps of
// the micro-kernel go from image to image, once for each output that a tap
// reaches.
func (w *weightGradient) stackPart(part, worker int) {
	from, to := share(w.batch, part, w.parts, 1)
	t := &w.pool.workers[worker].tile
	t.alpha, t.segs, t.aNext, t.aRow = 1, 1, 0, 4
	t.aK = uintptr(4 * w.axes[0].size * w.axes[1].size * w.axes[2].size * w.groups * w.in)
	t.bK, t.cRow = uintptr(4*w.outputs()*w.groups*w.out), uintptr(4*w.pitch)
	sum := w.sums[part*w.sumSize():][:w.sumSize()]
	tiles := (w.in + w.lv.rows - 1) / w.lv.rows
	images := w.stackBlock()
	for at := from; at < to; at += images {
		n := min(images, to-at)
		for row := range w.groups * w.taps() {
			g, tap := row/w.taps(), row%w.taps()
			for i := range tiles {
				r0, r1 := share(w.in, i, tiles, 1)
				t.rows = r1 - r0
				w.stackTile(t, sum[(row*w.in+r0)*w.pitch:], at, n, g, tap, r0, at == from)
			}
		}
	}
	*t = tile{}
}

// stackBlock is how many images fit into the cache together.
func (w *weightGradient) stackBlock() int {
	const room = 256 << 10
	image := w.groups * (w.axes[0].size*w.axes[1].size*w.axes[2].size*w.in + w.outputs()*w.out)
	return max(room/image, stackImages/2)
}

// stackTile adds the products of n images, from image on, to some rows of the sum
// of a tap.
func (w *weightGradient) stackTile(t *tile, sum []float32, image, n, g, tap, row int, begin bool) {
	az, ay, ax := &w.axes[0], &w.axes[1], &w.axes[2]
	tz, ty, tx := tap/(ay.taps*ax.taps), tap/ax.taps%ay.taps, tap%ax.taps
	z0, z1 := az.reached(tz)
	y0, y1 := ay.reached(ty)
	x0, x1 := ax.reached(tx)
	for col := 0; col < w.out; col += w.lv.cols {
		cols := min(w.lv.cols, w.out-col)
		kernel := w.lv.kernels(t, cols)[t.rows]
		t.c, t.beta, t.k = &sum[col], keep(!begin), n
		if (z1-z0)*(y1-y0)*(x1-x0) == 0 {
			t.k, t.a, t.b = 0, nil, nil
			kernel(t)
			continue
		}
		for z := z0; z < z1; z++ {
			for y := y0; y < y1; y++ {
				for x := x0; x < x1; x++ {
					at := (image*az.size+az.read(z, tz))*ay.size + ay.read(y, ty)
					at = at*ax.size + ax.read(x, tx)
					t.a = &w.x[(at*w.groups+g)*w.in+row]
					t.b = &w.dy[(w.pixel(image, z, y, x)*w.groups+g)*w.out+col]
					kernel(t)
					t.beta = 1
				}
			}
		}
	}
}

// read is where tap t of output i lies.
func (a *axis) read(i, t int) int { return a.origin + i*a.stride + t*a.dilation }

// reached is the outputs, from and to, whose tap t is within the input.
func (a *axis) reached(t int) (from, to int) {
	at := a.origin + t*a.dilation
	if at < 0 {
		from = min((-at+a.stride-1)/a.stride, a.count)
	}
	if at < a.size {
		to = min((a.size-1-at)/a.stride+1, a.count)
	}
	return from, max(from, to)
}
