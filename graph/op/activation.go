package op

import (
	"fmt"
	"math"
	"strings"
)

// activation is a function that recurrent operators know by name. Its
// parameters are alpha and beta, as far as it has them; others come from what
// the attributes list for the functions that have them.
type activation struct {
	f           func(x, alpha, beta float64) float64
	alpha, beta float64
	// takes is how many of alpha and beta it has.
	takes int
}

var activations = map[string]activation{
	"relu":            {f: func(x, _, _ float64) float64 { return math.Max(x, 0) }},
	"tanh":            {f: func(x, _, _ float64) float64 { return math.Tanh(x) }},
	"sigmoid":         {f: func(x, _, _ float64) float64 { return sigmoid(x) }},
	"softsign":        {f: func(x, _, _ float64) float64 { return x / (1 + math.Abs(x)) }},
	"softplus":        {f: func(x, _, _ float64) float64 { return softplus(x) }},
	"leakyrelu":       {f: func(x, a, _ float64) float64 { return math.Max(x, 0) + a*math.Min(x, 0) }, alpha: 0.01, takes: 1},
	"thresholdedrelu": {f: func(x, a, _ float64) float64 { return choose(x > a, x, 0) }, alpha: 1, takes: 1},
	"elu":             {f: func(x, a, _ float64) float64 { return elu(x, a, 1) }, alpha: 1, takes: 1},
	"affine":          {f: func(x, a, b float64) float64 { return a*x + b }, alpha: 1, takes: 2},
	"scaledtanh":      {f: func(x, a, b float64) float64 { return a * math.Tanh(b*x) }, alpha: 1, beta: 1, takes: 2},
	"hardsigmoid":     {f: func(x, a, b float64) float64 { return math.Max(0, math.Min(1, a*x+b)) }, alpha: 0.2, beta: 0.5, takes: 2},
}

// activations are the functions of one direction.
func (k *recurrence) activations(n *Node, side int) ([]func(float64) float64, error) {
	names := n.Attrs["activations"].Strs
	if len(names) == 0 {
		for range directions(n) {
			names = append(names, k.defaults...)
		}
	}
	if len(names) != k.functions*int(directions(n)) {
		return nil, fmt.Errorf("%d activations are not %d for every direction", len(names), k.functions)
	}
	alphas, betas := n.Attrs["activation_alpha"].Floats, n.Attrs["activation_beta"].Floats
	list := make([]func(float64) float64, len(names))
	for i, name := range names {
		a, ok := activations[strings.ToLower(name)]
		if !ok {
			return nil, fmt.Errorf("activation %q is not known", name)
		}
		if a.takes > 0 {
			alphas = next(alphas, &a.alpha)
		}
		if a.takes > 1 {
			betas = next(betas, &a.beta)
		}
		list[i] = func(x float64) float64 { return a.f(x, a.alpha, a.beta) }
	}
	return list[side*k.functions:][:k.functions], nil
}

// next takes the first number of a list, if there is one.
func next(list []float32, to *float64) []float32 {
	if len(list) == 0 {
		return nil
	}
	*to = float64(list[0])
	return list[1:]
}
