package kernel

import "math"

func subTwiceGo(dst, x []float32, s, t float32) {
	for i, v := range x {
		dst[i] = v - s - t
	}
}

func softmaxGradGo(dx, dy, y []float32, s float32) {
	for i, d := range dy {
		dx[i] = (d - s) * y[i]
	}
}

func logSoftmaxGradGo(dx, dy, y []float32, s float32) {
	for i, d := range dy {
		dx[i] = d - s*float32(math.Exp(float64(y[i])))
	}
}

func normaliseGo(dst, x, scale []float32, mean, inv float32) {
	for i, v := range x {
		dst[i] = (v - mean) * inv * scale[i]
	}
}

func normaliseShiftGo(dst, x, scale, shift []float32, mean, inv float32) {
	for i, v := range x {
		dst[i] = (v-mean)*inv*scale[i] + shift[i]
	}
}

func normSumsGo(dscale, dy, x, scale []float32, mean, inv float32) (sum, product float32) {
	var s, p float64
	for i, d := range dy {
		unit := (x[i] - mean) * inv
		g := d * scale[i]
		s += float64(g)
		p += float64(g) * float64(unit)
		dscale[i] += d * unit
	}
	return float32(s), float32(p)
}

func normGradGo(dx, dy, x, scale []float32, inv, a, b float32) {
	for i, d := range dy {
		dx[i] = x[i]*a + b + d*scale[i]*inv
	}
}
