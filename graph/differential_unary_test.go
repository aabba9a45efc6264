package graph_test

import (
	"math"
	"testing"

	"onnxcompress/graph/tensor"
)

// TestFunctionsAgree compares functions of one number with onnxruntime, where
// they are smooth and where they are not.
func TestFunctionsAgree(t *testing.T) {
	type attrs = map[string]any
	special := []float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.NaN(), 0.5, -0.5, 1.5, 2.5, -1, 1, 100, -100}
	function := func(op string, version int64, a attrs, types ...tensor.DType) func(d dice) trial {
		return func(d dice) trial {
			dt := one(d, append(types, tensor.Float32)...)
			x := tensor.New(dt, 24)
			for i := range x.Len() {
				v := d.NormFloat64() * 3
				if d.IntN(3) == 0 {
					v = one(d, special...)
				}
				x.Set(i, v)
			}
			return node(op, version, a, 1, []*tensor.Tensor{x})
		}
	}
	double, half := tensor.Float64, tensor.Float16
	differential(t, map[string]func(d dice) trial{
		"Abs": function("Abs", 13, nil, double, half), "Neg": function("Neg", 13, nil, double, half), "Sign": function("Sign", 13, nil, double),
		"Relu": function("Relu", 14, nil, double, half), "Ceil": function("Ceil", 13, nil, double, half), "Floor": function("Floor", 13, nil, double, half),
		"Round": function("Round", 11, nil, double, half), "Sin": function("Sin", 7, nil, double), "Cos": function("Cos", 7, nil), "Tan": function("Tan", 7, nil),
		"Sinh": function("Sinh", 9, nil), "Cosh": function("Cosh", 9, nil), "Tanh": function("Tanh", 13, nil, double),
		"Asin": function("Asin", 7, nil), "Acos": function("Acos", 7, nil), "Atan": function("Atan", 7, nil),
		"Asinh": function("Asinh", 9, nil), "Acosh": function("Acosh", 9, nil), "Atanh": function("Atanh", 9, nil),
		"Exp": function("Exp", 13, nil, double, half), "Log": function("Log", 13, nil, double, half), "Sqrt": function("Sqrt", 13, nil, double, half),
		"Reciprocal": function("Reciprocal", 13, nil, double, half), "Erf": function("Erf", 13, nil), "Sigmoid": function("Sigmoid", 13, nil, double),
		"Softplus": function("Softplus", 13, nil, double), "Softsign": function("Softsign", 13, nil), "HardSwish": function("HardSwish", 14, nil),
		"Mish": function("Mish", 18, nil), "Gelu": function("Gelu", 20, nil), "Gelu tanh": function("Gelu", 20, attrs{"approximate": "tanh"}),
		"Elu": function("Elu", 13, attrs{"alpha": 1.5}, double), "Celu": function("Celu", 12, attrs{"alpha": 0.7}), "Selu": function("Selu", 13, nil, double),
		"LeakyRelu": function("LeakyRelu", 16, attrs{"alpha": 0.1}, double, half), "ThresholdedRelu": function("ThresholdedRelu", 10, attrs{"alpha": 0.5}),
		"HardSigmoid": function("HardSigmoid", 13, attrs{"alpha": 0.3, "beta": 0.4}, double), "Shrink": function("Shrink", 9, attrs{"bias": 0.2, "lambd": 0.6}, double),
		"IsNaN": function("IsNaN", 13, nil, double, half), "IsInf": function("IsInf", 10, attrs{"detect_negative": 0}, double),
		"Cast": function("Cast", 13, attrs{"to": int(half)}, double), "Cast to bool": function("Cast", 13, attrs{"to": int(tensor.Bool)}, double),
		"PRelu": func(d dice) trial {
			return node("PRelu", 16, nil, 1, []*tensor.Tensor{d.tensor(one(d, tensor.Float32, double, half), 2, 3, 4), d.tensor(tensor.Float32, 3, 1)})
		},
		"Max": func(d dice) trial {
			dt := one(d, tensor.Float32, double)
			x := function("Max", 13, nil)(d).in[0]
			if dt == double {
				wide := tensor.New(dt, 24)
				for i, v := range x.AsFloat64s() {
					wide.Set(i, v)
				}
				x = wide
			}
			return node(one(d, "Max", "Min"), 13, nil, 1, []*tensor.Tensor{x, d.tensor(dt, 24), d.tensor(dt)})
		},
		"Compare": func(d dice) trial {
			x, y := function("Less", 13, nil)(d).in[0], function("Less", 13, nil)(d).in[0]
			return node(one(d, "Less", "Greater", "Equal", "LessOrEqual", "GreaterOrEqual"), 16, nil, 1, []*tensor.Tensor{x, y})
		},
		"Divide": func(d dice) trial {
			return node(one(d, "Div", "Mul", "Add", "Sub", "Pow"), 13, nil, 1, []*tensor.Tensor{function("Div", 13, nil)(d).in[0], function("Div", 13, nil)(d).in[0]})
		},
	})
}
