package graph_test

import (
	"math"
	"testing"

	"onnxcompress/graph/tensor"
)

// TestElementwiseAgrees compares arithmetic, comparisons and casts of every
// type with onnxruntime.
func TestElementwiseAgrees(t *testing.T) {
	type attrs = map[string]any
	binary := func(op string, version int64, types []tensor.DType, a attrs) func(d dice) trial {
		return func(d dice) trial {
			dt := one(d, types...)
			return node(op, version, a, 1, []*tensor.Tensor{d.tensor(dt, 2, 1, 3), d.tensor(dt, 4, 1)})
		}
	}
	wide := func(op string, types ...tensor.DType) func(d dice) trial {
		return func(d dice) trial {
			dt := one(d, types...)
			return node(op, 14, nil, 1, []*tensor.Tensor{d.extremes(dt, 5, 3), d.extremes(dt, 3)})
		}
	}
	differential(t, map[string]func(d dice) trial{
		"Add": binary("Add", 14, numbers, nil), "Sub": binary("Sub", 14, numbers, nil), "Mul": binary("Mul", 14, numbers, nil),
		"Max": binary("Max", 13, numbers, nil), "Min": binary("Min", 13, numbers, nil), "Sum": binary("Sum", 13, floats, nil),
		"Equal": binary("Equal", 19, append([]tensor.DType{tensor.String, tensor.Bool}, numbers...), nil),
		"Less":  binary("Less", 13, numbers, nil), "GreaterOrEqual": binary("GreaterOrEqual", 16, numbers, nil),
		"Div": func(d dice) trial {
			dt := one(d, numbers...)
			return node("Div", 14, nil, 1, []*tensor.Tensor{d.tensor(dt, 2, 1, 3), d.between(dt, 1, 5, 4, 1)})
		},
		"Mod": func(d dice) trial {
			dt := one(d, wholes...)
			return node("Mod", 13, attrs{"fmod": d.IntN(2)}, 1, []*tensor.Tensor{d.tensor(dt, 2, 1, 3), d.between(dt, 1, 5, 4, 1)})
		},
		"Mod float": func(d dice) trial {
			dt := one(d, floats...)
			return node("Mod", 13, attrs{"fmod": 1}, 1, []*tensor.Tensor{d.tensor(dt, 2, 1, 3), d.between(dt, -5, -1, 4, 1)})
		},
		"Pow": func(d dice) trial {
			base, exponent := one(d, tensor.Float32, tensor.Float64, tensor.Int32, tensor.Int64), one(d, tensor.Float32, tensor.Float64, tensor.Int32, tensor.Int64)
			return node("Pow", 15, nil, 1, []*tensor.Tensor{d.between(base, 1, 6, 3, 4), d.between(exponent, 0, 3, 4)})
		},
		"wide Add": wide("Add", tensor.Int32, tensor.Int64, tensor.Uint64, tensor.Uint8), "wide Mul": wide("Mul", tensor.Int32, tensor.Int64, tensor.Uint64),
		"wide Max": wide("Max", tensor.Int64, tensor.Uint64, tensor.Uint32), "wide Min": wide("Min", tensor.Int64, tensor.Uint64),
		"wide Greater": wide("Greater", tensor.Int64, tensor.Uint64, tensor.Uint32), "wide Equal": wide("Equal", tensor.Int64, tensor.Int32),
		"BitShift": func(d dice) trial {
			dt := one(d, tensor.Uint8, tensor.Uint32, tensor.Uint64)
			return node("BitShift", 11, attrs{"direction": one(d, "LEFT", "RIGHT")}, 1, []*tensor.Tensor{d.extremes(dt, 3, 4), d.between(dt, 0, 7, 4)})
		},
		"BitwiseXor": binary("BitwiseXor", 18, wholes, nil), "BitwiseAnd": binary("BitwiseAnd", 18, wholes, nil),
		"BitwiseNot": func(d dice) trial {
			return node("BitwiseNot", 18, nil, 1, []*tensor.Tensor{d.extremes(one(d, wholes...), 7)})
		},
		"Abs": func(d dice) trial {
			return node("Abs", 13, nil, 1, []*tensor.Tensor{d.extremes(one(d, wholes...), 7)})
		},
		"Sign": func(d dice) trial {
			return node("Sign", 13, nil, 1, []*tensor.Tensor{d.extremes(one(d, wholes...), 7)})
		},
		"Neg": func(d dice) trial {
			return node("Neg", 13, nil, 1, []*tensor.Tensor{d.extremes(one(d, tensor.Int8, tensor.Int32, tensor.Int64), 7)})
		},
		"Where": func(d dice) trial {
			dt := one(d, append([]tensor.DType{tensor.String}, numbers...)...)
			return node("Where", 16, nil, 1, []*tensor.Tensor{d.tensor(tensor.Bool, 3, 1), d.tensor(dt, 2, 1, 4), d.tensor(dt)})
		},
		"Clip": func(d dice) trial {
			dt := one(d, numbers...)
			in := []*tensor.Tensor{d.tensor(dt, 9), d.between(dt, 1, 3), d.between(dt, 2, 6)}
			if d.IntN(3) == 0 {
				in[1] = nil
			}
			return node("Clip", 13, nil, 1, in)
		},
		"Cast": func(d dice) trial {
			from, to := one(d, append([]tensor.DType{tensor.Bool}, numbers...)...), one(d, append([]tensor.DType{tensor.Bool, tensor.BFloat16}, numbers...)...)
			return node("Cast", 19, attrs{"to": int(to)}, 1, []*tensor.Tensor{d.tensor(from, 9)})
		},
		"Cast wide": func(d dice) trial {
			from, to := one(d, wholes...), one(d, numbers[:10]...)
			return node("Cast", 19, attrs{"to": int(to)}, 1, []*tensor.Tensor{d.extremes(from, 9)})
		},
		"Cast float8": func(d dice) trial {
			to := one(d, tensor.Float8E4M3FN, tensor.Float8E4M3FNUZ, tensor.Float8E5M2, tensor.Float8E5M2FNUZ)
			in := tensor.New(tensor.Float32, 40)
			for i := range in.Len() {
				in.Set(i, (d.Float64()-0.5)*math.Pow(2, float64(d.IntN(39)-24)))
			}
			in.Set(0, math.NaN())
			in.Set(1, math.Inf(1))
			in.Set(2, math.Inf(-1))
			in.Set(3, 1e9)
			return node("Cast", 19, attrs{"to": int(to), "saturate": d.IntN(2)}, 1, []*tensor.Tensor{in}).seen()
		},
		"Cast text": func(d dice) trial {
			return node("Cast", 19, attrs{"to": int(tensor.String)}, 1, []*tensor.Tensor{d.tensor(one(d, append([]tensor.DType{tensor.Bool}, numbers...)...), 9)})
		},
		"Cast parsed": func(d dice) trial {
			in := tensor.New(tensor.String, 4)
			for i, s := range []string{"12", "-3", "7", "0"} {
				in.Strings[i] = []byte(s)
			}
			return node("Cast", 19, attrs{"to": int(one(d, tensor.Int32, tensor.Int64, tensor.Float32, tensor.Float64, tensor.Int8))}, 1, []*tensor.Tensor{in})
		},
		"MatMul": func(d dice) trial {
			dt := one(d, tensor.Float32, tensor.Float64, tensor.Int32, tensor.Int64, tensor.Uint32, tensor.Uint64)
			return node("MatMul", 13, nil, 1, []*tensor.Tensor{d.tensor(dt, 2, 1, 3, 4), d.tensor(dt, 5, 4, 2)})
		},
	})
}

// TestMovesAgree compares operators that move, choose, count and order
// elements with onnxruntime.
func TestMovesAgree(t *testing.T) {
	type attrs = map[string]any
	any := append([]tensor.DType{tensor.String, tensor.Bool}, numbers...)
	indices := func(d dice, size int, shape ...int64) *tensor.Tensor {
		return d.between(one(d, tensor.Int64, tensor.Int32), -size, size-1, shape...)
	}
	reduce := func(op string, types ...tensor.DType) func(d dice) trial {
		return func(d dice) trial {
			return node(op, 18, attrs{"keepdims": d.IntN(2)}, 1, []*tensor.Tensor{d.tensor(one(d, types...), 2, 3, 4), tensor.Vector(one(d, []int64{1}, []int64{0, -1}, []int64{2})...)})
		}
	}
	differential(t, map[string]func(d dice) trial{
		"Gather": func(d dice) trial {
			return node("Gather", 13, attrs{"axis": 1}, 1, []*tensor.Tensor{d.tensor(one(d, any...), 3, 4, 2), indices(d, 4, 2, 3)})
		},
		"Concat": func(d dice) trial {
			dt := one(d, any...)
			return node("Concat", 13, attrs{"axis": -1}, 1, []*tensor.Tensor{d.tensor(dt, 3, 4), d.tensor(dt, 3, 0), d.tensor(dt, 3, 2)})
		},
		"Expand": func(d dice) trial {
			return node("Expand", 13, nil, 1, []*tensor.Tensor{d.tensor(one(d, any...), 3, 1), tensor.Vector(2, 1, 4)})
		},
		"Pad": func(d dice) trial {
			dt := one(d, any[1:]...)
			mode := one(d, "constant", "reflect", "edge", "wrap")
			in := []*tensor.Tensor{d.tensor(dt, 4, 5), tensor.Vector(int64(d.IntN(3)), int64(d.IntN(3)), int64(d.IntN(3)), int64(d.IntN(3)))}
			if mode == "constant" {
				in = append(in, d.between(dt, 1, 3))
			}
			return node("Pad", 19, attrs{"mode": mode}, 1, in)
		},
		"ScatterElements": func(d dice) trial {
			dt := one(d, tensor.Float32, tensor.Float64, tensor.Int32, tensor.Int64, tensor.Uint64)
			return node(
				"ScatterElements", 18,
				attrs{"axis": 1, "reduction": one(d, "add", "mul", "max", "min")},
				1,
				[]*tensor.Tensor{d.tensor(dt, 3, 5), indices(d, 5, 2, 4), d.tensor(dt, 2, 4)},
			)
		},
		"ScatterND": func(d dice) trial {
			dt := one(d, tensor.Float32, tensor.Float64, tensor.Int32, tensor.Int64)
			return node(
				"ScatterND", 18,
				attrs{"reduction": one(d, "add", "mul", "max", "min")},
				1,
				[]*tensor.Tensor{d.tensor(dt, 4, 3), d.between(tensor.Int64, -4, 3, 5, 1), d.tensor(dt, 5, 3)},
			)
		},
		"GatherND": func(d dice) trial {
			return node("GatherND", 13, attrs{"batch_dims": 1}, 1, []*tensor.Tensor{d.tensor(one(d, tensor.Float32, tensor.Int64, tensor.String), 2, 3, 4), d.between(tensor.Int64, -3, 2, 2, 5, 1)})
		},
		"TopK": func(d dice) trial {
			return node(
				"TopK", 11,
				attrs{"axis": d.IntN(2), "largest": d.IntN(2)},
				2,
				[]*tensor.Tensor{d.tensor(one(d, tensor.Float32, tensor.Float64, tensor.Int32, tensor.Int64), 4, 5), tensor.Vector(int64(d.IntN(5)))},
			)
		},
		"Unique": func(d dice) trial {
			a := attrs{"sorted": d.IntN(2)}
			if d.IntN(2) == 0 {
				a["axis"] = d.IntN(2)
			}
			return node("Unique", 11, a, 4, []*tensor.Tensor{d.between(one(d, tensor.Float32, tensor.Int64, tensor.String, tensor.Int8), 0, 1, 4, 3)})
		},
		"OneHot": func(d dice) trial {
			dt := one(d, tensor.Float32, tensor.Int64)
			return node("OneHot", 11, attrs{"axis": d.IntN(3)}, 1, []*tensor.Tensor{d.between(tensor.Int64, -6, 6, 2, 3), scalar(tensor.Int64, 5), d.tensor(dt, 2)})
		},
		"CumSum": func(d dice) trial {
			return node(
				"CumSum", 14,
				attrs{"exclusive": d.IntN(2), "reverse": d.IntN(2)},
				1,
				[]*tensor.Tensor{d.tensor(one(d, tensor.Float32, tensor.Float64, tensor.Int32, tensor.Int64), 3, 4), scalar(tensor.Int32, float64(d.IntN(4)-2))},
			)
		},
		"Range": func(d dice) trial {
			dt := one(d, tensor.Float32, tensor.Float64, tensor.Int16, tensor.Int32, tensor.Int64)
			return node("Range", 11, nil, 1, []*tensor.Tensor{d.between(dt, -3, 3), d.between(dt, 4, 9), d.between(dt, 1, 3)})
		},
		"Trilu": func(d dice) trial {
			return node("Trilu", 14, attrs{"upper": d.IntN(2)}, 1, []*tensor.Tensor{d.tensor(one(d, tensor.Float32, tensor.Int64, tensor.Bool), 2, 3, 4), scalar(tensor.Int64, float64(d.IntN(9)-4))})
		},
		"EyeLike": func(d dice) trial {
			return node("EyeLike", 9, attrs{"k": d.IntN(9) - 4, "dtype": int(one(d, tensor.Float32, tensor.Int64, tensor.Float64))}, 1, []*tensor.Tensor{d.tensor(tensor.Int32, 3, 4)})
		},
		"ReverseSequence": func(d dice) trial {
			return node("ReverseSequence", 10, attrs{"batch_axis": 1, "time_axis": 0}, 1, []*tensor.Tensor{d.tensor(one(d, any...), 4, 3, 2), d.between(tensor.Int64, 0, 4, 3)})
		},
		"Compress": func(d dice) trial {
			return node("Compress", 11, attrs{"axis": -1}, 1, []*tensor.Tensor{d.tensor(one(d, any...), 3, 4), d.tensor(tensor.Bool, 4)})
		},
		"NonMaxSuppression": func(d dice) trial {
			scores := tensor.New(tensor.Float32, 2, 3, 12)
			for i := range scores.Len() {
				scores.Set(i, d.Float64())
			}
			return node(
				"NonMaxSuppression", 11,
				attrs{"center_point_box": d.IntN(2)},
				1,
				[]*tensor.Tensor{d.between(tensor.Float32, 1, 9, 2, 12, 4), scores, scalar(tensor.Int64, float64(d.IntN(6))), scalar(tensor.Float32, 0.3), scalar(tensor.Float32, 0.2)},
			)
		},
		"ReduceSum": func(d dice) trial {
			x := reduce("ReduceSum", tensor.Float32, tensor.Int32, tensor.Int64, tensor.Float64)(d)
			return x
		},
		"ReduceMean":      reduce("ReduceMean", tensor.Float32, tensor.Int32, tensor.Float64),
		"ReduceMax":       reduce("ReduceMax", tensor.Float32, tensor.Int32, tensor.Int64, tensor.Int8, tensor.Uint8, tensor.Float64),
		"ReduceMin":       reduce("ReduceMin", tensor.Float32, tensor.Int32, tensor.Int64, tensor.Int8, tensor.Uint8),
		"ReduceProd":      reduce("ReduceProd", tensor.Float32, tensor.Int32, tensor.Int64),
		"ReduceL1":        reduce("ReduceL1", tensor.Float32, tensor.Int32),
		"ReduceL2":        reduce("ReduceL2", tensor.Float32, tensor.Int32),
		"ReduceSumSquare": reduce("ReduceSumSquare", tensor.Float32, tensor.Int32, tensor.Float64),
		"ReduceLogSumExp": reduce("ReduceLogSumExp", tensor.Float32, tensor.Float64),
		"ArgMax": func(d dice) trial {
			return node(
				"ArgMax", 13,
				attrs{"axis": d.IntN(3) - 1, "keepdims": d.IntN(2), "select_last_index": d.IntN(2)},
				1,
				[]*tensor.Tensor{d.between(one(d, tensor.Float32, tensor.Int32, tensor.Int8, tensor.Uint8), 0, 3, 4, 5)},
			)
		},
	})
}
