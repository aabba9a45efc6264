package op

import (
	"math"
	"slices"

	"onnxcompress/runtime/kernel"
)

// reduceRows are the operators that make one number of all along some axes.
var reduceRows = map[string]*Spec{
	"ReduceSum":       reduceSpec(&reduction{sums: true, keepsZero: true, number: sumOf[float64], whole: sumOf[int64], run: &reducing{forward: foldSum, slope: slopeSum, same: true}}),
	"ReduceMean":      reduceSpec(&reduction{sums: true, mean: true, keepsZero: true, keepsAll: true, number: meanOf, nothing: math.NaN(), run: &reducing{forward: foldMean, slope: slopeMean, same: true}}),
	"ReduceL1":        reduceSpec(&reduction{sums: true, keepsZero: true, number: sumOfAbs, run: lengthL1}),
	"ReduceL2":        reduceSpec(&reduction{sums: true, keepsZero: true, number: rootOfSquares, run: lengthL2}),
	"ReduceSumSquare": reduceSpec(&reduction{sums: true, keepsZero: true, number: sumOfSquares[float64], whole: sumOfSquares[int64], run: &reducing{forward: foldSquares, slope: slopeSquares, in: true}}),
	"ReduceMax":       reduceSpec(&reduction{keepsZero: true, keepsAll: true, number: slices.Max[[]float64], whole: slices.Max[[]int64], nothing: math.Inf(-1), what: "takes the largest of this axis", run: &reducing{forward: foldMax, in: true, out: true, once: true, same: true}}),
	"ReduceMin":       reduceSpec(&reduction{keepsZero: true, keepsAll: true, number: slices.Min[[]float64], whole: slices.Min[[]int64], nothing: math.Inf(1), what: "takes the least of this axis", run: &reducing{forward: foldExtreme(kernel.Smallest, kernel.Min), in: true, out: true, once: true, same: true}}),
	"ReduceProd":      reduceSpec(&reduction{keepsZero: true, number: productOf[float64], whole: productOf[int64], nothing: 1, what: "multiplies over this axis", run: &reducing{forward: foldProduct, in: true, same: true}}),
	"ReduceLogSum":    reduceSpec(&reduction{log: true, number: logOfSum, nothing: math.Inf(-1), what: "takes the logarithm of a sum over this axis", run: &reducing{forward: foldLogSum, slope: slopeLogSum, out: true}}),
	"ReduceLogSumExp": reduceSpec(&reduction{number: logOfExps, nothing: math.Inf(-1), what: "sums exponentials over this axis", run: &reducing{forward: foldLogSumExp, slope: slopeLogSumExp, in: true, out: true}}),
}

// reduction is what tells one of the reductions from another.
type reduction struct {
	// sums says that zeros do not change the result; mean that it is divided
	// by their number.
	sums, mean bool
	// keepsZero says that zeros give zero, keepsAll that a constant gives
	// itself.
	keepsZero, keepsAll bool
	// log says that zeros give minus infinity.
	log bool
	// number reduces a list that is not empty, whole one of whole numbers; nil
	// where number serves for them, too. nothing is what an empty one gives.
	number  func([]float64) float64
	whole   func([]int64) int64
	nothing float64
	// what is the reason to keep an axis that is reduced.
	what string
	// run is how it is computed on float32.
	run *reducing
}

func reduceSpec(k *reduction) *Spec {
	return strict(Spec{
		Infer:   inferReduce,
		Links:   k.link,
		Dead:    k.dead,
		Narrow:  k.narrow,
		Forward: k.forward,
		Compile: k.compile,
		Layout:  layoutReduce,
	})
}

// reduced marks the axes of a shape of that rank that the node reduces; none
// says that it leaves its input as it is, known that the axes are not computed.
func reduced(n *Node, rank int) (drop []bool, none, known bool, err error) {
	axes, _, known := n.IntsIn(1, "axes")
	if !known {
		return nil, false, false, nil
	}
	none = len(axes) == 0 && n.Attrs.Int("noop_with_empty_axes", 0) != 0
	drop = make([]bool, rank)
	for i := range drop {
		drop[i] = len(axes) == 0 && !none
	}
	for _, a := range axes {
		axis, err := Axis(a, rank)
		if err != nil {
			return nil, false, false, err
		}
		drop[axis] = true
	}
	return drop, none, true, nil
}

func keepsDims(n *Node) bool { return n.Attrs.Int("keepdims", 1) != 0 }

// dropped is a shape without the marked axes, or with size 1 in their place.
func dropped(shape []int64, drop []bool, keep bool) []int64 {
	out := make([]int64, 0, len(shape))
	for axis, d := range shape {
		switch {
		case !drop[axis]:
			out = append(out, d)
		case keep:
			out = append(out, 1)
		}
	}
	return out
}

func inferReduce(n *Node) ([]Fact, error) {
	shape, ok := n.Shape(0)
	if !ok {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	drop, _, known, err := reduced(n, len(shape))
	if err != nil {
		return nil, err
	}
	if !known {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	return []Fact{Of(n.DType(0), dropped(shape, drop, keepsDims(n))...)}, nil
}

// linkKept ties the axes that a reduction leaves to those of every output.
func linkKept(n *Node, l *Linker, drop []bool) {
	for o, out := range n.Out {
		if out == nil {
			continue
		}
		to := 0
		for axis := range drop {
			if !drop[axis] {
				l.Same(In(0, axis), Out(o, to))
			}
			if !drop[axis] || keepsDims(n) {
				to++
			}
		}
	}
}

func (k *reduction) link(n *Node, l *Linker) {
	drop, _, known, err := reduced(n, n.In[0].Rank())
	if err != nil || !known {
		l.Silence = "reduces over computed axes"
		return
	}
	linkKept(n, l, drop)
	for axis := range drop {
		switch {
		case !drop[axis]:
		case k.mean && !n.DType(0).IsFloat():
			l.Pin(In(0, axis), "rounds a mean over this axis")
		case k.sums:
			l.Reduce(In(0, axis))
		default:
			l.Pin(In(0, axis), k.what)
		}
	}
}

func (k *reduction) dead(n *Node, _, _ int, in []State) State {
	_, none, _, _ := reduced(n, n.In[0].Rank())
	_, number := in[0].Number()
	switch {
	case in[0] == Bad:
		return Bad
	case slices.Contains(n.In[0].Shape, 0):
		return Varying
	case k.log:
		return Bad
	case in[0] == Zero && k.keepsZero, number && k.keepsAll, none && k.keepsAll:
		return in[0]
	}
	return Varying
}

// narrow makes up for the terms that a mean over fewer elements lacks: they
// were zeros, and counted.
func (k *reduction) narrow(n *Node, c *Cut) error {
	if !k.mean {
		return nil
	}
	drop, _, known, err := reduced(n, n.In[0].Rank())
	if err != nil || !known {
		return err
	}
	factor := 1.0
	for axis, size := range n.In[0].Shape {
		if drop[axis] && size > 0 {
			factor *= float64(c.Size(In(0, axis))) / float64(size)
		}
	}
	c.Factors[0] = factor
	return nil
}

// argRows pick a place along one axis.
var argRows = map[string]*Spec{
	"ArgMax": strict(Spec{Infer: inferArg, Links: linkArg, Dead: deadArg, Forward: forwardArg(1)}),
	"ArgMin": strict(Spec{Infer: inferArg, Links: linkArg, Dead: deadArg, Forward: forwardArg(-1)}),
}

func argAxis(n *Node, rank int) (int, error) { return Axis(n.Attrs.Int("axis", 0), rank) }

func only(axis, rank int) []bool {
	drop := make([]bool, rank)
	drop[axis] = true
	return drop
}

func linkArg(n *Node, l *Linker) {
	axis, err := argAxis(n, n.In[0].Rank())
	if err != nil {
		return
	}
	linkKept(n, l, only(axis, n.In[0].Rank()))
	l.Pin(In(0, axis), "picks a place along this axis")
}

// deadArg is the first of equal places, or the last where that is asked for.
func deadArg(n *Node, _, _ int, in []State) State {
	if _, ok := in[0].Number(); ok && n.Attrs.Int("select_last_index", 0) == 0 {
		return Zero
	}
	return Varying
}
