package vector

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// newMask is a register for a mask: one bit per lane under AVX-512, a whole
// lane under AVX2.
func (e *emitter) newMask() op {
	if e.wide {
		return e.K()
	}
	return e.YMM()
}

// setAll makes m the mask of all lanes.
func (e *emitter) setAll(m op) {
	if e.wide {
		ones := e.GP32()
		e.MOVL(operand.U32(0xffff), ones)
		e.KMOVW(ones, m)
		return
	}
	e.VMOVUPS(edge().Offset(-32), m)
}

// setFirst makes m the mask of the first n lanes, n at most their number.
func (e *emitter) setFirst(m op, n reg.GPVirtual) {
	if e.wide {
		ones := e.GP32()
		e.MOVL(operand.U32(0xffff), ones)
		e.BZHIL(n.As32(), ones, ones)
		e.KMOVW(ones, m)
		return
	}
	table, back := e.GP64(), e.GP64()
	e.LEAQ(edge(), table)
	e.MOVQ(n, back)
	e.NEGQ(back)
	e.VMOVUPS(operand.Mem{Base: table, Index: back, Scale: 4}, m)
}

// loadMasked fills d from memory, with zeros in the lanes that are not
// active, of which it reads nothing.
func (e *emitter) loadMasked(m operand.Mem, d op) {
	if e.wide {
		e.VMOVUPS_Z(m, e.active, d)
	} else {
		e.VMASKMOVPS(m, e.active, d)
	}
}

// storeMasked writes the active lanes and nothing else.
func (e *emitter) storeMasked(a op, m operand.Mem) {
	if e.wide {
		e.VMOVUPS(a, e.active, m)
	} else {
		e.VMASKMOVPS(a, e.active, m)
	}
}

// turns are the permutations of a vector after each of which half as many
// lanes are left to combine.
func (e *emitter) turns() []func(op) op {
	within := func(order uint64) func(op) op {
		return func(a op) op {
			d := e.vec()
			e.VPERMILPS(operand.Imm(order), a, d)
			return d
		}
	}
	quarters := func(order uint64) func(op) op {
		return func(a op) op {
			d := e.vec()
			e.VSHUFF32X4(operand.Imm(order), a, a, d)
			return d
		}
	}
	halves := func(a op) op {
		d := e.vec()
		e.VPERM2F128(operand.Imm(1), a, a, d)
		return d
	}
	if e.wide {
		return []func(op) op{quarters(0x4e), quarters(0xb1), within(0x4e), within(0xb1)}
	}
	return []func(op) op{halves, within(0x4e), within(0xb1)}
}
