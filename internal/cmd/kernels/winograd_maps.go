package main

import (
	"math"
	"strconv"

	"github.com/mmcloughlin/avo/reg"
)

// The points are 0, ±p, ±q and infinity.
const (
	p = 1 / math.Sqrt2
	q = math.Sqrt2
)

func hex(bits uint32) string { return strconv.FormatUint(uint64(bits), 16) }

// inputTransform multiplies by Bᵀ, whose rows are the polynomials that vanish at
// all points but one.
func inputTransform(a *arithmetic, d []reg.VecVirtual) []reg.VecVirtual {
	first := a.plus(a.sum(d[0], d[4]), -2.5, d[2])
	last := a.plus(a.sum(d[1], d[5]), -2.5, d[3])
	y1, y2 := a.both(a.plus(d[4], -q*q, d[2]), a.plus(a.times(p, d[3]), -p*q*q, d[1]))
	y3, y4 := a.both(a.plus(d[4], -p*p, d[2]), a.plus(a.times(q, d[3]), -q*p*p, d[1]))
	return []reg.VecVirtual{first, y1, y2, y3, y4, last}
}

// outputTransform multiplies by Aᵀ, whose columns are the powers of the points.
func outputTransform(a *arithmetic, m []reg.VecVirtual) []reg.VecVirtual {
	s, d := a.both(m[1], m[2])
	t, e := a.both(m[3], m[4])
	return []reg.VecVirtual{
		a.sum(m[0], a.sum(s, t)),
		a.plus(a.times(p, d), q, e),
		a.plus(a.times(p*p, s), q*q, t),
		a.sum(m[5], a.plus(a.times(p*p*p, d), q*q*q, e)),
	}
}

// slopeTransform multiplies by A.
func slopeTransform(a *arithmetic, y []reg.VecVirtual) []reg.VecVirtual {
	m1, m2 := a.both(a.plus(y[0], p*p, y[2]), a.plus(a.times(p, y[1]), p*p*p, y[3]))
	m3, m4 := a.both(a.plus(y[0], q*q, y[2]), a.plus(a.times(q, y[1]), q*q*q, y[3]))
	return []reg.VecVirtual{y[0], m1, m2, m3, m4, y[3]}
}

// filterTransform multiplies by G, whose rows are the powers of the points, over
// what the polynomial of Bᵀ is there.
func filterTransform(a *arithmetic, g []reg.VecVirtual) []reg.VecVirtual {
	u1, u2 := a.both(a.plus(a.times(-2./3, g[0]), -1./3, g[2]), a.times(-2*p/3, g[1]))
	u3, u4 := a.both(a.plus(a.times(1./6, g[0]), 1./3, g[2]), a.times(q/6, g[1]))
	return []reg.VecVirtual{g[0], u1, u2, u3, u4, g[2]}
}

// filterSlopeTransform multiplies by Gᵀ.
func filterSlopeTransform(a *arithmetic, u []reg.VecVirtual) []reg.VecVirtual {
	s, d := a.both(u[1], u[2])
	t, e := a.both(u[3], u[4])
	return []reg.VecVirtual{
		a.plus(a.plus(u[0], -2./3, s), 1./6, t),
		a.plus(a.times(-2*p/3, d), q/6, e),
		a.plus(a.plus(u[5], -1./3, s), 1./3, t),
	}
}

// outputTransform2 is outputTransform for two outputs.
func outputTransform2(a *arithmetic, m []reg.VecVirtual) []reg.VecVirtual {
	s, d := a.both(m[1], m[2])
	t, e := a.both(m[3], m[4])
	return []reg.VecVirtual{
		a.sum(m[0], a.sum(s, t)),
		a.sum(m[5], a.plus(a.times(p, d), q, e)),
	}
}

// slopeTransform2 is slopeTransform for two outputs.
func slopeTransform2(a *arithmetic, y []reg.VecVirtual) []reg.VecVirtual {
	return []reg.VecVirtual{
		y[0], a.plus(y[0], p, y[1]), a.plus(y[0], -p, y[1]), a.plus(y[0], q, y[1]), a.plus(y[0], -q, y[1]), y[1],
	}
}

// filterTransform5 is filterTransform for five taps.
func filterTransform5(a *arithmetic, g []reg.VecVirtual) []reg.VecVirtual {
	even := a.plus(a.plus(a.times(-2./3, g[0]), -1./3, g[2]), -1./6, g[4])
	u1, u2 := a.both(even, a.plus(a.times(-2*p/3, g[1]), -2*p*p*p/3, g[3]))
	even = a.plus(a.plus(a.times(1./6, g[0]), 1./3, g[2]), 2./3, g[4])
	u3, u4 := a.both(even, a.plus(a.times(q/6, g[1]), q*q*q/6, g[3]))
	return []reg.VecVirtual{g[0], u1, u2, u3, u4, g[4]}
}

// filterSlopeTransform5 is filterSlopeTransform for five taps.
func filterSlopeTransform5(a *arithmetic, u []reg.VecVirtual) []reg.VecVirtual {
	s, d := a.both(u[1], u[2])
	t, e := a.both(u[3], u[4])
	return []reg.VecVirtual{
		a.plus(a.plus(u[0], -2./3, s), 1./6, t),
		a.plus(a.times(-2*p/3, d), q/6, e),
		a.plus(a.times(-1./3, s), 1./3, t),
		a.plus(a.times(-2*p*p*p/3, d), q*q*q/6, e),
		a.plus(a.plus(u[5], -1./6, s), 2./3, t),
	}
}
