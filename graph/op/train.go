package op

import (
	"errors"
	"math"

	"onnxcompress/graph/tensor"
)

// trainRows take a step of training: of weights, each with its gradient and
// what is remembered of earlier ones.
var trainRows = map[string]*Spec{
	"ai.onnx.preview.training.Adagrad":  optimizer(1, adagrad),
	"ai.onnx.preview.training.Momentum": optimizer(1, momentum),
	"ai.onnx.preview.training.Adam":     optimizer(2, adam),
}

// step changes a weight x with gradient g and its memory m. rate and count are
// the learning rate and the number of steps before.
type step func(n *Node, rate, count, x, g float64, m []float64) float64

// optimizer is the operator that takes a step for tensors with memories each.
// The inputs are the rate, the count, all tensors, all gradients and then all
// of each memory; the outputs all tensors and all of each memory.
func optimizer(memories int, s step) *Spec {
	return &Spec{
		Infer: func(n *Node) ([]Fact, error) {
			count := (len(n.In) - 2) / (2 + memories)
			facts := make([]Fact, max(n.Outputs, 0))
			for o := range facts {
				from := 2 + o
				if count > 0 && o >= count {
					from += count // behind the gradients
				}
				if shape, ok := n.Shape(from); ok {
					facts[o] = Of(n.DType(from), shape...)
				}
			}
			return facts, nil
		},
		Opaque: "takes a step of training",
		Forward: func(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
			return takeStep(n, in, memories, s)
		},
	}
}

func takeStep(n *Node, in []*tensor.Tensor, memories int, s step) ([]*tensor.Tensor, error) {
	if err := present(in, max(len(in), 2)); err != nil {
		return nil, err
	}
	rate, err := numberOf(in, 0, 0)
	if err != nil {
		return nil, err
	}
	steps, err := numberOf(in, 1, 0)
	if err != nil {
		return nil, err
	}
	in = in[2:]
	count := len(in) / (2 + memories)
	if count*(2+memories) != len(in) {
		return nil, errors.New("there is not a gradient and a memory for each tensor")
	}
	lists, err := columns(in, (*tensor.Tensor).AsFloat64s)
	if err != nil {
		return nil, err
	}
	out := make([]*tensor.Tensor, count*(1+memories))
	m := make([]float64, memories)
	for t := range count {
		for k := 1; k < 2+memories; k++ {
			if in[t+k*count].Len() != in[t].Len() {
				return nil, errors.New("a gradient or a memory has not the size of its tensor")
			}
		}
		for i, x := range lists[t] {
			for k := range m {
				m[k] = lists[t+(2+k)*count][i]
			}
			lists[t][i] = s(n, rate, steps, x, lists[t+count][i], m)
			for k := range m {
				lists[t+(2+k)*count][i] = m[k]
			}
		}
		for k := range 1 + memories {
			from := t + choose(k > 0, k+1, 0)*count
			if out[t+k*count], err = ofNumbers(in[from].DType, in[from].Shape, lists[from]); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// decayed is a gradient with that of the weight's own size.
func decayed(n *Node, x, g float64) float64 {
	return float64(n.Attrs.Float("norm_coefficient", 0))*x + g
}

func adagrad(n *Node, rate, count, x, g float64, m []float64) float64 {
	rate /= 1 + count*float64(n.Attrs.Float("decay_factor", 0))
	g = decayed(n, x, g)
	m[0] += g * g
	return x - rate*g/(math.Sqrt(m[0])+float64(n.Attrs.Float("epsilon", 0)))
}

func momentum(n *Node, rate, count, x, g float64, m []float64) float64 {
	alpha, beta := float64(n.Attrs.Float("alpha", 0)), 1.0
	if count > 0 {
		beta = float64(n.Attrs.Float("beta", 0))
	}
	g = decayed(n, x, g)
	m[0] = alpha*m[0] + beta*g
	if n.Attrs.Str("mode", "standard") == "nesterov" {
		return x - rate*(g+alpha*m[0])
	}
	return x - rate*m[0]
}

func adam(n *Node, rate, count, x, g float64, m []float64) float64 {
	alpha, beta := float64(n.Attrs.Float("alpha", 0.9)), float64(n.Attrs.Float("beta", 0.999))
	g = decayed(n, x, g)
	m[0], m[1] = alpha*m[0]+(1-alpha)*g, beta*m[1]+(1-beta)*g*g
	if count > 0 {
		rate *= math.Sqrt(1-math.Pow(beta, count)) / (1 - math.Pow(alpha, count))
	}
	x -= rate * m[0] / (math.Sqrt(m[1]) + float64(n.Attrs.Float("epsilon", 0)))
	return x * (1 - float64(n.Attrs.Float("norm_coefficient_post", 0)))
}
