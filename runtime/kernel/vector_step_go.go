package kernel

import "math"

func sgdGo(w, g []float32, rate, l2, keep float32) {
	for i, d := range g {
		w[i] = w[i]*keep + rate*(d+l2*w[i])
	}
}

func momentumGo(w, v, g []float32, rate, l2, keep, mu float32) {
	for i, d := range g {
		v[i] = mu*v[i] + (d + l2*w[i])
		w[i] = w[i]*keep + rate*v[i]
	}
}

func nesterovGo(w, v, g []float32, rate, l2, keep, mu float32) {
	for i, d := range g {
		d += l2 * w[i]
		v[i] = mu*v[i] + d
		w[i] = w[i]*keep + rate*(mu*v[i]+d)
	}
}

func adamGo(w, m, v, g []float32, rate, l2, keep, beta1, rest1, beta2, rest2, correct, eps float32) {
	for i, d := range g {
		d += l2 * w[i]
		m[i] = beta1*m[i] + rest1*d
		v[i] = beta2*v[i] + rest2*d*d
		root := float32(math.Sqrt(float64(v[i])))
		w[i] = w[i]*keep + rate*(m[i]/(root*correct+eps))
	}
}
