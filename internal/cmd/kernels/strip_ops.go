package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// filterOp adds up products with weights, and then a bias and what was there.
type filterOp struct{}

func (filterOp) kind() string                       { return "filter" }
func (filterOp) begin(l *lanes, acc reg.VecVirtual) { l.zero(acc) }

func (filterOp) weight(l *lanes, m operand.Mem) reg.VecVirtual {
	w := l.reg()
	l.load(m, w)
	return w
}

func (filterOp) step(l *lanes, m operand.Mem, w, acc reg.VecVirtual) { l.fma(m, w, acc) }

func (filterOp) finish(l *lanes, s, o reg.GPVirtual, y []operand.Mem, acc []reg.VecVirtual, label string) {
	bias := l.GP64()
	l.MOVQ(operand.Mem{Base: s, Disp: stripBias}, bias)
	l.TESTQ(bias, bias)
	l.JE(operand.LabelRef(label + "biased"))
	b := l.reg()
	l.load(operand.Mem{Base: bias, Index: o, Scale: 1}, b)
	for _, r := range acc {
		l.VADDPS(b, r, r)
	}
	l.Label(label + "biased")
	l.addPrevious(s, y, acc, label)
}

// addPrevious adds what is in y if the strip says so.
func (l *lanes) addPrevious(s reg.GPVirtual, y []operand.Mem, acc []reg.VecVirtual, label string) {
	l.CMPL(operand.Mem{Base: s, Disp: stripAdd}, operand.Imm(0))
	l.JE(operand.LabelRef(label + "added"))
	for i, r := range acc {
		l.add(y[i], r)
	}
	l.Label(label + "added")
}

// maxOp keeps the largest, or what is not a number.
type maxOp struct{}

func (maxOp) kind() string { return "maximum" }

func (maxOp) begin(l *lanes, acc reg.VecVirtual) { l.VBROADCASTSS(l.lowest, acc) }

func (maxOp) weight(*lanes, operand.Mem) reg.VecVirtual { return nil }

func (maxOp) step(l *lanes, m operand.Mem, _, acc reg.VecVirtual) {
	const unordered = 3
	x, largest := l.reg(), l.reg()
	l.load(m, x)
	// The instruction returns x if either is not a number, so that only acc's has
	// to be put back.
	l.VMAXPS(x, acc, largest)
	if l.wide {
		k := l.K()
		l.VCMPPS(operand.Imm(unordered), acc, acc, k)
		l.VMOVAPS(acc, k, largest)
		l.VMOVAPS(largest, acc)
		return
	}
	nan := l.reg()
	l.VCMPPS(operand.Imm(unordered), acc, acc, nan)
	l.VBLENDVPS(nan, acc, largest, acc)
}

func (o maxOp) finish(l *lanes, s, _ reg.GPVirtual, y []operand.Mem, acc []reg.VecVirtual, label string) {
	l.CMPL(operand.Mem{Base: s, Disp: stripAdd}, operand.Imm(0))
	l.JE(operand.LabelRef(label + "added"))
	for i, r := range acc {
		o.step(l, y[i], nil, r)
	}
	l.Label(label + "added")
}

// sumOp adds up and scales.
type sumOp struct{}

func (sumOp) kind() string                                        { return "scaledSum" }
func (sumOp) begin(l *lanes, acc reg.VecVirtual)                  { l.zero(acc) }
func (sumOp) weight(*lanes, operand.Mem) reg.VecVirtual           { return nil }
func (sumOp) step(l *lanes, m operand.Mem, _, acc reg.VecVirtual) { l.add(m, acc) }

func (sumOp) finish(l *lanes, s, _ reg.GPVirtual, y []operand.Mem, acc []reg.VecVirtual, label string) {
	scale := l.reg()
	l.VBROADCASTSS(operand.Mem{Base: s, Disp: stripScale}, scale)
	for _, r := range acc {
		l.VMULPS(scale, r, r)
	}
	l.addPrevious(s, y, acc, label)
}

// writeStripWeight writes the function that sums products of two images over
// lines of pixels for rows × cols taps at once.
func writeStripWeight(l *lanes, rows, cols int) {
	s := l.prologue(fmt.Sprintf("filterGrad%dx%d", rows, cols))
	field := func(at int) operand.Mem { return operand.Mem{Base: s, Disp: at} }
	o, xTap, xPixel, wPixel := l.GP64(), l.GP64(), l.GP64(), l.GP64()
	l.XORQ(o, o)
	l.MOVQ(field(stripXTap), xTap)
	l.MOVQ(field(stripXPixel), xPixel)
	l.MOVQ(field(stripWTap), wPixel)
	l.eachVector(s, o, func(name string) string { return name }, func(label string) {
		acc := make([]reg.VecVirtual, rows*cols)
		// The sums so far.
		y, yTap := l.GP64(), l.GP64()
		walk := func(f func(m operand.Mem, r reg.VecVirtual)) {
			l.MOVQ(field(stripY), y)
			l.ADDQ(o, y)
			l.MOVQ(field(stripYPixel), yTap)
			for r := range rows {
				for c := range cols {
					f(operand.Mem{Base: y}, acc[r*cols+c])
					l.ADDQ(yTap, y)
				}
				l.ADDQ(field(stripYRow), y)
			}
		}
		for i := range acc {
			acc[i] = l.reg()
		}
		walk(func(m operand.Mem, r reg.VecVirtual) { l.load(m, r) })
		l.weightSums(s, o, xTap, xPixel, wPixel, acc, rows, cols, label)
		walk(func(m operand.Mem, r reg.VecVirtual) { l.store(r, m) })
	})
	l.VZEROUPPER()
	l.RET()
}

// weightSums runs over the pixels of all lines.
func (l *lanes) weightSums(s, o, xTap, xPixel, wPixel reg.GPVirtual, acc []reg.VecVirtual, rows, cols int, label string) {
	field := func(at int) operand.Mem { return operand.Mem{Base: s, Disp: at} }
	w, segs, k := l.GP64(), l.GP64(), l.GP64()
	x := make([]reg.GPVirtual, rows)
	for r := range x {
		x[r] = l.GP64()
		if r == 0 {
			l.MOVQ(field(stripX), x[0])
			l.ADDQ(o, x[0])
			continue
		}
		l.MOVQ(x[r-1], x[r])
		l.ADDQ(field(stripXRow), x[r])
	}
	l.MOVQ(field(stripW), w)
	l.ADDQ(o, w)
	l.MOVQ(field(stripSegs), segs)
	l.Label(label + "line")
	l.MOVQ(field(stripK), k)
	l.Label(label + "pixel")
	d := l.reg()
	l.load(operand.Mem{Base: w}, d)
	var triple reg.GPVirtual
	if cols > 3 {
		triple = l.GP64()
		l.LEAQ(operand.Mem{Base: xTap, Index: xTap, Scale: 2}, triple)
	}
	for r := range rows {
		for c := range cols {
			at := operand.Mem{Base: x[r], Index: xTap, Scale: uint8(max(c, 1))}
			switch c {
			case 0:
				at = operand.Mem{Base: x[r]}
			case 3:
				at = operand.Mem{Base: x[r], Index: triple, Scale: 1}
			}
			l.fma(at, d, acc[r*cols+c])
		}
		l.ADDQ(xPixel, x[r])
	}
	l.ADDQ(wPixel, w)
	l.DECQ(k)
	l.JNE(operand.LabelRef(label + "pixel"))
	for r := range rows {
		l.ADDQ(field(stripXNext), x[r])
	}
	l.ADDQ(field(stripWNext), w)
	l.DECQ(segs)
	l.JNE(operand.LabelRef(label + "line"))
}

// spreader is what a pixel hands to the taps of its window: begin readies it from
// the pixel's numbers in y and w, step gives its share to a tap that saw the
// numbers at x.
type spreader func(l *lanes, s reg.GPVirtual, y, w operand.Mem) (step func(x, g operand.Mem))

// writeSpread writes the function that adds, for pixels of a line, to each tap of
// their windows what is its due.
func writeSpread(l *lanes, kind string, spread spreader) {
	s := l.prologue(kind)
	field := func(at int) operand.Mem { return operand.Mem{Base: s, Disp: at} }
	at, yAt, n, o := l.GP64(), l.GP64(), l.GP64(), l.GP64()
	l.XORQ(at, at)
	l.XORQ(yAt, yAt)
	l.MOVQ(field(stripPixels), n)
	l.Label("pixels")
	l.XORQ(o, o)
	l.eachVector(s, o, func(name string) string { return name }, func(label string) {
		y, w, x, g, segs, k := l.GP64(), l.GP64(), l.GP64(), l.GP64(), l.GP64(), l.GP64()
		for _, p := range []struct {
			r    reg.GPVirtual
			base int
			by   reg.GPVirtual
		}{{y, stripY, yAt}, {w, stripW, yAt}, {x, stripX, at}, {g, stripG, at}} {
			l.MOVQ(field(p.base), p.r)
			l.ADDQ(o, p.r)
			l.ADDQ(p.by, p.r)
		}
		step := spread(l, s, operand.Mem{Base: y}, operand.Mem{Base: w})
		l.MOVQ(field(stripSegs), segs)
		l.Label(label + "seg")
		l.MOVQ(field(stripK), k)
		l.Label(label + "tap")
		step(operand.Mem{Base: x}, operand.Mem{Base: g})
		l.ADDQ(field(stripXTap), x)
		l.ADDQ(field(stripXTap), g)
		l.DECQ(k)
		l.JNE(operand.LabelRef(label + "tap"))
		l.ADDQ(field(stripXNext), x)
		l.ADDQ(field(stripXNext), g)
		l.DECQ(segs)
		l.JNE(operand.LabelRef(label + "seg"))
	})
	l.ADDQ(field(stripXPixel), at)
	l.ADDQ(field(stripYPixel), yAt)
	l.DECQ(n)
	l.JNE(operand.LabelRef("pixels"))
	l.VZEROUPPER()
	l.RET()
}

// spreadSum gives every tap w, scaled.
func spreadSum(l *lanes, s reg.GPVirtual, _, w operand.Mem) func(x, g operand.Mem) {
	d, scale := l.reg(), l.reg()
	l.load(w, d)
	l.VBROADCASTSS(operand.Mem{Base: s, Disp: stripScale}, scale)
	l.VMULPS(scale, d, d)
	return func(_, g operand.Mem) {
		sum := l.reg()
		l.load(g, sum)
		l.VADDPS(d, sum, sum)
		l.store(sum, g)
	}
}

// spreadMax gives w to the first tap that saw y, or for y not a number to the first
// tap.
func spreadMax(l *lanes, _ reg.GPVirtual, y, w operand.Mem) func(x, g operand.Mem) {
	const equalOrUnordered = 8
	largest, d := l.reg(), l.reg()
	l.load(y, largest)
	l.load(w, d)
	return func(x, g operand.Mem) {
		seen, sum := l.reg(), l.reg()
		l.load(x, seen)
		l.load(g, sum)
		if l.wide {
			k := l.K()
			l.VCMPPS(operand.Imm(equalOrUnordered), seen, largest, k)
			l.VADDPS(d, sum, k, sum)
			l.VPXORD(d, d, k, d)
		} else {
			k, share := l.reg(), l.reg()
			l.VCMPPS(operand.Imm(equalOrUnordered), seen, largest, k)
			l.VANDPS(d, k, share)
			l.VADDPS(share, sum, sum)
			l.VANDNPS(d, k, d)
		}
		l.store(sum, g)
	}
}
