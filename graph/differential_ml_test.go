package graph_test

import (
	"testing"

	"onnxcompress/graph/tensor"
)

// words is a tensor of strings.
func words(shape []int64, list ...string) *tensor.Tensor {
	t := tensor.New(tensor.String, shape...)
	for i, s := range list {
		t.Strings[i] = []byte(s)
	}
	return t
}

// TestQuantisationAgrees compares quantised operators of every type with
// onnxruntime.
func TestQuantisationAgrees(t *testing.T) {
	type attrs = map[string]any
	bytes := []tensor.DType{tensor.Int8, tensor.Uint8}
	all := []tensor.DType{tensor.Int8, tensor.Uint8, tensor.Int16, tensor.Uint16}
	scale := func(d dice, shape ...int64) *tensor.Tensor { return d.between(tensor.Float32, 1, 4, shape...) }
	differential(t, map[string]func(d dice) trial{
		"QuantizeLinear": func(d dice) trial {
			return node("QuantizeLinear", 21, attrs{"axis": 1}, 1, []*tensor.Tensor{d.between(tensor.Float32, -700, 700, 2, 3, 4), scale(d, 3), d.tensor(one(d, all...), 3)})
		},
		"QuantizeLinear blocked": func(d dice) trial {
			return node("QuantizeLinear", 21, attrs{"axis": 1, "block_size": 2}, 1, []*tensor.Tensor{d.between(tensor.Float32, -700, 700, 2, 6, 4), scale(d, 2, 3, 4), d.tensor(one(d, all...), 2, 3, 4)})
		},
		"QuantizeLinear float8": func(d dice) trial {
			zero := tensor.New(one(d, tensor.Float8E4M3FN, tensor.Float8E5M2))
			x := node("QuantizeLinear", 21, attrs{"saturate": d.IntN(2), "output_dtype": int(zero.DType)}, 1, []*tensor.Tensor{d.between(tensor.Float32, -900, 900, 30), scale(d)})
			return x.seen()
		},
		"DequantizeLinear": func(d dice) trial {
			dt := one(d, all...)
			return node("DequantizeLinear", 21, attrs{"axis": -2}, 1, []*tensor.Tensor{d.tensor(dt, 2, 3, 4), scale(d, 3), d.tensor(dt, 3)})
		},
		"DequantizeLinear int32": func(d dice) trial {
			return node("DequantizeLinear", 13, nil, 1, []*tensor.Tensor{d.tensor(tensor.Int32, 2, 3), scale(d)})
		},
		"DynamicQuantizeLinear": func(d dice) trial {
			return node("DynamicQuantizeLinear", 11, nil, 3, []*tensor.Tensor{d.between(tensor.Float32, -d.IntN(9), d.IntN(9), 3, 4)})
		},
		"MatMulInteger": func(d dice) trial {
			b := one(d, bytes...)
			return node("MatMulInteger", 10, nil, 1, []*tensor.Tensor{d.tensor(tensor.Uint8, 2, 3, 4), d.tensor(b, 4, 5), d.tensor(tensor.Uint8), d.tensor(b, 5)})
		},
		"QLinearMatMul": func(d dice) trial {
			b := one(d, bytes...)
			return node("QLinearMatMul", 10, nil, 1, []*tensor.Tensor{
				d.tensor(tensor.Uint8, 2, 3, 4), scale(d), d.tensor(tensor.Uint8), d.tensor(b, 4, 5), scale(d, 5), d.tensor(b, 5), scale(d), d.tensor(tensor.Uint8),
			})
		},
		"ConvInteger": func(d dice) trial {
			group := one(d, 1, 2, 4)
			return node("ConvInteger", 10, attrs{"group": group, "pads": []int64{1, 0, 1, 2}, "strides": []int64{1, 2}}, 1,
				[]*tensor.Tensor{d.tensor(tensor.Uint8, 2, 4, 5, 6), d.tensor(tensor.Uint8, 8, int64(4/group), 3, 2), d.tensor(tensor.Uint8), d.tensor(tensor.Uint8)})
		},
		"QLinearConv": func(d dice) trial {
			group, w := one(d, 1, 2, 4), one(d, bytes...)
			return node("QLinearConv", 10, attrs{"group": group, "auto_pad": one(d, "NOTSET", "SAME_UPPER", "SAME_LOWER"), "dilations": []int64{1, 2}}, 1, []*tensor.Tensor{
				d.tensor(tensor.Uint8, 2, 4, 5, 6), scale(d), d.tensor(tensor.Uint8), d.tensor(w, 8, int64(4/group), 3, 2), scale(d, 8),
				tensor.New(w, 8), scale(d), d.tensor(tensor.Uint8), d.tensor(tensor.Int32, 8),
			})
		},
	})
}

// TestTextAgrees compares operators on strings with onnxruntime.
func TestTextAgrees(t *testing.T) {
	type attrs = map[string]any
	differential(t, map[string]func(d dice) trial{
		"StringConcat": func(d dice) trial {
			return node("StringConcat", 20, nil, 1, []*tensor.Tensor{d.tensor(tensor.String, 2, 1), d.tensor(tensor.String, 3)})
		},
		"StringSplit": func(d dice) trial {
			a := attrs{}
			if d.IntN(2) == 0 {
				a["delimiter"] = one(d, "a", "ba", "")
			}
			if d.IntN(2) == 0 {
				a["maxsplit"] = d.IntN(4)
			}
			return node("StringSplit", 20, a, 2, []*tensor.Tensor{words([]int64{2, 2}, "abacaba", "  a  ba c ", "baba x", "a")})
		},
		"StringNormalizer": func(d dice) trial {
			return node("StringNormalizer", 10, attrs{
				"case_change_action": one(d, "LOWER", "UPPER", "NONE"), "is_case_sensitive": d.IntN(2), "stopwords": []string{"Mo", "tu"},
			}, 1, []*tensor.Tensor{words([]int64{5}, "mo", "Mo", "Tu", "tu", "We")})
		},
		"RegexFullMatch": func(d dice) trial {
			return node("RegexFullMatch", 20, attrs{"pattern": one(d, "a+", "a|ab", "[a-c]*", ".")}, 1, []*tensor.Tensor{words([]int64{4}, "a", "ab", "aaa", "")})
		},
		"TfIdfVectorizer": func(d dice) trial {
			a := attrs{
				"mode": one(d, "TF", "IDF", "TFIDF"), "min_gram_length": 1, "max_gram_length": 1 + d.IntN(2), "max_skip_count": d.IntN(3),
				"ngram_counts": []int64{0, 3}, "ngram_indexes": []int64{2, 0, 1, 4, 3}, "pool_int64s": []int64{1, 2, 3, 1, 2, 3, 3}, "weights": []float32{1, 2, 0.5, 4, 3},
			}
			return node("TfIdfVectorizer", 9, a, 1, []*tensor.Tensor{d.between(one(d, tensor.Int64, tensor.Int32), 1, 3, 3, 7)})
		},
	})
}

// TestLearnersAgree compares the operators of ai.onnx.ml with onnxruntime.
func TestLearnersAgree(t *testing.T) {
	type attrs = map[string]any
	last := []string{"NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"}
	labels := func(d dice, a attrs, count int, whole ...string) {
		if d.IntN(2) == 0 {
			a["classlabels_strings"] = []string{"one", "two", "three", "four"}[:count]
		} else {
			a[append(whole, "classlabels_ints")[0]] = []int64{5, 3, 8, -1}[:count]
		}
	}
	samples := func(d dice) *tensor.Tensor { return d.tensor(tensor.Float32, 6, 3) }
	differential(t, map[string]func(d dice) trial{
		"Scaler": func(d dice) trial {
			return node("ai.onnx.ml:Scaler", 1, attrs{"offset": d.floats(3), "scale": d.floats(3)}, 1, []*tensor.Tensor{d.tensor(one(d, tensor.Float32, tensor.Int64, tensor.Float64), 4, 3)})
		},
		"Binarizer": func(d dice) trial {
			return node("ai.onnx.ml:Binarizer", 1, attrs{"threshold": 1.5}, 1, []*tensor.Tensor{samples(d)})
		},
		"Normalizer": func(d dice) trial {
			return node("ai.onnx.ml:Normalizer", 1, attrs{"norm": one(d, "MAX", "L1", "L2")}, 1, []*tensor.Tensor{samples(d)})
		},
		"Imputer": func(d dice) trial {
			return node("ai.onnx.ml:Imputer", 1, attrs{"imputed_value_floats": d.floats(3), "replaced_value_float": 1.0}, 1, []*tensor.Tensor{samples(d)})
		},
		"Imputer whole": func(d dice) trial {
			return node("ai.onnx.ml:Imputer", 1, attrs{"imputed_value_int64s": []int64{7, 8, 9}, "replaced_value_int64": 1}, 1, []*tensor.Tensor{d.between(tensor.Int64, 0, 2, 4, 3)})
		},
		"ArrayFeatureExtractor": func(d dice) trial {
			return node("ai.onnx.ml:ArrayFeatureExtractor", 1, nil, 1, []*tensor.Tensor{d.tensor(one(d, tensor.Float32, tensor.Int64, tensor.String), 4, 3), d.between(tensor.Int64, 0, 2, 1, 2)})
		},
		"LabelEncoder": func(d dice) trial {
			if d.IntN(2) == 0 {
				return node("ai.onnx.ml:LabelEncoder", 2, attrs{"keys_strings": []string{"a", "c", "b"}, "values_floats": []float32{1, 2, 3}, "default_float": 9.0}, 1, []*tensor.Tensor{d.tensor(tensor.String, 3, 4)})
			}
			return node("ai.onnx.ml:LabelEncoder", 2, attrs{"keys_int64s": []int64{1, 2}, "values_strings": []string{"x", "y"}}, 1, []*tensor.Tensor{d.tensor(tensor.Int64, 3, 4)})
		},
		"CategoryMapper": func(d dice) trial {
			return node("ai.onnx.ml:CategoryMapper", 1, attrs{"cats_int64s": []int64{3, 4, 5}, "cats_strings": []string{"a", "b", "c"}}, 1, []*tensor.Tensor{d.tensor(one(d, tensor.String, tensor.Int64), 2, 5)})
		},
		"OneHotEncoder": func(d dice) trial {
			return node("ai.onnx.ml:OneHotEncoder", 1, attrs{"cats_int64s": []int64{3, 4, 5}}, 1, []*tensor.Tensor{d.tensor(one(d, tensor.Float32, tensor.Int64), 2, 5)})
		},
		"FeatureVectorizer": func(d dice) trial {
			return node("ai.onnx.ml:FeatureVectorizer", 1, attrs{"inputdimensions": []int64{2, 3}}, 1, []*tensor.Tensor{d.tensor(tensor.Float32, 4, 2), d.tensor(tensor.Float32, 4, int64(one(d, 2, 3, 4)))})
		},
		"LinearRegressor": func(d dice) trial {
			return node("ai.onnx.ml:LinearRegressor", 1, attrs{"coefficients": d.floats(6), "intercepts": d.floats(2), "targets": 2, "post_transform": one(d, last...)}, 1, []*tensor.Tensor{samples(d)})
		},
		"LinearClassifier": func(d dice) trial {
			count := one(d, 1, 2, 3)
			a := attrs{"coefficients": d.floats(3 * count), "intercepts": d.floats(count), "post_transform": one(d, last...)}
			labels(d, a, max(count, 2))
			return node("ai.onnx.ml:LinearClassifier", 1, a, 2, []*tensor.Tensor{samples(d)})
		},
		"TreeEnsembleRegressor": func(d dice) trial {
			a := trees(d, "target", 2)
			a["n_targets"], a["aggregate_function"] = 2, one(d, "SUM", "AVERAGE", "MIN", "MAX")
			if d.IntN(2) == 0 {
				a["base_values"] = d.floats(2)
			}
			return node("ai.onnx.ml:TreeEnsembleRegressor", 1, a, 1, []*tensor.Tensor{samples(d)})
		},
		"TreeEnsembleClassifier": func(d dice) trial {
			count := one(d, 2, 3, 4)
			a := trees(d, "class", count)
			labels(d, a, count, "classlabels_int64s")
			a["post_transform"] = one(d, last...)
			if count > 2 && d.IntN(2) == 0 { // of two, onnxruntime leaves out the votes for the second
				a["base_values"] = d.floats(count)
			}
			return node("ai.onnx.ml:TreeEnsembleClassifier", 1, a, 2, []*tensor.Tensor{samples(d)})
		},
		"TreeEnsembleClassifier of one class": func(d dice) trial {
			a := trees(d, "class", 1)
			if d.IntN(2) == 0 {
				weights := a["class_weights"].([]float32)
				for i := range weights {
					weights[i] = max(weights[i], -weights[i]) / 4
				}
			}
			labels(d, a, 2, "classlabels_int64s")
			a["post_transform"] = one(d, "NONE", "LOGISTIC")
			return node("ai.onnx.ml:TreeEnsembleClassifier", 1, a, 2, []*tensor.Tensor{samples(d)})
		},
		"SVMRegressor": func(d dice) trial {
			a := attrs{"kernel_type": one(d, "LINEAR", "RBF", "SIGMOID", "POLY"), "kernel_params": []float32{0.25, 0.5, 2}, "rho": d.floats(1), "n_supports": 4, "support_vectors": d.floats(12), "coefficients": d.floats(4)}
			return node("ai.onnx.ml:SVMRegressor", 1, a, 1, []*tensor.Tensor{samples(d)})
		},
		"SVMRegressor linear": func(d dice) trial {
			return node("ai.onnx.ml:SVMRegressor", 1, attrs{"kernel_type": "LINEAR", "kernel_params": []float32{0, 0, 0}, "rho": d.floats(1), "coefficients": d.floats(3), "n_supports": 0}, 1, []*tensor.Tensor{samples(d)})
		},
		"SVMClassifier": func(d dice) trial {
			count := one(d, 2, 3)
			pairs := count * (count - 1) / 2
			a := attrs{
				"kernel_type": one(d, "LINEAR", "RBF", "SIGMOID"), "kernel_params": []float32{0.25, 0.5, 2}, "rho": d.floats(pairs),
				"vectors_per_class": []int64{2, 1, 2}[:count], "post_transform": one(d, "NONE", "LOGISTIC"),
			}
			vectors := []int{0, 0, 3, 5}[count]
			a["support_vectors"], a["coefficients"] = d.floats(3*vectors), d.floats(vectors*(count-1))
			labels(d, a, count)
			return node("ai.onnx.ml:SVMClassifier", 1, a, 2, []*tensor.Tensor{samples(d)})
		},
		"SVMClassifier with probabilities": func(d dice) trial {
			count := one(d, 2, 3)
			pairs := count * (count - 1) / 2
			a := attrs{
				"kernel_type": "RBF", "kernel_params": []float32{0.25, 0.5, 2}, "rho": d.floats(pairs), "prob_a": d.floats(pairs), "prob_b": d.floats(pairs),
				"vectors_per_class": []int64{2, 1, 2}[:count],
			}
			vectors := []int{0, 0, 3, 5}[count]
			a["support_vectors"], a["coefficients"] = d.floats(3*vectors), d.floats(vectors*(count-1))
			labels(d, a, count)
			return node("ai.onnx.ml:SVMClassifier", 1, a, 2, []*tensor.Tensor{samples(d)})
		},
		"SVMClassifier linear": func(d dice) trial {
			a := attrs{"kernel_type": "LINEAR", "kernel_params": []float32{0, 0, 0}, "coefficients": d.floats(9), "rho": d.floats(1), "post_transform": one(d, "NONE", "LOGISTIC")}
			labels(d, a, 3)
			return node("ai.onnx.ml:SVMClassifier", 1, a, 2, []*tensor.Tensor{samples(d)})
		},
	})
}

// trees draws attributes of two trees of two levels, whose leaves vote for
// targets.
func trees(d dice, kind string, targets int) map[string]any {
	var ids, nodes, features, yes, no, voteTrees, voteNodes, voteIDs []int64
	var modes []string
	var values []float32
	for tree := range int64(2) {
		for id := range int64(7) {
			ids, nodes = append(ids, tree), append(nodes, id)
			features, values = append(features, int64(d.IntN(3))), append(values, d.floats(1)[0])
			if id < 3 {
				yes, no = append(yes, 2*id+1), append(no, 2*id+2)
				modes = append(modes, one(d, "BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT"))
				continue
			}
			yes, no, modes = append(yes, 0), append(no, 0), append(modes, "LEAF")
			for target := range int64(targets) {
				// onnxruntime forgets the base value of a target without votes.
				if kind == "target" || target == id%int64(targets) || d.IntN(2) == 0 {
					voteTrees, voteNodes, voteIDs = append(voteTrees, tree), append(voteNodes, id), append(voteIDs, target)
				}
			}
		}
	}
	return map[string]any{
		"nodes_treeids": ids, "nodes_nodeids": nodes, "nodes_featureids": features, "nodes_modes": modes, "nodes_values": values,
		"nodes_truenodeids": yes, "nodes_falsenodeids": no,
		kind + "_treeids": voteTrees, kind + "_nodeids": voteNodes, kind + "_ids": voteIDs, kind + "_weights": d.floats(len(voteIDs)),
	}
}
