package kernel

func biasRowsGo(dst, x, shift []float32, rows int) {
	for i, n := 0, len(shift); i < rows*n; i += n {
		addGo(dst[i:i+n], x[i:i+n], shift)
	}
}

func mulRowsGo(dst, x, scale []float32, rows int) {
	for i, n := 0, len(scale); i < rows*n; i += n {
		mulGo(dst[i:i+n], x[i:i+n], scale)
	}
}

func scaleShiftRowsGo(dst, x, scale, shift []float32, rows int) {
	n := len(scale)
	for i := range rows * n {
		dst[i] = x[i]*scale[i%n] + shift[i%n]
	}
}

func scaleShiftReluRowsGo(dst, x, scale, shift []float32, rows int) {
	scaleShiftRowsGo(dst, x, scale, shift, rows)
	reluGo(dst, dst)
}

func scaleShiftAddRowsGo(dst, x, r, scale, shift []float32, rows int) {
	n := len(scale)
	for i := range rows * n {
		dst[i] = x[i]*scale[i%n] + shift[i%n] + r[i]
	}
}

func scaleShiftAddReluRowsGo(dst, x, r, scale, shift []float32, rows int) {
	scaleShiftAddRowsGo(dst, x, r, scale, shift, rows)
	reluGo(dst, dst)
}

func normGradRowsGo(dx, dy, x, a, b, c []float32, rows int) {
	n := len(a)
	for i := range rows * n {
		j := i % n
		dx[i] = dy[i]*a[j] + (x[i]*b[j] + c[j])
	}
}

func normGradReluRowsGo(dx, dy, x, y, a, b, c []float32, rows int) {
	n := len(a)
	for i := range rows * n {
		j := i % n
		d := dy[i]
		if !(y[i] > 0) {
			d = 0
		}
		dx[i] = d*a[j] + (x[i]*b[j] + c[j])
	}
}

func sumRowsGo(sum, x []float32, rows int) {
	for j, n := 0, len(sum); j < n; j++ {
		var s float64
		for i := j; i < rows*n; i += n {
			s += float64(x[i])
		}
		sum[j] += float32(s)
	}
}

func momentsRowsGo(sum, square, x, shift []float32, rows int) {
	for j, n := 0, len(sum); j < n; j++ {
		var s, q float64
		for i := j; i < rows*n; i += n {
			d := float64(x[i] - shift[j])
			s += d
			q += d * d
		}
		sum[j] += float32(s)
		square[j] += float32(q)
	}
}

func gradSumsRowsGo(sum, product, dy, x, mean []float32, rows int) {
	for j, n := 0, len(sum); j < n; j++ {
		var s, p float64
		for i := j; i < rows*n; i += n {
			s += float64(dy[i])
			p += float64(dy[i]) * float64(x[i]-mean[j])
		}
		sum[j] += float32(s)
		product[j] += float32(p)
	}
}

func gradSumsReluRowsGo(sum, product, dy, x, y, mean []float32, rows int) {
	for j, n := 0, len(sum); j < n; j++ {
		var s, p float64
		for i := j; i < rows*n; i += n {
			if y[i] > 0 {
				s += float64(dy[i])
				p += float64(dy[i]) * float64(x[i]-mean[j])
			}
		}
		sum[j] += float32(s)
		product[j] += float32(p)
	}
}
