package op

import (
	"slices"

	"onnxcompress/graph/tensor"
)

// linkView ties the axes of input 0 to those of output 0, which has the same
// elements in the same order: digit by digit where axes merge or divide.
func linkView(n *Node, l *Linker) {
	in, out := n.In[0].Shape, n.Out[0].Shape
	count, err := tensor.Count(in)
	if other, errOut := tensor.Count(out); err != nil || errOut != nil || count != other || count == 0 {
		return
	}
	i, j := 0, 0
	for i < len(in) || j < len(out) {
		b := block{l: l}
		a, z := int64(1), int64(1)
		for first := true; first || a != z; first = false {
			if i < len(in) && (a <= z || j == len(out)) {
				a *= in[i]
				b.in = append(b.in, digitOf(In(0, i), in[i]))
				i++
				continue
			}
			z *= out[j]
			b.out = append(b.out, digitOf(Out(0, j), out[j]))
			j++
		}
		b.link()
	}
}

// interval is an axis within a block: position f of the block has the index
// f % hi / lo.
type interval struct {
	Ref
	lo, hi int64
}

func digitOf(r Ref, size int64) interval { return interval{Ref: r, hi: size} }

// block is a shortest run of axes of the input with as many elements as a run
// of axes of the output.
type block struct {
	l       *Linker
	in, out []interval
}

func (b *block) link() {
	bounds := append(place(b.in), place(b.out)...)
	slices.Sort(bounds)
	bounds = slices.Compact(bounds)
	broken := int64(0)
	for k := 1; k < len(bounds); k++ {
		lo, hi := bounds[k-1], bounds[k]
		x, okX := within(b.in, lo, hi)
		y, okY := within(b.out, lo, hi)
		if okX && okY {
			b.pin(broken, lo)
			broken = 0
			b.l.Digits(x.Ref, lo/x.lo, y.Ref, lo/y.lo, hi/lo)
		} else if broken == 0 {
			broken = lo
		}
	}
	if len(bounds) > 0 {
		b.pin(broken, bounds[len(bounds)-1])
	}
}

// place gives the axes their intervals and returns the bounds.
func place(axes []interval) []int64 {
	at, bounds := int64(1), []int64{1}
	for i := len(axes) - 1; i >= 0; i-- {
		axes[i].lo, axes[i].hi = at, at*axes[i].hi
		at = axes[i].hi
		bounds = append(bounds, at)
	}
	return bounds
}

// within finds the axis that the digit from lo to hi lies in; ok says that it
// is a digit of that axis.
func within(axes []interval, lo, hi int64) (x interval, ok bool) {
	for _, x := range axes {
		if x.lo <= lo && hi <= x.hi {
			return x, lo%x.lo == 0 && hi%lo == 0 && x.hi%hi == 0
		}
	}
	return interval{}, false
}

// pin keeps the stretch from lo to hi, whose axes regroup elements in a way
// that no digits follow; lo is 0 where there is none.
func (b *block) pin(lo, hi int64) {
	const reason = "regroups elements across this axis"
	if lo == 0 {
		return
	}
	for _, x := range append(slices.Clone(b.in), b.out...) {
		from, to := max(lo, x.lo), min(hi, x.hi)
		switch {
		case from >= to:
		case from%x.lo == 0 && to%from == 0 && x.hi%to == 0:
			b.l.PinDigit(x.Ref, from/x.lo, to/from, reason)
		default:
			b.l.Pin(x.Ref, reason)
		}
	}
}
