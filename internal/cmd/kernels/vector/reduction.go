package vector

import "math"

// sum adds to running result i what the active lanes of a hold.
func (e *emitter) sum(i int, a op) { e.into(addPS, e.acc[i], e.present(a), e.acc[i]) }

// total is a kernel of sums; its body names what is summed.
func total(k kernel, terms func(e *emitter, in []op)) kernel {
	k.fold = (*emitter).add
	k.body = func(e *emitter, in []op) []op {
		terms(e, in)
		return nil
	}
	return k
}

// extreme is a kernel that finds a largest or smallest element.
func extreme(name string, initial float64, fold func(e *emitter, a, b op) op) kernel {
	return kernel{
		name: name, read: "x", unroll: 4, results: "extreme", initial: initial, fold: fold,
		body: func(e *emitter, in []op) []op {
			next := fold(e, in[0], e.acc[0])
			if e.masked {
				next = e.choose(e.active, next, e.acc[0])
			}
			e.set(0, next)
			return nil
		},
	}
}

// expSum is the kernel of the sum of exp(x-m), where m is the largest of x; it
// also stores what it sums if write is not empty.
func expSum(name, write string) kernel {
	return kernel{
		name: name, write: write, read: "x", scalar: "m", results: "sum", fold: (*emitter).add,
		body: func(e *emitter, in []op) []op {
			y := e.decay(e.sub(in[0], in[1]))
			e.sum(0, y)
			if write == "" {
				return nil
			}
			return give(y)
		},
	}
}

var reductions = []kernel{
	total(kernel{name: "sum", read: "x", results: "sum", unroll: 4}, func(e *emitter, in []op) { e.sum(0, in[0]) }),
	total(kernel{name: "sumSquares", read: "x", results: "sum", unroll: 4}, func(e *emitter, in []op) {
		e.into(fma231, in[0], in[0], e.acc[0])
	}),
	total(kernel{name: "dot", read: "a b", results: "sum", unroll: 4}, func(e *emitter, in []op) {
		e.into(fma231, in[0], in[1], e.acc[0])
	}),
	total(kernel{name: "sumSquaresAbout", read: "x", scalar: "m", results: "sum", unroll: 2}, func(e *emitter, in []op) {
		d := e.present(e.sub(in[0], in[1]))
		e.into(fma231, d, d, e.acc[0])
	}),
	extreme("largest", math.Inf(-1), (*emitter).largest),
	extreme("smallest", math.Inf(1), (*emitter).smallest),
	expSum("expSum", "dst"),
	expSum("sumExp", ""),
}
