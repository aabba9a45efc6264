package vector

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// emitTranspose writes the transposition of a square block of as many rows
// and columns as a vector has lanes.
func emitTranspose(c *build.Context, wide bool, suffix string) {
	e := &emitter{Context: c, wide: wide}
	e.open("transposeBlock"+suffix, "func(dst, src []float32, dstStride, srcStride int)")
	rows := make([]op, e.lanes())
	e.walk("src", "srcStride", len(rows), func(i int, m operand.Mem) {
		d := e.vec()
		e.VMOVUPS(m, d)
		rows[i] = d
	})
	rows = e.transposeQuarters(rows)
	if wide {
		rows = e.exchange(rows, 4, 0x88, 0xdd)
		rows = e.exchange(rows, 8, 0x88, 0xdd)
	} else {
		rows = e.exchange(rows, 4, 0x20, 0x31)
	}
	e.walk("dst", "dstStride", len(rows), func(i int, m operand.Mem) { e.VMOVUPS(rows[i], m) })
	e.VZEROUPPER()
	e.RET()
}

// walk visits the addresses of the first n rows of a matrix.
func (e *emitter) walk(base, stride string, n int, visit func(int, operand.Mem)) {
	p := e.Load(e.Param(base).Base(), e.GP64())
	step := e.Load(e.Param(stride), e.GP64())
	e.SHLQ(operand.Imm(2), step)
	for i := range n {
		visit(i, operand.Mem{Base: p})
		if i < n-1 {
			e.ADDQ(step, p)
		}
	}
}

// transposeQuarters transposes the 4×4 blocks within groups of four rows:
// column j of 128-bit part p of rows 4g to 4g+3 comes to part p of row 4g+j.
func (e *emitter) transposeQuarters(rows []op) []op {
	out := make([]op, len(rows))
	for g := 0; g < len(rows); g += 4 {
		a, b, c, d := rows[g], rows[g+1], rows[g+2], rows[g+3]
		lowAB, highAB := e.apply(e.VUNPCKLPS, b, a), e.apply(e.VUNPCKHPS, b, a)
		lowCD, highCD := e.apply(e.VUNPCKLPS, d, c), e.apply(e.VUNPCKHPS, d, c)
		out[g], out[g+1] = e.apply(e.VUNPCKLPD, lowCD, lowAB), e.apply(e.VUNPCKHPD, lowCD, lowAB)
		out[g+2], out[g+3] = e.apply(e.VUNPCKLPD, highCD, highAB), e.apply(e.VUNPCKHPD, highCD, highAB)
	}
	return out
}

func (e *emitter) apply(in func(...op), a, b op) op {
	d := e.vec()
	in(a, b, d)
	return d
}

// exchange pairs the rows that lie distance apart and gathers the 128-bit
// parts that low and high select from each pair.
func (e *emitter) exchange(rows []op, distance int, low, high uint64) []op {
	shuffle := func(order uint64, a, b op) op {
		d := e.vec()
		if e.wide {
			e.VSHUFF32X4(operand.Imm(order), b, a, d)
		} else {
			e.VPERM2F128(operand.Imm(order), b, a, d)
		}
		return d
	}
	out := make([]op, len(rows))
	for i := range rows {
		if i&distance == 0 {
			out[i] = shuffle(low, rows[i], rows[i+distance])
			out[i+distance] = shuffle(high, rows[i], rows[i+distance])
		}
	}
	return out
}

// set makes running result i hold a.
func (e *emitter) set(i int, a op) { e.VMOVAPS(a, e.acc[i].(reg.VecVirtual)) }
