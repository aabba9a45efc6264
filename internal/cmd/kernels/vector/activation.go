package vector

import "math"

// unary is a kernel of one slice.
func unary(name string, unroll int, f func(e *emitter, x op) op) kernel {
	return kernel{
		name: name, write: "dst", read: "x", unroll: unroll,
		body: func(e *emitter, in []op) []op { return give(f(e, in[0])) },
	}
}

// shaped is a kernel of one slice and some numbers.
func shaped(name, numbers string, f func(e *emitter, x op, s []op) op) kernel {
	return kernel{
		name: name, write: "dst", read: "x", scalar: numbers,
		body: func(e *emitter, in []op) []op { return give(f(e, in[0], in[1:])) },
	}
}

// unit is x between 0 and 1.
func (e *emitter) unit(x op) op { return e.clamp(x, 0, 1) }

// reciprocal is 1/x.
func (e *emitter) reciprocal(x op) op { return e.div(e.num(1), x) }

// Gelu in its tanh form is x·sigmoid(u(x)), where u(x) = x·(linear + cubic·x²).
// Beyond ±geluEnd the sigmoid is 0 or 1.
const (
	geluLinear = 2 * 0.7978845608028654 // √(2/π)
	geluCubic  = 0.044715 * geluLinear
	geluEnd    = 12
)

func (e *emitter) geluArgument(x op) op {
	x = e.clamp(x, -geluEnd, geluEnd)
	return e.mul(x, e.fma(e.mul(x, x), e.reg(e.num(geluCubic)), e.num(geluLinear)))
}

// softplus is the logarithm of 1 + exp(x).
func (e *emitter) softplus(x op) op {
	z := e.decay(e.or(x, e.bits(0x80000000)))
	return e.add(e.log1p(z), e.max(e.num(0), x))
}

// Beyond mishEnd, tanh(softplus(x)) is 1.
const mishEnd = 20

// mishParts is w = exp(x) and q = w·(w+2): tanh(softplus(x)) is q/(q+2).
func (e *emitter) mishParts(x op) (w, q op) {
	w = e.decay(e.min(e.num(mishEnd), x))
	return w, e.mul(w, e.add(w, e.num(2)))
}

var activations = []kernel{
	unary("relu", 4, func(e *emitter, x op) op { return e.max(e.num(0), x) }),
	unary("abs", 4, (*emitter).abs),
	unary("sqrt", 2, (*emitter).sqrt),
	unary("rsqrt", 2, func(e *emitter, x op) op { return e.reciprocal(e.sqrt(x)) }),
	unary("reciprocal", 2, (*emitter).reciprocal),
	unary("exp", 1, (*emitter).exp),
	unary("log", 1, (*emitter).log),
	unary("sigmoid", 1, (*emitter).sigmoid),
	unary("tanh", 1, (*emitter).tanh),
	unary("erf", 1, (*emitter).erf),
	unary("gelu", 1, func(e *emitter, x op) op {
		cdf, _ := e.normal(x)
		return e.mul(x, cdf)
	}),
	unary("geluTanh", 1, func(e *emitter, x op) op { return e.mul(x, e.sigmoid(e.geluArgument(x))) }),
	unary("silu", 1, func(e *emitter, x op) op { return e.mul(x, e.sigmoid(x)) }),
	unary("hardSwish", 2, func(e *emitter, x op) op {
		return e.mul(x, e.unit(e.fma(x, e.reg(e.num(1./6)), e.num(0.5))))
	}),
	unary("softplus", 1, (*emitter).softplus),
	unary("mish", 1, func(e *emitter, x op) op {
		_, q := e.mishParts(x)
		return e.mul(x, e.div(q, e.add(q, e.num(2))))
	}),
	shaped("clip", "lo hi", func(e *emitter, x op, s []op) op { return e.min(s[1], e.max(s[0], x)) }),
	shaped("leakyRelu", "alpha", func(e *emitter, x op, s []op) op {
		return e.choose(e.cmp(x, less, e.num(0)), e.mul(x, s[0]), x)
	}),
	shaped("hardSigmoid", "alpha beta", func(e *emitter, x op, s []op) op { return e.unit(e.fma(x, s[0], s[1])) }),
	shaped("elu", "alpha", func(e *emitter, x op, s []op) op {
		below := e.mul(s[0], e.expm1(e.clamp(x, -30, 0)))
		return e.choose(e.cmp(x, greaterThan, e.num(0)), x, below)
	}),
}

// gradient is a kernel that multiplies dy by a slope that depends on x, which
// may stand for the function's argument or its value.
func gradient(name, numbers string, slope func(e *emitter, x op, s []op) op) kernel {
	return kernel{
		name: name, write: "dx", read: "dy x", scalar: numbers,
		body: func(e *emitter, in []op) []op { return give(e.mul(slope(e, in[1], in[2:]), in[0])) },
	}
}

// pass is a kernel of dy and x that is short.
func pass(name, numbers string, f func(e *emitter, dy, x op, s []op) op) kernel {
	return kernel{
		name: name, write: "dx", read: "dy x", scalar: numbers, unroll: 2,
		body: func(e *emitter, in []op) []op { return give(f(e, in[0], in[1], in[2:])) },
	}
}

// within is the mask of the lanes with lo < x < hi.
func (e *emitter) within(x, lo, hi op) op {
	inside := e.choose(e.cmp(x, greaterThan, lo), x, hi)
	return e.cmp(inside, less, hi)
}

var gradients = []kernel{
	pass("reluGrad", "", func(e *emitter, dy, y op, _ []op) op { return e.where(e.cmp(y, greaterThan, e.num(0)), dy) }),
	pass("clipGrad", "lo hi", func(e *emitter, dy, x op, s []op) op { return e.where(e.within(x, s[0], s[1]), dy) }),
	pass("leakyReluGrad", "alpha", func(e *emitter, dy, x op, s []op) op {
		return e.choose(e.cmp(x, greaterThan, e.num(0)), dy, e.mul(dy, s[0]))
	}),
	pass("hardSigmoidGrad", "alpha", func(e *emitter, dy, y op, s []op) op {
		return e.where(e.within(y, e.reg(e.num(0)), e.reg(e.num(1))), e.mul(dy, s[0]))
	}),
	gradient("hardSwishGrad", "", func(e *emitter, x op, _ []op) op {
		slope := e.fma(x, e.reg(e.num(1./3)), e.num(0.5))
		slope = e.choose(e.cmp(x, lessEqual, e.num(-3)), e.num(0), slope)
		return e.choose(e.cmp(x, greaterThan, e.num(3)), e.num(1), slope)
	}),
	gradient("eluGrad", "alpha", func(e *emitter, y op, s []op) op {
		return e.choose(e.cmp(y, greaterThan, e.num(0)), e.num(1), e.add(y, s[0]))
	}),
	gradient("sigmoidGrad", "", func(e *emitter, y op, _ []op) op { return e.mul(e.sub(e.num(1), y), y) }),
	gradient("tanhGrad", "", func(e *emitter, y op, _ []op) op { return e.fnma(y, y, e.num(1)) }),
	gradient("sqrtGrad", "", func(e *emitter, y op, _ []op) op { return e.div(e.num(0.5), y) }),
	gradient("rsqrtGrad", "", func(e *emitter, y op, _ []op) op {
		return e.mul(e.mul(e.mul(y, y), y), e.num(-0.5))
	}),
	gradient("reciprocalGrad", "", func(e *emitter, y op, _ []op) op { return e.mul(e.mul(y, y), e.num(-1)) }),
	gradient("erfGrad", "", func(e *emitter, x op, _ []op) op {
		return e.mul(e.decay(e.mul(e.mul(x, x), e.num(-1))), e.num(2/math.Sqrt(math.Pi)))
	}),
	gradient("geluGrad", "", func(e *emitter, x op, _ []op) op {
		cdf, density := e.normal(x)
		bounded := e.clamp(x, -normalEnd, normalEnd)
		return e.fma(bounded, e.mul(density, e.num(1/math.Sqrt(2*math.Pi))), cdf)
	}),
	gradient("geluTanhGrad", "", func(e *emitter, x op, _ []op) op {
		x = e.clamp(x, -geluEnd, geluEnd)
		gate, rise := e.sigmoidRise(e.geluArgument(x))
		slope := e.mul(x, e.fma(e.mul(x, x), e.reg(e.num(3*geluCubic)), e.num(geluLinear)))
		return e.fma(slope, rise, gate)
	}),
	gradient("siluGrad", "", func(e *emitter, x op, _ []op) op {
		x = e.clamp(x, expLow, -expLow)
		s, rise := e.sigmoidRise(x)
		return e.fma(x, rise, s)
	}),
	gradient("softplusGrad", "", func(e *emitter, x op, _ []op) op { return e.sigmoid(x) }),
	gradient("mishGrad", "", func(e *emitter, x op, _ []op) op {
		x = e.clamp(x, expLow, mishEnd)
		w, q := e.mishParts(x)
		inverse := e.reciprocal(e.add(q, e.num(2)))
		rise := e.mul(e.mul(e.mul(e.add(w, e.num(1)), w), e.num(4)), e.mul(inverse, inverse))
		return e.fma(x, rise, e.mul(q, inverse))
	}),
}
