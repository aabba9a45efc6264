package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// transpose writes the function that transposes blocks of 8×8 numbers: from 8
// rows at src to 8·blocks rows at dst. Strides are in bytes.
func transpose(c *build.Context) {
	c.Function("transposeAVX")
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func(dst *float32, dstRow uintptr, src *float32, srcRow uintptr, blocks int)")
	c.Pragma("noescape")
	dst := c.Load(c.Param("dst"), c.GP64())
	dstRow := c.Load(c.Param("dstRow"), c.GP64()).(reg.GPVirtual)
	src := c.Load(c.Param("src"), c.GP64()).(reg.GPVirtual)
	srcRow := c.Load(c.Param("srcRow"), c.GP64()).(reg.GPVirtual)
	blocks := c.Load(c.Param("blocks"), c.GP64())
	in := newRowPointers(c, src, srcRow, 8)

	c.Label("block")
	var rows [8]reg.VecVirtual
	for i := range 4 {
		// Halves of rows i and i+4 side by side, so that no step below crosses lanes.
		rows[i], rows[i+4] = c.YMM(), c.YMM()
		low, high := in.at(i), in.at(i+4)
		c.VMOVUPS(low, rows[i].AsX())
		c.VINSERTF128(operand.Imm(1), high, rows[i], rows[i])
		low.Disp, high.Disp = 16, 16
		c.VMOVUPS(low, rows[i+4].AsX())
		c.VINSERTF128(operand.Imm(1), high, rows[i+4], rows[i+4])
	}
	for _, half := range [][]reg.VecVirtual{rows[:4], rows[4:]} {
		for _, r := range quarter(c, half) {
			c.VMOVUPS(r, operand.Mem{Base: dst})
			c.ADDQ(dstRow, dst)
		}
	}
	in.advance(operand.Imm(32))
	c.DECQ(blocks)
	c.JNE(operand.LabelRef("block"))
	c.VZEROUPPER()
	c.RET()
}

// quarter transposes 4×4 numbers in each lane of r.
func quarter(c *build.Context, r []reg.VecVirtual) [4]reg.VecVirtual {
	var pairs, out [4]reg.VecVirtual
	for i := range pairs {
		pairs[i], out[i] = c.YMM(), c.YMM()
	}
	c.VUNPCKLPS(r[1], r[0], pairs[0])
	c.VUNPCKHPS(r[1], r[0], pairs[1])
	c.VUNPCKLPS(r[3], r[2], pairs[2])
	c.VUNPCKHPS(r[3], r[2], pairs[3])
	c.VUNPCKLPD(pairs[2], pairs[0], out[0])
	c.VUNPCKHPD(pairs[2], pairs[0], out[1])
	c.VUNPCKLPD(pairs[3], pairs[1], out[2])
	c.VUNPCKHPD(pairs[3], pairs[1], out[3])
	return out
}

// copyRows writes the function that copies rows of blocks·8 numbers to memory
// without gaps. Rows far apart are beyond the processor's own foresight, so it
// asks for each some rows ahead.
func copyRows(c *build.Context) {
	const ahead = 3 // as a power of two
	c.Function("copyRowsAVX")
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func(dst *float32, src *float32, srcRow uintptr, blocks, rows int)")
	c.Pragma("noescape")
	dst := c.Load(c.Param("dst"), c.GP64())
	src := c.Load(c.Param("src"), c.GP64())
	srcRow := c.Load(c.Param("srcRow"), c.GP64()).(reg.GPVirtual)
	blocks := c.Load(c.Param("blocks"), c.GP64())
	rows := c.Load(c.Param("rows"), c.GP64())
	p, future, n := c.GP64(), c.GP64(), c.GP64()
	c.MOVQ(srcRow, future)
	c.SHLQ(operand.Imm(ahead), future)

	c.Label("row")
	c.MOVQ(src, p)
	c.MOVQ(blocks, n)
	c.PREFETCHT0(operand.Mem{Base: p, Index: future, Scale: 1})
	c.PREFETCHT0(operand.Mem{Base: p, Index: future, Scale: 1, Disp: 64})
	c.Label("block")
	x := c.YMM()
	c.VMOVUPS(operand.Mem{Base: p}, x)
	c.VMOVUPS(x, operand.Mem{Base: dst})
	c.ADDQ(operand.Imm(32), p)
	c.ADDQ(operand.Imm(32), dst)
	c.DECQ(n)
	c.JNE(operand.LabelRef("block"))
	c.ADDQ(srcRow, src)
	c.DECQ(rows)
	c.JNE(operand.LabelRef("row"))
	c.VZEROUPPER()
	c.RET()
}

// fetchRows writes the function that asks for the first lines of rows, to be in
// the second cache when they are wanted.
func fetchRows(c *build.Context) {
	c.Function("fetchRowsAVX")
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func(p *float32, row uintptr, lines, rows int)")
	c.Pragma("noescape")
	p := c.Load(c.Param("p"), c.GP64())
	row := c.Load(c.Param("row"), c.GP64())
	lines := c.Load(c.Param("lines"), c.GP64())
	rows := c.Load(c.Param("rows"), c.GP64())
	line, n := c.GP64(), c.GP64()

	c.Label("row")
	c.MOVQ(p, line)
	c.MOVQ(lines, n)
	c.Label("line")
	c.PREFETCHT1(operand.Mem{Base: line})
	c.ADDQ(operand.Imm(64), line)
	c.DECQ(n)
	c.JNE(operand.LabelRef("line"))
	c.ADDQ(row, p)
	c.DECQ(rows)
	c.JNE(operand.LabelRef("row"))
	c.RET()
}

// pause writes the hint that a thread is waiting for another.
func pause(c *build.Context) {
	c.Function("pause")
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func()")
	for range 4 {
		c.PAUSE()
	}
	c.RET()
}
