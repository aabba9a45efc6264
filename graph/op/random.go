package op

import (
	"errors"
	"math"
	"math/rand/v2"

	"onnxcompress/graph/tensor"
)

// source is what the node draws from.
func source(n *Node) *rand.Rand {
	if n.Rand != nil {
		return n.Rand
	}
	seed := rand.Uint64()
	if a, ok := n.Attrs["seed"]; ok {
		seed = uint64(math.Float32bits(a.Float)) ^ uint64(a.Int) // Dropout has it as a whole number
	}
	return rand.New(rand.NewPCG(seed, seed))
}

// drawn is an output of the type and shape of fact with each element drawn.
func drawn(fact Fact, draw func(i int) float64) ([]*tensor.Tensor, error) {
	out, err := alloc(fact.DType, fact.Shape)
	if err != nil {
		return nil, err
	}
	for i := range out.Len() {
		if !out.Set(i, draw(i)) {
			return nil, errElements
		}
	}
	return []*tensor.Tensor{out}, nil
}

// drawnFact is the type and shape that attributes or the input give.
func drawnFact(n *Node, in []*tensor.Tensor) (Fact, error) {
	infer := inferRandom
	if len(in) > 0 {
		infer = inferRandomLike
	}
	facts, err := infer(given(n, in))
	if err != nil {
		return Fact{}, err
	}
	if len(in) > 0 && n.Attrs.Int("dtype", 0) == 0 && !facts[0].DType.IsFloat() {
		facts[0].DType = tensor.Float32
	}
	return facts[0], nil
}

func forwardNormal(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	fact, err := drawnFact(n, in)
	if err != nil {
		return nil, err
	}
	rng, mean, scale := source(n), float64(n.Attrs.Float("mean", 0)), float64(n.Attrs.Float("scale", 1))
	return drawn(fact, func(int) float64 { return mean + scale*rng.NormFloat64() })
}

func forwardUniform(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	fact, err := drawnFact(n, in)
	if err != nil {
		return nil, err
	}
	rng, low, high := source(n), float64(n.Attrs.Float("low", 0)), float64(n.Attrs.Float("high", 1))
	return drawn(fact, func(int) float64 { return low + (high-low)*rng.Float64() })
}

// forwardBernoulli draws ones with the probabilities of the input.
func forwardBernoulli(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	p, err := numbersOf(in[0])
	if err != nil {
		return nil, err
	}
	facts, err := inferRandomLike(given(n, in))
	if err != nil {
		return nil, err
	}
	rng := source(n)
	return drawn(facts[0], func(i int) float64 { return truth(rng.Float64() < p[i]) })
}

// forwardMultinomial draws classes whose probabilities are the exponentials of
// the input, to a common factor.
func forwardMultinomial(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	facts, err := inferMultinomial(given(n, in))
	if err != nil {
		return nil, err
	}
	logits, err := numbersOf(in[0])
	if err != nil {
		return nil, err
	}
	classes, samples := int(in[0].Shape[1]), int(facts[0].Shape[1])
	if classes == 0 {
		return nil, errors.New("draws from no classes")
	}
	rng, sums := source(n), make([]float64, len(logits))
	for i, x := range logits {
		row := logits[i/classes*classes : (i/classes+1)*classes]
		sums[i] = math.Exp(x - largestOf(row))
		if i%classes > 0 {
			sums[i] += sums[i-1]
		}
	}
	return drawn(facts[0], func(i int) float64 {
		row := sums[i/samples*classes : (i/samples+1)*classes]
		x, class := rng.Float64()*row[classes-1], 0
		for class < classes-1 && row[class] <= x {
			class++
		}
		return float64(class)
	})
}

func largestOf(v []float64) float64 {
	top := math.Inf(-1)
	for _, x := range v {
		top = max(top, x)
	}
	return top
}

// mayDrop reports whether Dropout may be asked to drop, or tells what it
// dropped.
func mayDrop(n *Node) bool { return n.Input(2) != nil || n.Outputs > 1 }

// dropping is the share of elements that Dropout drops: none but in training.
func dropping(n *Node, in []*tensor.Tensor) (float64, error) {
	seen := given(n, in)
	ratio := 0.5
	if seen.Has(1) {
		v, err := numbersOf(in[1])
		if err != nil || len(v) != 1 {
			return 0, errors.New("ratio is no number")
		}
		ratio = v[0]
	}
	switch {
	case n.Version > 0 && n.Version < 7:
		return choose(n.Attrs.Int("is_test", 0) != 0, 0, float64(n.Attrs.Float("ratio", 0.5))), nil
	case !seen.Has(2):
		return 0, nil
	}
	training, ok := seen.In[2].Ints()
	if !ok || len(training) != 1 {
		return 0, errors.New("training_mode is no truth value")
	}
	return choose(training[0] != 0, ratio, 0), nil
}

// forwardDropout drops elements at random and scales the others to make up for
// them.
func forwardDropout(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	ratio, err := dropping(n, in)
	if err != nil {
		return nil, err
	}
	mask, err := alloc(tensor.Bool, in[0].Shape)
	if err != nil {
		return nil, err
	}
	for i := range mask.Data {
		mask.Data[i] = 1
	}
	if ratio == 0 {
		return []*tensor.Tensor{in[0], mask}, nil
	}
	v, err := numbersOf(in[0])
	if err != nil {
		return nil, err
	}
	rng := source(n)
	for i := range v {
		if rng.Float64() < ratio {
			v[i], mask.Data[i] = 0, 0
		} else {
			v[i] /= 1 - ratio
		}
	}
	out, err := ofNumbers(in[0].DType, in[0].Shape, v)
	return []*tensor.Tensor{out, mask}, err
}
