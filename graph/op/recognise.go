package op

import (
	"math"
	"slices"

	"onnxcompress/runtime/kernel"
)

// recognised replaces members of a chain that together make up a function that
// has a kernel of its own.
func recognised(members []Member) []linked {
	p := &pattern{members: members, gone: make([]bool, len(members)), curves: map[int]curve{}}
	p.from = make([][]int, len(members))
	for j, m := range members {
		p.from[j] = slices.Clone(m.From)
	}
	for j := range members {
		p.gelu(j)
		p.silu(j)
	}
	return p.rest()
}

// pattern is a chain some of whose members have been replaced by others.
type pattern struct {
	members []Member
	from    [][]int
	gone    []bool
	// curves are what members compute that stand for several.
	curves map[int]curve
}

// is reports whether member j is still there, as it was, and of a type.
func (p *pattern) is(j int, kind string) bool {
	_, changed := p.curves[j]
	return j >= 0 && !p.gone[j] && !changed && p.members[j].Node.Type == kind && p.members[j].Node.Domain == ""
}

// memberOf is the member that a source stands for, -1 for an operand.
func memberOf(from int) int {
	if from < 0 {
		return ^from
	}
	return -1
}

// user is the only member that reads what member j computes, -1 where there is
// none or there are several.
func (p *pattern) user(j int) int {
	user := -1
	for k, from := range p.from {
		for _, f := range from {
			if p.gone[k] || f != ^j {
				continue
			}
			if user >= 0 {
				return -1
			}
			user = k
		}
	}
	return user
}

// scalar splits the sources of a member of two inputs into a number that never
// changes and the other one.
func (p *pattern) scalar(j int) (c float64, second bool, other int, ok bool) {
	from, in := p.from[j], p.members[j].Node.In
	if len(from) != 2 || len(in) != 2 {
		return 0, false, 0, false
	}
	for k, f := range in {
		if f.Value == nil || !f.Static || from[k] < 0 {
			continue
		}
		if c, ok := f.Value.Uniform(); ok && f.Value.Len() == 1 {
			return c, k == 1, from[1-k], true
		}
	}
	return 0, false, 0, false
}

// about reports whether two numbers are equal but for rounding.
func about(a, b float64) bool { return math.Abs(a-b) <= 1e-6*math.Abs(b) }

// gelu looks for x·(erf(x/√2) + 1)·½, in any order, around an Erf.
func (p *pattern) gelu(erf int) {
	if !p.is(erf, "Erf") {
		return
	}
	scaled := memberOf(p.from[erf][0])
	if scaled < 0 || p.user(scaled) != erf {
		return
	}
	c, second, x, ok := p.scalar(scaled)
	divided := p.is(scaled, "Div") && second && about(c, math.Sqrt2)
	if !ok || !divided && !(p.is(scaled, "Mul") && about(c, math.Sqrt2/2)) {
		return
	}
	sum := p.user(erf)
	if one, _, _, ok := p.scalarOf(sum, "Add"); !ok || one != 1 {
		return
	}
	parts, last := []int{scaled, erf, sum}, sum
	halved, times := false, false
	for !halved || !times {
		next := p.user(last)
		if !p.is(next, "Mul") {
			return
		}
		beside := p.from[next][0]
		if beside == ^last {
			beside = p.from[next][1]
		}
		switch c, _, _, ok := p.scalar(next); {
		case ok && c == 0.5 && !halved:
			halved = true
		case beside == x && !times:
			times = true
		case !times && !halved && p.half(memberOf(beside), x, next):
			parts = append(parts, memberOf(beside))
			times, halved = true, true
		default:
			return
		}
		parts, last = append(parts, next), next
	}
	p.replace(parts, last, x, curve{kernel.Gelu, kernel.GeluGrad, false, 6})
}

// scalarOf is scalar for a member of a type.
func (p *pattern) scalarOf(j int, kind string) (c float64, second bool, other int, ok bool) {
	if !p.is(j, kind) {
		return 0, false, 0, false
	}
	return p.scalar(j)
}

// half reports whether member j is x·½ and only a node reads it.
func (p *pattern) half(j, x, reader int) bool {
	c, _, other, ok := p.scalarOf(j, "Mul")
	return ok && c == 0.5 && other == x && p.user(j) == reader
}

// silu looks for x·sigmoid(x).
func (p *pattern) silu(sigmoid int) {
	if !p.is(sigmoid, "Sigmoid") {
		return
	}
	x, times := p.from[sigmoid][0], p.user(sigmoid)
	if !p.is(times, "Mul") || !slices.Contains(p.from[times], x) {
		return
	}
	p.replace([]int{sigmoid, times}, times, x, curve{kernel.Silu, kernel.SiluGrad, false, 6})
}

// replace lets the last of some members stand for all of them.
func (p *pattern) replace(parts []int, last, x int, c curve) {
	for _, j := range parts {
		p.gone[j] = j != last
	}
	p.from[last], p.curves[last] = []int{x}, c
}

// rest are the members that are left, their sources counted anew.
func (p *pattern) rest() []linked {
	var list []linked
	place := make([]int, len(p.members))
	for j, m := range p.members {
		if p.gone[j] {
			continue
		}
		l := linked{from: p.from[j]}
		if c, ok := p.curves[j]; ok {
			l.mixture = c.mixture()
		} else {
			l.mixture = m.Spec.mix(m.Node)
		}
		for k, f := range l.from {
			if f < 0 {
				l.from[k] = ^place[^f]
			}
		}
		place[j] = len(list)
		list = append(list, l)
	}
	return list
}
