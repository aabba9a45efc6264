package vector

// give returns one result.
func give(a op) []op { return []op{a} }

// binary is a kernel of two slices.
func binary(name string, f func(e *emitter, a, b op) op) kernel {
	return kernel{
		name: name, write: "dst", read: "a b", unroll: 4,
		body: func(e *emitter, in []op) []op { return give(f(e, in[0], in[1])) },
	}
}

// scalar is a kernel of a slice and a number.
func scalar(name string, f func(e *emitter, x, s op) op) kernel {
	return kernel{
		name: name, write: "dst", read: "x", scalar: "s", unroll: 4,
		body: func(e *emitter, in []op) []op { return give(f(e, in[0], in[1])) },
	}
}

// largest and smallest are max and min that are NaN where a or b is NaN.
func (e *emitter) largest(a, b op) op {
	return e.choose(e.cmp(a, unordered, a), a, e.max(a, b))
}

func (e *emitter) smallest(a, b op) op {
	return e.choose(e.cmp(a, unordered, a), a, e.min(a, b))
}

var arithmetic = []kernel{
	binary("add", (*emitter).add),
	binary("sub", (*emitter).sub),
	binary("mul", (*emitter).mul),
	binary("div", (*emitter).div),
	binary("max", (*emitter).largest),
	binary("min", (*emitter).smallest),
	scalar("addScalar", (*emitter).add),
	scalar("mulScalar", (*emitter).mul),
	scalar("divScalar", (*emitter).div),
	scalar("maxScalar", (*emitter).largest),
	scalar("minScalar", (*emitter).smallest),
	scalar("scalarSub", func(e *emitter, x, s op) op { return e.sub(s, x) }),
	scalar("scalarDiv", func(e *emitter, x, s op) op { return e.div(s, x) }),
	{
		name: "axpy", write: "dst", read: "dst x", scalar: "s", unroll: 4,
		body: func(e *emitter, in []op) []op { return give(e.fma(in[1], in[2], in[0])) },
	},
	{
		name: "mulAdd", write: "dst", read: "dst a b", unroll: 4,
		body: func(e *emitter, in []op) []op { return give(e.fma(in[1], in[2], in[0])) },
	},
	{
		name: "scaleShift", write: "dst", read: "x", scalar: "s t", unroll: 4,
		body: func(e *emitter, in []op) []op { return give(e.fma(in[0], in[1], in[2])) },
	},
}
