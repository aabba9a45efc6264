package dhspg

import "math"

// Rule is how hard groups are pushed towards zero.
type Rule struct {
	// Lambda is the least penalty of the norm of a group's weights. Where descent
	// makes them longer, the penalty is Amplify times what keeps them as long as
	// they are, but not above Cap times Lambda.
	Lambda, Amplify, Cap float64
}

// penalty is that of a group with weights x, which descend against v; given are
// the products <x,x>, <x,v> and <v,v>, and a least penalty. Between the bounds of
// interval, to which it is held, both the norm and the loss descend.
func (r Rule) penalty(xx, xv, vv, least float64) float64 {
	low, high := interval(xx, xv, vv)
	lambda := least
	if low > 0 {
		lambda = math.Max(least, math.Min(r.Amplify*low, r.Cap*least))
		if lambda <= low {
			lambda = r.Amplify * low // the cap would let the norm grow
		}
	}
	if lambda >= high || lambda <= low {
		lambda = (low + high) / 2
	}
	return lambda
}

// interval is the open interval of the penalties with which -(v + lambda·x/|x|)
// descends in the norm of x, and in a loss whose gradient is v.
func interval(xx, xv, vv float64) (low, high float64) {
	if xv >= 0 || xx == 0 {
		return 0, math.Inf(1)
	}
	norm := math.Sqrt(xx)
	return -xv / norm, -vv * norm / xv
}

// projected reports whether weights x that a step would take to y leave the
// half-space around x: whether <y,x> < eps·<x,x>.
func projected(xy, xx, eps float64) bool { return xy < eps*xx }
