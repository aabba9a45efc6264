package main

import (
	"fmt"
	"go/token"
	"go/types"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Offsets of the fields of kernel.tile; a test of that package holds them.
const (
	tileA      = 0
	tileB      = 8
	tileC      = 16
	tileBias   = 24
	tileRes    = 32
	tileARow   = 40
	tileAK     = 48
	tileANext  = 56
	tileBK     = 64
	tileCRow   = 72
	tileResRow = 80
	tileK      = 88
	tileSegs   = 96
	tileAlpha  = 104
	tileBeta   = 108
	tileMask   = 112
	tileLanes  = 120
)

// gemm writes the micro-kernels of matrix multiplication: one function for each
// number of rows and vectors, so that all sums stay in registers.
func gemm(c *build.Context) {
	for vecs := 1; vecs <= 2; vecs++ {
		for rows := 1; rows <= 14; rows++ {
			writeTile(c, &zmm{context{c}}, rows, vecs)
		}
	}
	laneMasks := maskTable(c)
	for _, masked := range []bool{false, true} {
		for vecs := 1; vecs <= 2; vecs++ {
			for rows := 1; rows <= 6; rows++ {
				writeTile(c, &ymm{context: context{c}, masked: masked, table: laneMasks}, rows, vecs)
			}
		}
	}
	transpose(c)
	copyRows(c)
	fetchRows(c)
	pause(c)
}

// context is the build context under a name that does not clash with the
// methods of vectors.
type context struct{ *build.Context }

// vectors is what the widths of vector registers differ in.
type vectors interface {
	// name is the function's.
	name(rows, vecs int) string
	// width is the bytes in a register.
	width() int
	reg() reg.VecVirtual
	// prologue readies the mask of the last vector from the tile at t.
	prologue(t reg.Register)
	// load reads vector v of vecs at m; lanes outside the mask are zero and not read.
	load(m operand.Mem, v, vecs int, dst reg.VecVirtual)
	store(src reg.VecVirtual, v, vecs int, m operand.Mem)
	// addProduct is dst += scale·x for x at m, as load reads it.
	addProduct(m operand.Mem, v, vecs int, scale, dst reg.VecVirtual)
	add(m operand.Mem, v, vecs int, dst reg.VecVirtual)
	zero(dst reg.VecVirtual)
	// rowProduct is dst[v] += b[v]·a for the one number a at m.
	rowProduct(m operand.Mem, b, dst []reg.VecVirtual)
}

// writeTile writes the function that computes a tile of rows × vecs vectors.
func writeTile(c *build.Context, vs vectors, rows, vecs int) {
	c.Function(vs.name(rows, vecs))
	c.Attributes(attr.NOSPLIT)
	c.Signature(tileSignature())
	c.Pragma("noescape")

	t := c.GP64()
	c.Load(c.Param("t"), t)
	vs.prologue(t)
	acc := make([][]reg.VecVirtual, rows)
	for i := range acc {
		acc[i] = make([]reg.VecVirtual, vecs)
		for v := range acc[i] {
			acc[i][v] = vs.reg()
			vs.zero(acc[i][v])
		}
	}
	writeSums(c, vs, t, acc)
	writeStores(c, vs, t, acc)
	c.VZEROUPPER()
	c.RET()
}

// unroll is how many steps of k one turn of the inner loop takes.
const unroll = 4

// writeSums adds the products of all segments to acc.
func writeSums(c *build.Context, vs vectors, t reg.Register, acc [][]reg.VecVirtual) {
	rows, vecs := len(acc), len(acc[0])
	field := func(offset int) reg.GPVirtual {
		r := c.GP64()
		c.MOVQ(operand.Mem{Base: t, Disp: offset}, r)
		return r
	}
	c.CMPQ(operand.Mem{Base: t, Disp: tileK}, operand.Imm(0))
	c.JE(operand.LabelRef("summed"))
	row, aK := field(tileARow), field(tileAK)
	b, bK := field(tileB), field(tileBK)
	a := newRowPointers(c, field(tileA), row, rows)
	segs := field(tileSegs)
	bv := make([]reg.VecVirtual, vecs)
	for v := range bv {
		bv[v] = vs.reg()
	}
	step := func() {
		for v := range bv {
			vs.load(operand.Mem{Base: b, Disp: v * vs.width()}, v, vecs, bv[v])
		}
		for i := range acc {
			vs.rowProduct(a.at(i), bv, acc[i])
		}
		c.ADDQ(bK, b)
		a.advance(aK)
	}

	k := c.GP64()
	c.Label("segment")
	c.MOVQ(operand.Mem{Base: t, Disp: tileK}, k)
	c.SUBQ(operand.Imm(unroll), k)
	c.JL(operand.LabelRef("rest"))
	c.Label("steps")
	for range unroll {
		step()
	}
	c.SUBQ(operand.Imm(unroll), k)
	c.JGE(operand.LabelRef("steps"))
	c.Label("rest")
	c.ADDQ(operand.Imm(unroll), k)
	c.JE(operand.LabelRef("end"))
	c.Label("step")
	step()
	c.DECQ(k)
	c.JNE(operand.LabelRef("step"))
	c.Label("end")
	a.advance(operand.Mem{Base: t, Disp: tileANext})
	c.DECQ(segs)
	c.JNE(operand.LabelRef("segment"))
	c.Label("summed")
}

// writeStores writes alpha·acc + beta·C + bias + residual to C.
func writeStores(c *build.Context, vs vectors, t reg.Register, acc [][]reg.VecVirtual) {
	vecs := len(acc[0])
	flat := func(f func(v int, r reg.VecVirtual)) {
		for i := range acc {
			for v, r := range acc[i] {
				f(v, r)
			}
		}
	}
	// walk calls f for each vector and its address in a matrix of the tile's shape.
	walk := func(base, row int, f func(m operand.Mem, v int, r reg.VecVirtual)) {
		p, stride := c.GP64(), c.GP64()
		c.MOVQ(operand.Mem{Base: t, Disp: base}, p)
		c.MOVQ(operand.Mem{Base: t, Disp: row}, stride)
		for i := range acc {
			for v, r := range acc[i] {
				f(operand.Mem{Base: p, Disp: v * vs.width()}, v, r)
			}
			if i+1 < len(acc) {
				c.ADDQ(stride, p)
			}
		}
	}

	c.CMPL(operand.Mem{Base: t, Disp: tileAlpha}, operand.Imm(0x3f800000))
	c.JE(operand.LabelRef("scaled"))
	alpha := vs.reg()
	c.VBROADCASTSS(operand.Mem{Base: t, Disp: tileAlpha}, alpha)
	flat(func(_ int, r reg.VecVirtual) { c.VMULPS(alpha, r, r) })
	c.Label("scaled")

	bits := c.GP32()
	c.MOVL(operand.Mem{Base: t, Disp: tileBeta}, bits)
	c.ADDL(bits, bits) // shifts the sign out: -0 is zero, too
	c.JE(operand.LabelRef("accumulated"))
	beta := vs.reg()
	c.VBROADCASTSS(operand.Mem{Base: t, Disp: tileBeta}, beta)
	walk(tileC, tileCRow, func(m operand.Mem, v int, r reg.VecVirtual) { vs.addProduct(m, v, vecs, beta, r) })
	c.Label("accumulated")

	bias := c.GP64()
	c.MOVQ(operand.Mem{Base: t, Disp: tileBias}, bias)
	c.TESTQ(bias, bias)
	c.JE(operand.LabelRef("biased"))
	for v := range vecs {
		add := vs.reg()
		vs.load(operand.Mem{Base: bias, Disp: v * vs.width()}, v, vecs, add)
		for i := range acc {
			c.VADDPS(add, acc[i][v], acc[i][v])
		}
	}
	c.Label("biased")

	c.CMPQ(operand.Mem{Base: t, Disp: tileRes}, operand.Imm(0))
	c.JE(operand.LabelRef("complete"))
	walk(tileRes, tileResRow, func(m operand.Mem, v int, r reg.VecVirtual) { vs.add(m, v, vecs, r) })
	c.Label("complete")
	walk(tileC, tileCRow, func(m operand.Mem, v int, r reg.VecVirtual) { vs.store(r, v, vecs, m) })
}

// rowPointers addresses the rows of a panel of A: a base for each five rows, from
// which the scales of an index reach the rest.
type rowPointers struct {
	c           *build.Context
	bases       []reg.GPVirtual
	row, triple reg.GPVirtual
}

func newRowPointers(c *build.Context, a, row reg.GPVirtual, rows int) *rowPointers {
	p := &rowPointers{c: c, bases: []reg.GPVirtual{a}, row: row}
	if rows > 3 {
		p.triple = c.GP64()
		c.LEAQ(operand.Mem{Base: row, Index: row, Scale: 2}, p.triple)
	}
	for i := 5; i < rows; i += 5 {
		next := c.GP64()
		c.LEAQ(operand.Mem{Base: p.bases[len(p.bases)-1], Index: row, Scale: 4}, next)
		c.ADDQ(row, next)
		p.bases = append(p.bases, next)
	}
	return p
}

func (p *rowPointers) at(i int) operand.Mem {
	base := p.bases[i/5]
	switch i % 5 {
	case 0:
		return operand.Mem{Base: base}
	case 3:
		return operand.Mem{Base: base, Index: p.triple, Scale: 1}
	default:
		return operand.Mem{Base: base, Index: p.row, Scale: uint8(i % 5)}
	}
}

func (p *rowPointers) advance(by operand.Op) {
	for _, base := range p.bases {
		p.c.ADDQ(by, base)
	}
}

// tileSignature is func(t *tile), where tile is the type of package kernel.
func tileSignature() *gotypes.Signature {
	pkg := types.NewPackage("kernel", "kernel")
	tile := types.NewNamed(types.NewTypeName(token.NoPos, pkg, "tile", nil), types.NewStruct(nil, nil), nil)
	t := types.NewVar(token.NoPos, pkg, "t", types.NewPointer(tile))
	return gotypes.NewSignature(pkg, types.NewSignatureType(nil, nil, nil, types.NewTuple(t), nil, false))
}

// maskTable is 8 lanes of ones and 8 of zeros: read from 32-4n, a mask of n lanes.
func maskTable(c *build.Context) operand.Mem {
	table := c.StaticGlobal("laneMasks")
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range 16 {
		var lane operand.U32
		if i < 8 {
			lane = 0xffffffff
		}
		c.AddDatum(4*i, lane)
	}
	return table
}

func tileName(level string, rows, lanes int, suffix string) string {
	return fmt.Sprintf("tile%s%dx%d%s", level, rows, lanes, suffix)
}
