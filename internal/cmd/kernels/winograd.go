package main

import (
	"math"
	"strings"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// winograd writes the transforms of Winograd's algorithm for outputs of 4×4 with
// filters of 3×3 and for 2×2 with 5×5, interpolating at 0, ±√½, ±√2 and infinity.
// These points lose fewer digits than whole numbers do.
func winograd(c *build.Context) {
	table := stripTable(c, "winogradMasks")
	for _, wide := range []bool{true, false} {
		constants := map[uint32]operand.Mem{}
		for _, t := range []transformation{
			{"winogradInput", 6, 6, inputTransform},
			{"winogradOutput4", 6, 4, outputTransform},
			{"winogradSlope4", 4, 6, slopeTransform},
			{"winogradFilter3", 3, 6, filterTransform},
			{"winogradFilterSlope3", 6, 3, filterSlopeTransform},
			{"winogradOutput2", 6, 2, outputTransform2},
			{"winogradSlope2", 2, 6, slopeTransform2},
			{"winogradFilter5", 5, 6, filterTransform5},
			{"winogradFilterSlope5", 6, 5, filterSlopeTransform5},
		} {
			l := &lanes{Context: c, wide: wide, table: table}
			t.write(&arithmetic{lanes: l, constants: constants})
		}
	}
}

// transformation applies a linear map from in to out numbers to the columns, and then
// to the rows, of a square of vectors.
type transformation struct {
	kind    string
	in, out int
	apply   func(a *arithmetic, x []reg.VecVirtual) []reg.VecVirtual
}

func (t *transformation) write(a *arithmetic) {
	s := a.prologue(t.kind)
	field := func(at int) operand.Mem { return operand.Mem{Base: s, Disp: at} }
	o := a.GP64()
	a.XORQ(o, o)
	a.eachVector(s, o, func(name string) string { return name }, func(label string) {
		temp := a.GP64()
		a.MOVQ(field(stripG), temp)
		src := a.square(field(stripX), field(stripXRow), o)
		step := a.GP64()
		a.MOVQ(field(stripXPixel), step)
		masked := a.masked
		for col := range t.in {
			x := make([]reg.VecVirtual, t.in)
			for row := range x {
				x[row] = a.reg()
				a.load(src.at(row), x[row])
			}
			a.masked = false
			for row, y := range t.apply(a, x) {
				a.store(y, operand.Mem{Base: temp, Disp: (row*t.in + col) * a.width()})
			}
			a.masked = masked
			src.advance(step)
		}
		t.rows(a, s, o, temp, label)
	})
	a.VZEROUPPER()
	a.RET()
}

// rows applies the map to the rows of what the first pass left in temp.
func (t *transformation) rows(a *arithmetic, s, o, temp reg.GPVirtual, label string) {
	field := func(at int) operand.Mem { return operand.Mem{Base: s, Disp: at} }
	dst := a.square(field(stripY), field(stripYPixel), o)
	res := a.square(field(stripW), field(stripWTap), o)
	masked := a.masked
	for row := range t.out {
		x := make([]reg.VecVirtual, t.in)
		a.masked = false
		for col := range x {
			x[col] = a.reg()
			a.load(operand.Mem{Base: temp, Disp: (row*t.in + col) * a.width()}, x[col])
		}
		y := t.apply(a, x)
		a.masked = masked
		if strings.HasPrefix(t.kind, "winogradOutput") {
			a.epilogue(s, o, res, y, label+strings.Repeat("x", row))
		}
		for col, r := range y {
			a.store(r, dst.at(col))
		}
		dst.advance(field(stripYRow))
		res.advance(field(stripWNext))
	}
}

// epilogue adds a bias and what is at res, where they are given.
func (a *arithmetic) epilogue(s, o reg.GPVirtual, res *square, y []reg.VecVirtual, label string) {
	bias := a.GP64()
	a.MOVQ(operand.Mem{Base: s, Disp: stripBias}, bias)
	a.TESTQ(bias, bias)
	a.JE(operand.LabelRef(label + "biased"))
	b := a.reg()
	a.load(operand.Mem{Base: bias, Index: o, Scale: 1}, b)
	for _, r := range y {
		a.VADDPS(b, r, r)
	}
	a.Label(label + "biased")
	a.CMPQ(operand.Mem{Base: s, Disp: stripW}, operand.Imm(0))
	a.JE(operand.LabelRef(label + "added"))
	for col, r := range y {
		a.lanes.add(res.at(col), r)
	}
	a.Label(label + "added")
}

// square addresses up to six vectors a stride apart.
type square struct {
	a                         *arithmetic
	first, four, step, triple reg.GPVirtual
}

func (a *arithmetic) square(base, step operand.Mem, o reg.GPVirtual) *square {
	q := &square{a, a.GP64(), a.GP64(), a.GP64(), a.GP64()}
	a.MOVQ(base, q.first)
	a.ADDQ(o, q.first)
	a.MOVQ(step, q.step)
	a.LEAQ(operand.Mem{Base: q.step, Index: q.step, Scale: 2}, q.triple)
	a.LEAQ(operand.Mem{Base: q.first, Index: q.step, Scale: 4}, q.four)
	return q
}

func (q *square) at(i int) operand.Mem {
	if i >= 4 {
		return multiple(q.four, q.step, q.triple, i-4)
	}
	return multiple(q.first, q.step, q.triple, i)
}

func (q *square) advance(by operand.Op) {
	q.a.ADDQ(by, q.first)
	q.a.ADDQ(by, q.four)
}

// arithmetic computes with whole vectors in new registers.
type arithmetic struct {
	*lanes
	constants map[uint32]operand.Mem
}

// constant is a vector of one number in memory.
func (a *arithmetic) constant(x float64) operand.Mem {
	bits := math.Float32bits(float32(x))
	if m, ok := a.constants[bits]; ok {
		return m
	}
	m := a.StaticGlobal(a.name("winograd") + "c" + strings.ToLower(hex(bits)))
	a.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range a.width() / 4 {
		a.AddDatum(4*i, operand.U32(bits))
	}
	a.constants[bits] = m
	return m
}

func (a *arithmetic) sum(x, y reg.VecVirtual) reg.VecVirtual {
	r := a.reg()
	a.VADDPS(y, x, r)
	return r
}

func (a *arithmetic) difference(x, y reg.VecVirtual) reg.VecVirtual {
	r := a.reg()
	a.VSUBPS(y, x, r)
	return r
}

func (a *arithmetic) times(c float64, x reg.VecVirtual) reg.VecVirtual {
	r := a.reg()
	a.VMULPS(a.constant(c), x, r)
	return r
}

// plus is x + c·y.
func (a *arithmetic) plus(x reg.VecVirtual, c float64, y reg.VecVirtual) reg.VecVirtual {
	r := a.reg()
	a.VMOVAPS(x, r)
	a.VFMADD231PS(a.constant(c), y, r)
	return r
}

func (a *arithmetic) both(x, y reg.VecVirtual) (sum, difference reg.VecVirtual) {
	return a.sum(x, y), a.difference(x, y)
}
