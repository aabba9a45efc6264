package vector

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
)

// num is the constant v, rounded to float32.
func (e *emitter) num(v float64) op { return e.bits(math.Float32bits(float32(v))) }

// split is v as a sum of two numbers, the first of so few digits that its
// product with a small integer is exact.
func split(v float64) (hi, lo float64) {
	hi = float64(math.Float32frombits(math.Float32bits(float32(v)) &^ 0xfff))
	return hi, v - hi
}

// Beyond these arguments e to the power of x is 0 or infinite in float32.
const (
	expLow  = -104
	expHigh = 89
)

// expTail is (exp(r) - 1 - r)/r².
var expTail = fit(func(r float64) float64 {
	if math.Abs(r) < 1e-3 {
		return 1./2 + r/6 + r*r/24
	}
	return (math.Expm1(r) - r) / (r * r)
}, -math.Ln2/2, math.Ln2/2, 4)

// A float32 of this size has no fraction, and the last bits of its
// representation count up from rounder as the number does.
const rounder = 3 << 22

// reduce writes x as n·ln 2 + r with n whole and r at most ln 2 / 2 in size;
// count is n + rounder.
func (e *emitter) reduce(x op) (count, n, r op) {
	count = e.fma(x, e.num(math.Log2E), e.reg(e.num(rounder)))
	n = e.sub(count, e.num(rounder))
	hi, lo := split(math.Ln2)
	r = e.fnma(n, e.num(hi), x)
	e.into(fnma231, n, e.num(lo), r)
	return count, n, r
}

// exp is e to the power of x.
func (e *emitter) exp(x op) op { return e.decay(e.min(e.num(expHigh), x)) }

// decay is e to the power of x for x up to expHigh. What is 0 in float32 is
// not computed but set: arithmetic that underflows takes the processor a
// hundred times as long, and masked attention is full of it.
func (e *emitter) decay(x op) op {
	alive := e.cmp(x, notLess, e.num(expLow))
	if !e.wide {
		x = e.where(alive, x)
	}
	count, n, r := e.reduce(x)
	p := e.horner(r, append([]float64{1, 1}, expTail...))
	if e.wide {
		d := e.vec()
		e.VSCALEFPS_Z(n, p, alive, d)
		return d
	}
	// In two steps, since 2ⁿ may be too large or too small for a float32
	// where the product is not.
	whole := e.subInt(count, e.num(rounder))
	half := e.vec()
	e.VPSRAD(operand.Imm(1), whole, half)
	return e.where(alive, e.mul(e.mul(p, e.power(half)), e.power(e.subInt(whole, half))))
}

// power is 2 to the power of an integer.
func (e *emitter) power(n op) op {
	d := e.vec()
	e.VPSLLD(operand.Imm(23), e.addInt(n, e.bits(127)), d)
	return d
}

// expm1 is e to the power of x, less one, for x from -30, where it is -1, to
// 87.
func (e *emitter) expm1(x op) op {
	count, _, r := e.reduce(x)
	scale := e.power(count) // what count has more than n is shifted out
	tail := e.horner(r, expTail)
	p := e.copy(r)
	e.into(fma231, e.mul(r, r), tail, p)
	return e.fma(scale, p, e.sub(scale, e.num(1)))
}

// logTail is (log(1+f) - f + f²/2)/f³.
var logTail = fit(func(f float64) float64 {
	if math.Abs(f) < 1e-3 {
		return 1./3 - f/4 + f*f/5
	}
	return (math.Log1p(f) - f + f*f/2) / (f * f * f)
}, math.Sqrt2/2-1, math.Sqrt2-1, 8)

// log is the natural logarithm.
func (e *emitter) log(x op) op {
	tiny := e.cmp(x, less, e.num(0x1p-126))
	y := e.choose(tiny, e.mul(x, e.num(0x1p23)), x)
	base := e.bits(math.Float32bits(math.Sqrt2 / 2))
	y = e.subInt(y, base)
	n := e.vec()
	e.VPSRAD(operand.Imm(23), y, n)
	e.VCVTDQ2PS(n, n)
	shift := e.where(tiny, e.reg(e.num(23)))
	e.VSUBPS(shift, n, n)
	m := e.addInt(e.and(y, e.bits(0x7fffff)), base)
	f := e.sub(m, e.num(1))
	ff := e.mul(f, f)
	hi, lo := split(math.Ln2)
	p := e.mul(e.mul(e.horner(f, logTail), ff), f)
	e.into(fma231, n, e.num(lo), p)
	e.into(fnma231, ff, e.num(0.5), p)
	p = e.add(p, f)
	e.into(fma231, n, e.num(hi), p)
	p = e.choose(e.cmp(x, equal, e.num(0)), e.num(math.Inf(-1)), p)
	p = e.choose(e.cmp(x, less, e.num(0)), e.bits(0x7fc00000), p)
	return e.choose(e.cmp(x, notLess, e.num(math.Inf(1))), x, p)
}

// log1pRatio is log(1+z)/z at z = u + 1/2.
var log1pRatio = fit(func(u float64) float64 { return math.Log1p(u+0.5) / (u + 0.5) }, -0.5, 0.5, 10)

// log1p is the logarithm of 1+z for z from 0 to 1.
func (e *emitter) log1p(z op) op {
	return e.mul(z, e.horner(e.sub(z, e.num(0.5)), log1pRatio))
}

// sigmoid is 1/(1 + exp(-x)).
func (e *emitter) sigmoid(x op) op {
	near, far := e.sigmoids(x)
	return e.choose(e.cmp(x, less, e.num(0)), far, near)
}

// sigmoidRise is the sigmoid of x and its derivative.
func (e *emitter) sigmoidRise(x op) (s, rise op) {
	near, far := e.sigmoids(x)
	return e.choose(e.cmp(x, less, e.num(0)), far, near), e.mul(near, far)
}

// sigmoids are the sigmoids of |x| and of -|x|, each to all its digits.
func (e *emitter) sigmoids(x op) (near, far op) {
	z := e.decay(e.or(x, e.bits(0x80000000)))
	near = e.div(e.num(1), e.add(z, e.num(1)))
	return near, e.mul(near, z)
}

// tanh is the hyperbolic tangent, which is 1 in float32 from 10 on.
func (e *emitter) tanh(x op) op {
	a := e.min(e.num(10), e.abs(x))
	m := e.expm1(e.add(a, a))
	return e.or(e.div(m, e.add(m, e.num(2))), e.sign(x))
}

const (
	erfEnd    = 3.95 // from here on it is 1
	erfMiddle = (1 + erfEnd) / 2
)

var (
	erfSmall = fit(func(t float64) float64 {
		if t < 1e-6 {
			return 2 / math.Sqrt(math.Pi) * (1 - t/3)
		}
		return math.Erf(math.Sqrt(t)) / math.Sqrt(t)
	}, 0, 1, 6)
	erfLarge = fit(func(u float64) float64 { return math.Erf(u + erfMiddle) }, 1-erfMiddle, erfEnd-erfMiddle, 12)
)

// erf is the error function.
func (e *emitter) erf(x op) op {
	a := e.min(e.num(erfEnd), e.abs(x))
	large := e.horner(e.sub(a, e.num(erfMiddle)), erfLarge)
	large = e.or(e.min(e.num(1), large), e.sign(x))
	small := e.mul(x, e.horner(e.mul(x, x), erfSmall))
	return e.choose(e.cmp(a, less, e.num(1)), small, large)
}

const (
	normalEnd    = 14.5 // from here on the tail of the normal distribution is 0
	normalPole   = 3.0
	normalFirst  = 1 / (normalEnd + normalPole)
	normalLast   = 1 / normalPole
	normalMiddle = (normalFirst + normalLast) / 2
)

// normalTail is the tail of the normal distribution beyond a, divided by
// exp(-a²/2)·t, where t = 1/(a+normalPole), at t = u + normalMiddle.
var normalTail = fit(func(u float64) float64 {
	t := u + normalMiddle
	a := 1/t - normalPole
	return math.Erfc(a/math.Sqrt2) / 2 * math.Exp(a*a/2) / t
}, normalFirst-normalMiddle, normalLast-normalMiddle, 8)

// normal is Φ(x), the distribution function of the standard normal
// distribution, and its derivative times √2π.
func (e *emitter) normal(x op) (cdf, density op) {
	a := e.min(e.num(normalEnd), e.abs(x))
	minusHalf := e.mul(a, e.num(-0.5))
	power := e.mul(minusHalf, a)
	rest := e.copy(power)
	e.VFMSUB231PS(minusHalf, a, rest)
	density = e.decay(power)
	t := e.div(e.num(1), e.add(a, e.num(normalPole)))
	tail := e.mul(e.mul(t, density), e.horner(e.sub(t, e.num(normalMiddle)), normalTail))
	// The power has more digits than a float32, and far out they count.
	e.into(fma231, rest, tail, tail)
	return e.choose(e.cmp(x, less, e.num(0)), tail, e.sub(e.num(1), tail)), density
}
