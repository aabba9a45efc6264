package main

import (
	"fmt"
	"go/token"
	"go/types"
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Offsets of the fields of kernel.strip; a test of that package holds them.
const (
	stripX = 8 * iota
	stripW
	stripY
	stripG
	stripBias
	stripXPixel
	stripXTap
	stripXNext
	stripXRow
	stripWTap
	stripWNext
	stripYPixel
	stripYRow
	stripK
	stripSegs
	stripPixels
	stripBytes
	stripLanes
	stripMask
	stripScale = stripMask + 4
	stripAdd   = stripScale + 4
)

// strips writes the functions that compute with channels side by side: convolutions
// with a filter for each channel, and pooling.
func strips(c *build.Context) {
	table := stripTable(c, "stripMasks")
	lowest := floatConstant(c, "lowest", float32(math.Inf(-1)))
	for _, wide := range []bool{true, false} {
		n := func() *lanes { return &lanes{Context: c, wide: wide, table: table, lowest: lowest} }
		for _, op := range []stripOp{filterOp{}, maxOp{}, sumOp{}} {
			writeStrip(n(), op)
		}
		for _, taps := range [][2]int{{3, 3}, {1, 5}, {1, 3}, {1, 1}} {
			writeStripWeight(n(), taps[0], taps[1])
		}
		writeSpread(n(), "maxSpread", spreadMax)
		writeSpread(n(), "sumSpread", spreadSum)
	}
}

// lanes is a width of vectors, and whether the one at hand has all its lanes.
type lanes struct {
	*build.Context
	wide, masked  bool
	mask          reg.VecVirtual // of ymm
	table, lowest operand.Mem
}

func (l *lanes) name(kind string) string {
	if l.wide {
		return kind + "AVX512"
	}
	return kind + "AVX2"
}

func (l *lanes) width() int {
	if l.wide {
		return 64
	}
	return 32
}

func (l *lanes) reg() reg.VecVirtual {
	if l.wide {
		return l.ZMM()
	}
	return l.YMM()
}

// prologue begins a function of a strip and readies the mask of the last vector.
func (l *lanes) prologue(kind string) reg.GPVirtual {
	l.Function(l.name(kind))
	l.Attributes(attr.NOSPLIT)
	l.Signature(stripSignature())
	l.Pragma("noescape")
	s := l.GP64()
	l.Load(l.Param("s"), s)
	if l.wide {
		bits := l.GP32()
		l.MOVL(operand.Mem{Base: s, Disp: stripMask}, bits)
		l.KMOVW(bits, reg.K1)
		return s
	}
	at, base := l.GP64(), l.GP64()
	l.LEAQ(l.table, base)
	l.MOVQ(operand.Mem{Base: s, Disp: stripLanes}, at)
	l.NEGQ(at)
	l.mask = l.YMM()
	l.VMOVUPS(operand.Mem{Base: base, Index: at, Scale: 4, Disp: 32}, l.mask)
	return s
}

func (l *lanes) load(m operand.Mem, dst reg.VecVirtual) {
	switch {
	case !l.masked:
		l.VMOVUPS(m, dst)
	case l.wide:
		l.VMOVUPS_Z(m, reg.K1, dst)
	default:
		l.VMASKMOVPS(m, l.mask, dst)
	}
}

func (l *lanes) store(src reg.VecVirtual, m operand.Mem) {
	switch {
	case !l.masked:
		l.VMOVUPS(src, m)
	case l.wide:
		l.VMOVUPS(src, reg.K1, m)
	default:
		l.VMASKMOVPS(src, l.mask, m)
	}
}

// fma is acc += m·w.
func (l *lanes) fma(m operand.Mem, w, acc reg.VecVirtual) {
	if !l.masked {
		l.VFMADD231PS(m, w, acc)
		return
	}
	x := l.reg()
	l.load(m, x)
	l.VFMADD231PS(x, w, acc)
}

func (l *lanes) add(m operand.Mem, acc reg.VecVirtual) {
	if !l.masked {
		l.VADDPS(m, acc, acc)
		return
	}
	x := l.reg()
	l.load(m, x)
	l.VADDPS(x, acc, acc)
}

func (l *lanes) zero(r reg.VecVirtual) {
	if l.wide {
		l.VPXORD(r, r, r)
		return
	}
	l.VXORPS(r, r, r)
}

// stripOp is what a strip does with what its windows see.
type stripOp interface {
	kind() string
	begin(l *lanes, acc reg.VecVirtual)
	// weight reads what all pixels share of a tap, or returns nil.
	weight(l *lanes, m operand.Mem) reg.VecVirtual
	step(l *lanes, m operand.Mem, w, acc reg.VecVirtual)
	// finish turns the results of pixels, which go to y, into what is stored.
	finish(l *lanes, s, o reg.GPVirtual, y []operand.Mem, acc []reg.VecVirtual, label string)
}

// stripGroups are how many pixels are computed at once: many, and what is left.
var stripGroups = []int{8, 4, 2, 1}

// writeStrip writes the function that computes pixels of a line.
func writeStrip(l *lanes, op stripOp) {
	s := l.prologue(op.kind())
	field := func(at int) operand.Mem { return operand.Mem{Base: s, Disp: at} }
	px, py, n := l.GP64(), l.GP64(), l.GP64()
	xPixel, triple := l.GP64(), l.GP64()
	l.MOVQ(field(stripX), px)
	l.MOVQ(field(stripY), py)
	l.MOVQ(field(stripPixels), n)
	l.MOVQ(field(stripXPixel), xPixel)
	l.LEAQ(operand.Mem{Base: xPixel, Index: xPixel, Scale: 2}, triple)
	for _, group := range stripGroups {
		label := func(name string) string { return fmt.Sprintf("%s%d", name, group) }
		l.Label(label("pixels"))
		l.CMPQ(n, operand.Imm(uint64(group)))
		l.JL(operand.LabelRef(label("done")))
		o := l.GP64()
		l.XORQ(o, o)
		g := stripGroup{l, op, s, px, py, xPixel, triple, o, group}
		l.eachVector(s, o, label, func(suffix string) { g.body(label(suffix)) })
		l.advance(px, xPixel, group)
		yPixel := l.GP64()
		l.MOVQ(field(stripYPixel), yPixel)
		l.advance(py, yPixel, group)
		l.SUBQ(operand.Imm(uint64(group)), n)
		l.JMP(operand.LabelRef(label("pixels")))
		l.Label(label("done"))
	}
	l.VZEROUPPER()
	l.RET()
}

// advance moves p by times strides.
func (l *lanes) advance(p, stride reg.GPVirtual, times int) {
	if times == 1 {
		l.ADDQ(stride, p)
		return
	}
	l.LEAQ(operand.Mem{Base: p, Index: stride, Scale: uint8(times)}, p)
}

// eachVector runs body for each vector of channels, at o bytes, and for what is
// left of the last.
func (l *lanes) eachVector(s, o reg.GPVirtual, label func(string) string, body func(suffix string)) {
	l.masked = false
	l.Label(label("channels"))
	l.CMPQ(o, operand.Mem{Base: s, Disp: stripBytes})
	l.JGE(operand.LabelRef(label("tail")))
	body("full")
	l.ADDQ(operand.Imm(uint64(l.width())), o)
	l.JMP(operand.LabelRef(label("channels")))
	l.Label(label("tail"))
	l.CMPQ(operand.Mem{Base: s, Disp: stripLanes}, operand.Imm(0))
	l.JE(operand.LabelRef(label("whole")))
	l.masked = true
	body("masked")
	l.masked = false
	l.Label(label("whole"))
}

// stripGroup is pixels computed at once.
type stripGroup struct {
	*lanes
	op             stripOp
	s, px, py      reg.GPVirtual
	xPixel, triple reg.GPVirtual
	o              reg.GPVirtual
	pixels         int
}

// body computes one vector of channels of the group.
func (g *stripGroup) body(label string) {
	l := g.lanes
	field := func(at int) operand.Mem { return operand.Mem{Base: g.s, Disp: at} }
	acc := make([]reg.VecVirtual, g.pixels)
	for i := range acc {
		acc[i] = l.reg()
		g.op.begin(l, acc[i])
	}
	x, w, segs, k := l.GP64(), l.GP64(), l.GP64(), l.GP64()
	xTap, wTap := l.GP64(), l.GP64()
	l.LEAQ(operand.Mem{Base: g.px, Index: g.o, Scale: 1}, x)
	l.MOVQ(field(stripW), w)
	l.ADDQ(g.o, w)
	l.MOVQ(field(stripSegs), segs)
	l.MOVQ(field(stripXTap), xTap)
	l.MOVQ(field(stripWTap), wTap)
	bases := l.quads(x, g.xPixel, g.pixels)
	l.Label(label + "seg")
	l.MOVQ(field(stripK), k)
	l.Label(label + "tap")
	weight := g.op.weight(l, operand.Mem{Base: w})
	for i := range acc {
		g.op.step(l, multiple(bases[i/4], g.xPixel, g.triple, i%4), weight, acc[i])
	}
	for _, base := range bases {
		l.ADDQ(xTap, base)
	}
	l.ADDQ(wTap, w)
	l.DECQ(k)
	l.JNE(operand.LabelRef(label + "tap"))
	for _, base := range bases {
		l.ADDQ(field(stripXNext), base)
	}
	l.ADDQ(field(stripWNext), w)
	l.DECQ(segs)
	l.JNE(operand.LabelRef(label + "seg"))

	y, yPixel, triple := l.GP64(), l.GP64(), l.GP64()
	l.LEAQ(operand.Mem{Base: g.py, Index: g.o, Scale: 1}, y)
	l.MOVQ(field(stripYPixel), yPixel)
	l.LEAQ(operand.Mem{Base: yPixel, Index: yPixel, Scale: 2}, triple)
	bases = l.quads(y, yPixel, g.pixels)
	out := make([]operand.Mem, g.pixels)
	for i := range out {
		out[i] = multiple(bases[i/4], yPixel, triple, i%4)
	}
	g.op.finish(l, g.s, g.o, out, acc, label)
	for i := range out {
		l.store(acc[i], out[i])
	}
}

// quads are the addresses of every fourth of n places a stride apart.
func (l *lanes) quads(first, stride reg.GPVirtual, n int) []reg.GPVirtual {
	bases := []reg.GPVirtual{first}
	for i := 4; i < n; i += 4 {
		next := l.GP64()
		l.LEAQ(operand.Mem{Base: bases[len(bases)-1], Index: stride, Scale: 4}, next)
		bases = append(bases, next)
	}
	return bases
}

// multiple is the address i strides after base.
func multiple(base, stride, triple reg.GPVirtual, i int) operand.Mem {
	switch i {
	case 0:
		return operand.Mem{Base: base}
	case 3:
		return operand.Mem{Base: base, Index: triple, Scale: 1}
	default:
		return operand.Mem{Base: base, Index: stride, Scale: uint8(i)}
	}
}

// stripSignature is func(s *strip), where strip is the type of package kernel.
func stripSignature() *gotypes.Signature {
	pkg := types.NewPackage("kernel", "kernel")
	strip := types.NewNamed(types.NewTypeName(token.NoPos, pkg, "strip", nil), types.NewStruct(nil, nil), nil)
	s := types.NewVar(token.NoPos, pkg, "s", types.NewPointer(strip))
	return gotypes.NewSignature(pkg, types.NewSignatureType(nil, nil, nil, types.NewTuple(s), nil, false))
}

// stripTable is 8 lanes of ones and 8 of zeros: read from 32-4n, a mask of n lanes.
func stripTable(c *build.Context, name string) operand.Mem {
	table := c.StaticGlobal(name)
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

func floatConstant(c *build.Context, name string, x float32) operand.Mem {
	m := c.StaticGlobal(name)
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	c.AddDatum(0, operand.U32(math.Float32bits(x)))
	return m
}
