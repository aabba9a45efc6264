package vector

// normal are the kernels of softmax and of normalisation within a row.
var normal = []kernel{
	{
		name: "subTwice", write: "dst", read: "x", scalar: "s t", unroll: 2,
		body: func(e *emitter, in []op) []op { return give(e.sub(e.sub(in[0], in[1]), in[2])) },
	},
	{
		name: "softmaxGrad", write: "dx", read: "dy y", scalar: "s", unroll: 2,
		body: func(e *emitter, in []op) []op { return give(e.mul(e.sub(in[0], in[2]), in[1])) },
	},
	{
		name: "logSoftmaxGrad", write: "dx", read: "dy y", scalar: "s",
		body: func(e *emitter, in []op) []op { return give(e.fnma(e.exp(in[1]), in[2], in[0])) },
	},
	{
		name: "normalise", write: "dst", read: "x scale", scalar: "mean inv", unroll: 2,
		body: func(e *emitter, in []op) []op {
			return give(e.mul(e.mul(e.sub(in[0], in[2]), in[3]), in[1]))
		},
	},
	{
		name: "normaliseShift", write: "dst", read: "x scale shift", scalar: "mean inv", unroll: 2,
		body: func(e *emitter, in []op) []op {
			return give(e.fma(e.mul(e.sub(in[0], in[3]), in[4]), in[1], in[2]))
		},
	},
	{
		name: "normSums", write: "dscale", read: "dscale dy x scale", scalar: "mean inv",
		results: "sum product", fold: (*emitter).add,
		body: func(e *emitter, in []op) []op {
			unit := e.mul(e.sub(in[2], in[4]), in[5])
			g := e.mul(in[1], in[3])
			e.sum(0, g)
			e.into(fma231, g, unit, e.acc[1])
			return give(e.fma(in[1], unit, in[0]))
		},
	},
	{
		name: "normGrad", write: "dx", read: "dy x scale", scalar: "inv a b", unroll: 2,
		body: func(e *emitter, in []op) []op {
			g := e.mul(e.mul(in[0], in[2]), in[3])
			return give(e.add(e.fma(in[1], in[4], in[5]), g))
		},
	},
}

// decayed is the gradient with the L2 penalty, and the weight that
// decoupled decay leaves.
func decayed(e *emitter, w, g, l2, keep op) (kept, grad op) {
	return e.mul(w, keep), e.fma(w, l2, g)
}

// optimisers are steps of gradient descent; rate is negative.
var optimisers = []kernel{
	{
		name: "sgd", write: "w", read: "w g", scalar: "rate l2 keep", unroll: 2,
		body: func(e *emitter, in []op) []op {
			w, g := decayed(e, in[0], in[1], in[3], in[4])
			return give(e.fma(g, in[2], w))
		},
	},
	{
		name: "momentum", write: "w v", read: "w v g", scalar: "rate l2 keep mu", unroll: 2,
		body: func(e *emitter, in []op) []op {
			w, g := decayed(e, in[0], in[2], in[4], in[5])
			v := e.fma(in[1], in[6], g)
			return []op{e.fma(v, in[3], w), v}
		},
	},
	{
		name: "nesterov", write: "w v", read: "w v g", scalar: "rate l2 keep mu", unroll: 2,
		body: func(e *emitter, in []op) []op {
			w, g := decayed(e, in[0], in[2], in[4], in[5])
			v := e.fma(in[1], in[6], g)
			return []op{e.fma(e.fma(v, in[6], g), in[3], w), v}
		},
	},
	{
		name: "adam", write: "w m v", read: "w m v g", scalar: "rate l2 keep beta1 rest1 beta2 rest2 correct eps",
		body: func(e *emitter, in []op) []op {
			s := in[4:]
			w, g := decayed(e, in[0], in[3], s[1], s[2])
			m := e.fma(in[1], s[3], e.mul(g, s[4]))
			v := e.fma(in[2], s[5], e.mul(e.mul(g, g), s[6]))
			step := e.div(m, e.fma(e.sqrt(v), s[7], s[8]))
			return []op{e.fma(step, s[0], w), m, v}
		},
	},
}
