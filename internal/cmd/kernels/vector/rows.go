package vector

import "strings"

// affine is a kernel of matrices: x scaled and shifted column by column,
// with what the flags add to it.
func affine(name string, scaled, added, rectified bool) kernel {
	k := kernel{name: name, write: "dst", read: "x", row: "shift"}
	if added {
		k.read += " r"
	}
	if scaled {
		k.read += " scale"
		k.row = "scale shift"
	}
	k.read += " shift"
	at := func(name string) int {
		for i, s := range strings.Fields(k.read) {
			if s == name {
				return i
			}
		}
		panic(name)
	}
	k.body = func(e *emitter, in []op) []op {
		y := in[at("x")]
		if scaled {
			y = e.fma(y, in[at("scale")], in[at("shift")])
		} else {
			y = e.add(y, in[at("shift")])
		}
		if added {
			y = e.add(y, in[at("r")])
		}
		if rectified {
			y = e.max(e.num(0), y)
		}
		return give(y)
	}
	return k
}

// rowwise are the kernels of matrices with vectors that serve every row.
var rowwise = []kernel{
	affine("biasRows", false, false, false),
	affine("scaleShiftRows", true, false, false),
	affine("scaleShiftReluRows", true, false, true),
	affine("scaleShiftAddRows", true, true, false),
	affine("scaleShiftAddReluRows", true, true, true),
	{
		name: "mulRows", write: "dst", read: "x scale", row: "scale",
		body: func(e *emitter, in []op) []op { return give(e.mul(in[0], in[1])) },
	},
	{
		name: "normGradRows", write: "dx", read: "dy x a b c", row: "a b c",
		body: func(e *emitter, in []op) []op {
			return give(e.fma(in[0], in[2], e.fma(in[1], in[3], in[4])))
		},
	},
	{
		name: "normGradReluRows", write: "dx", read: "dy x y a b c", row: "a b c",
		body: func(e *emitter, in []op) []op {
			dy := e.where(e.cmp(in[2], greaterThan, e.num(0)), in[0])
			return give(e.fma(dy, in[3], e.fma(in[1], in[4], in[5])))
		},
	},
}

// columns are the sums over rows.
var columns = []columnKernel{
	{
		name: "sumRows", write: "sum", read: "x",
		body: func(e *emitter, in []op) { e.sum(0, in[0]) },
	},
	{
		name: "momentsRows", write: "sum square", read: "x", row: "shift",
		body: func(e *emitter, in []op) {
			d := e.sub(in[0], in[1])
			e.sum(0, d)
			e.into(fma231, d, d, e.acc[1])
		},
	},
	{
		name: "gradSumsRows", write: "sum product", read: "dy x", row: "mean",
		body: func(e *emitter, in []op) {
			e.sum(0, in[0])
			e.into(fma231, in[0], e.sub(in[1], in[2]), e.acc[1])
		},
	},
	{
		name: "gradSumsReluRows", write: "sum product", read: "dy x y", row: "mean",
		body: func(e *emitter, in []op) {
			dy := e.where(e.cmp(in[2], greaterThan, e.num(0)), in[0])
			e.sum(0, dy)
			e.into(fma231, dy, e.sub(in[1], in[3]), e.acc[1])
		},
	},
}
