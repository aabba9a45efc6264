package vector

import (
	"fmt"
	"slices"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// An op is what an instruction takes: a register or a constant.
type op = operand.Op

// An emitter writes expressions over vectors: 8 lanes under AVX2, 16 under
// AVX-512. Its methods return registers of their own unless they say
// otherwise.
type emitter struct {
	*build.Context
	wide   bool
	active op   // the mask of the lanes that hold elements
	masked bool // whether some lanes may hold none
	acc    []op // the running results of a reduction
}

const rodata = attr.RODATA | attr.NOPTR

// open begins a function.
func (e *emitter) open(name, signature string) {
	e.Function(name)
	e.Attributes(attr.NOSPLIT)
	e.SignatureExpr(signature)
	e.Pragma("noescape")
}

// lanes is the number of elements of a vector.
func (e *emitter) lanes() int {
	if e.wide {
		return 16
	}
	return 8
}

// bytes is the size of a vector.
func (e *emitter) bytes() int { return 4 * e.lanes() }

// vec is a fresh register.
func (e *emitter) vec() reg.VecVirtual {
	if e.wide {
		return e.ZMM()
	}
	return e.YMM()
}

// An instr is an instruction of two sources, with its form that repeats one
// element of memory in every lane, which AVX2 lacks.
type instr struct {
	full, repeat func(*build.Context, ...op)
}

var (
	addPS = instr{(*build.Context).VADDPS, (*build.Context).VADDPS_BCST}
	subPS = instr{(*build.Context).VSUBPS, (*build.Context).VSUBPS_BCST}
	mulPS = instr{(*build.Context).VMULPS, (*build.Context).VMULPS_BCST}
	divPS = instr{(*build.Context).VDIVPS, (*build.Context).VDIVPS_BCST}
	minPS = instr{(*build.Context).VMINPS, (*build.Context).VMINPS_BCST}
	maxPS = instr{(*build.Context).VMAXPS, (*build.Context).VMAXPS_BCST}
	andPS = instr{(*build.Context).VANDPS, (*build.Context).VANDPS_BCST}
	orPS  = instr{(*build.Context).VORPS, (*build.Context).VORPS_BCST}
	addPD = instr{(*build.Context).VPADDD, (*build.Context).VPADDD_BCST}
	subPD = instr{(*build.Context).VPSUBD, (*build.Context).VPSUBD_BCST}

	fma213  = instr{(*build.Context).VFMADD213PS, (*build.Context).VFMADD213PS_BCST}
	fma231  = instr{(*build.Context).VFMADD231PS, (*build.Context).VFMADD231PS_BCST}
	fnma231 = instr{(*build.Context).VFNMADD231PS, (*build.Context).VFNMADD231PS_BCST}
)

// into writes in(a, b) to d; b may be a constant.
func (e *emitter) into(in instr, a, b, d op) {
	k, constant := b.(konst)
	switch {
	case !constant:
		in.full(e.Context, b, a, d)
	case e.wide:
		in.repeat(e.Context, k.Mem, a, d)
	default:
		in.full(e.Context, k.Mem, a, d)
	}
}

func (e *emitter) two(in instr, a, b op) op {
	d := e.vec()
	e.into(in, e.reg(a), b, d)
	return d
}

// reg is a in a register: a itself unless it is a constant.
func (e *emitter) reg(a op) op {
	k, constant := a.(konst)
	if !constant {
		return a
	}
	d := e.vec()
	e.VBROADCASTSS(k.Mem, d)
	return d
}

// copy is a in a register that nothing else uses.
func (e *emitter) copy(a op) op {
	d := e.vec()
	if k, constant := a.(konst); constant {
		e.VBROADCASTSS(k.Mem, d)
	} else {
		e.VMOVAPS(a, d)
	}
	return d
}

// zero is a vector of zeros.
func (e *emitter) zero() op {
	d := e.vec()
	if e.wide {
		e.VPXORD(d, d, d)
	} else {
		e.VXORPS(d, d, d)
	}
	return d
}

func (e *emitter) add(a, b op) op { return e.two(addPS, a, b) }
func (e *emitter) sub(a, b op) op { return e.two(subPS, a, b) }
func (e *emitter) mul(a, b op) op { return e.two(mulPS, a, b) }
func (e *emitter) div(a, b op) op { return e.two(divPS, a, b) }
func (e *emitter) and(a, b op) op { return e.two(andPS, a, b) }
func (e *emitter) or(a, b op) op  { return e.two(orPS, a, b) }

func (e *emitter) addInt(a, b op) op { return e.two(addPD, a, b) }
func (e *emitter) subInt(a, b op) op { return e.two(subPD, a, b) }

// min and max are b where a or b is not a number.
func (e *emitter) min(a, b op) op { return e.two(minPS, a, b) }
func (e *emitter) max(a, b op) op { return e.two(maxPS, a, b) }

// clamp is x between two constants; what is not a number stays.
func (e *emitter) clamp(x op, lo, hi float64) op {
	return e.max(e.num(lo), e.min(e.num(hi), x))
}

// abs is x without its sign.
func (e *emitter) abs(x op) op { return e.and(x, e.bits(0x7fffffff)) }

// sign is the sign bit of x.
func (e *emitter) sign(x op) op { return e.and(x, e.bits(0x80000000)) }

func (e *emitter) sqrt(x op) op {
	d := e.vec()
	e.VSQRTPS(x, d)
	return d
}

// fma is a·b + c; b or c may be a constant.
func (e *emitter) fma(a, b, c op) op {
	if _, constant := c.(konst); constant {
		d := e.copy(a)
		e.into(fma213, e.reg(b), c, d)
		return d
	}
	d := e.copy(c)
	e.into(fma231, e.reg(a), b, d)
	return d
}

// fnma is c - a·b; b may be a constant.
func (e *emitter) fnma(a, b, c op) op {
	d := e.copy(c)
	e.into(fnma231, e.reg(a), b, d)
	return d
}

// horner is the polynomial with these coefficients, highest power last.
func (e *emitter) horner(x op, coef []float64) op {
	last := len(coef) - 1
	d := e.copy(e.num(coef[last]))
	for i := last - 1; i >= 0; i-- {
		e.into(fma213, x, e.num(coef[i]), d)
	}
	return d
}

// Predicates of cmp, as the instruction counts them.
const (
	equal       = 0x00
	unordered   = 0x03
	less        = 0x11
	lessEqual   = 0x12
	notLess     = 0x15 // or unordered
	greaterThan = 0x1e
)

// cmp is the mask of the lanes where the predicate holds.
func (e *emitter) cmp(a op, predicate uint8, b op) op {
	var test op = operand.Imm(uint64(predicate))
	in := instr{
		func(c *build.Context, o ...op) { c.VCMPPS(slices.Insert(o, 0, test)...) },
		func(c *build.Context, o ...op) { c.VCMPPS_BCST(slices.Insert(o, 0, test)...) },
	}
	var m op
	if e.wide {
		m = e.K()
	} else {
		m = e.YMM()
	}
	e.into(in, e.reg(a), b, m)
	return m
}

// choose is yes where the mask is set and no elsewhere; yes may be a
// constant.
func (e *emitter) choose(mask, yes, no op) op {
	d := e.vec()
	no = e.reg(no)
	k, constant := yes.(konst)
	switch {
	case !e.wide && constant:
		e.VBLENDVPS(mask, k.Mem, no, d)
	case !e.wide:
		e.VBLENDVPS(mask, yes, no, d)
	case constant:
		e.VBLENDMPS_BCST(k.Mem, no, mask, d)
	default:
		e.VBLENDMPS(yes, no, mask, d)
	}
	return d
}

// where is a where the mask is set and zero elsewhere.
func (e *emitter) where(mask, a op) op {
	d := e.vec()
	if e.wide {
		e.VMOVAPS_Z(a, mask, d)
	} else {
		e.VANDPS(mask, a, d)
	}
	return d
}

// present is a with zeros in the lanes that hold no element.
func (e *emitter) present(a op) op {
	if !e.masked {
		return a
	}
	return e.where(e.active, a)
}

// A konst is one number in memory, repeated to the length of an AVX2 vector.
type konst struct{ operand.Mem }

// A pool is the constants of a file.
type pool struct {
	name  string
	index map[uint32]int
	words []uint32
}

// constants are those of all functions that this package writes.
var constants = pool{name: "vectorConstants", index: map[uint32]int{}}

// bits is the constant with this representation.
func (e *emitter) bits(w uint32) op {
	i, known := constants.index[w]
	if !known {
		i = len(constants.words)
		constants.index[w] = i
		constants.words = append(constants.words, w)
	}
	return konst{operand.NewDataAddr(operand.NewStaticSymbol(constants.name), 32*i)}
}

// write emits the constants as data.
func (p *pool) write(c *build.Context) {
	c.StaticGlobal(p.name)
	c.DataAttributes(rodata)
	for i, w := range p.words {
		for j := range 4 {
			c.AddDatum(32*i+8*j, operand.U64(uint64(w)<<32|uint64(w)))
		}
	}
}

// edge is the address of masks for AVX2: i elements before it, a vector
// of which the first i lanes are set.
func edge() operand.Mem {
	return operand.NewDataAddr(operand.NewStaticSymbol(edgeName), 32)
}

const edgeName = "vectorEdge"

func writeEdge(c *build.Context) {
	c.StaticGlobal(edgeName)
	c.DataAttributes(rodata)
	for i := range 8 {
		var lanes uint64
		if i < 4 {
			lanes = ^lanes
		}
		c.AddDatum(8*i, operand.U64(lanes))
	}
}

// fail stops the generator: a table of this package is wrong.
func fail(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
