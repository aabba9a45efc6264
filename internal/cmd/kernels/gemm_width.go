package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// zmm is AVX-512: 16 lanes, and always a mask, which costs nothing.
type zmm struct{ context }

func (z *zmm) name(rows, vecs int) string {
	return tileName("AVX512r", rows, 16*vecs, "")
}

func (z *zmm) width() int          { return 64 }
func (z *zmm) reg() reg.VecVirtual { return z.ZMM() }

func (z *zmm) prologue(t reg.Register) {
	bits := z.GP32()
	z.MOVL(operand.Mem{Base: t, Disp: tileMask}, bits)
	z.KMOVW(bits, reg.K1)
}

func (z *zmm) load(m operand.Mem, v, vecs int, dst reg.VecVirtual) {
	if v+1 < vecs {
		z.VMOVUPS(m, dst)
		return
	}
	z.VMOVUPS_Z(m, reg.K1, dst)
}

func (z *zmm) store(src reg.VecVirtual, v, vecs int, m operand.Mem) {
	if v+1 < vecs {
		z.VMOVUPS(src, m)
		return
	}
	z.VMOVUPS(src, reg.K1, m)
}

func (z *zmm) addProduct(m operand.Mem, v, vecs int, scale, dst reg.VecVirtual) {
	if v+1 < vecs {
		z.VFMADD231PS(m, scale, dst)
		return
	}
	z.VFMADD231PS(m, scale, reg.K1, dst)
}

func (z *zmm) add(m operand.Mem, v, vecs int, dst reg.VecVirtual) {
	if v+1 < vecs {
		z.VADDPS(m, dst, dst)
		return
	}
	z.VADDPS(m, dst, reg.K1, dst)
}

func (z *zmm) zero(dst reg.VecVirtual) { z.VPXORD(dst, dst, dst) }

func (z *zmm) rowProduct(m operand.Mem, b, dst []reg.VecVirtual) {
	if len(b) == 1 {
		z.VFMADD231PS_BCST(m, b[0], dst[0])
		return
	}
	a := z.ZMM()
	z.VBROADCASTSS(m, a)
	for v := range b {
		z.VFMADD231PS(b[v], a, dst[v])
	}
}

// ymm is AVX2 with FMA: 8 lanes. Masked loads and stores are slower than others,
// so there are functions without.
type ymm struct {
	context
	masked bool
	table  operand.Mem
	mask   reg.VecVirtual
}

func (y *ymm) name(rows, vecs int) string {
	suffix := ""
	if y.masked {
		suffix = "m"
	}
	return tileName("AVX2r", rows, 8*vecs, suffix)
}

func (y *ymm) width() int          { return 32 }
func (y *ymm) reg() reg.VecVirtual { return y.YMM() }

func (y *ymm) prologue(t reg.Register) {
	if !y.masked {
		return
	}
	p := y.GP64()
	y.LEAQ(y.table.Offset(32), p)
	lanes := y.GP64()
	y.MOVQ(operand.Mem{Base: t, Disp: tileLanes}, lanes)
	y.SHLQ(operand.Imm(2), lanes)
	y.SUBQ(lanes, p)
	y.mask = y.YMM()
	y.VMOVDQU(operand.Mem{Base: p}, y.mask)
}

func (y *ymm) load(m operand.Mem, v, vecs int, dst reg.VecVirtual) {
	if y.masked && v+1 == vecs {
		y.VMASKMOVPS(m, y.mask, dst)
		return
	}
	y.VMOVUPS(m, dst)
}

func (y *ymm) store(src reg.VecVirtual, v, vecs int, m operand.Mem) {
	if y.masked && v+1 == vecs {
		y.VMASKMOVPS(src, y.mask, m)
		return
	}
	y.VMOVUPS(src, m)
}

func (y *ymm) addProduct(m operand.Mem, v, vecs int, scale, dst reg.VecVirtual) {
	x := y.YMM()
	y.load(m, v, vecs, x)
	y.VFMADD231PS(x, scale, dst)
}

func (y *ymm) add(m operand.Mem, v, vecs int, dst reg.VecVirtual) {
	x := y.YMM()
	y.load(m, v, vecs, x)
	y.VADDPS(x, dst, dst)
}

func (y *ymm) zero(dst reg.VecVirtual) { y.VXORPS(dst, dst, dst) }

func (y *ymm) rowProduct(m operand.Mem, b, dst []reg.VecVirtual) {
	a := y.YMM()
	y.VBROADCASTSS(m, a)
	for v := range b {
		y.VFMADD231PS(b[v], a, dst[v])
	}
}
