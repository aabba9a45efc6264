package op

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"onnxcompress/graph/tensor"
)

// haphazard draws inputs and attributes that no model would have.
type haphazard struct{ *rand.Rand }

func pickOne[T any](h haphazard, list ...T) T { return list[h.IntN(len(list))] }

func (h haphazard) tensor() *tensor.Tensor {
	switch h.IntN(16) {
	case 0:
		return nil
	case 1:
		return tensor.List(tensor.Float32, h.dense(), h.dense())
	case 2:
		return tensor.List(tensor.Float32)
	case 3:
		return tensor.Absent()
	}
	return h.dense()
}

func (h haphazard) dense() *tensor.Tensor {
	shape := make([]int64, h.IntN(5))
	for i := range shape {
		shape[i] = pickOne[int64](h, 0, 1, 1, 2, 2, 3, 4)
	}
	t := tensor.New(tensor.DType(1+h.IntN(26)), shape...)
	for i := range t.Len() {
		if t.DType != tensor.String {
			x := pickOne(h, -1, 0, 1, 1, 2, 3, math.Inf(1), math.NaN())
			if lowest, _, ok := limits(t.DType); ok && (math.IsInf(x, 0) || x < float64(lowest)) {
				x = 4 // what is large and not too large is computed, and takes its time
			}
			t.Set(i, x)
		}
	}
	for i := range t.Strings {
		t.Strings[i] = []byte(pickOne(h, "", "a", "b c", "12"))
	}
	return t
}

func (h haphazard) numbers() []int64 {
	v := make([]int64, h.IntN(5))
	for i := range v {
		v[i] = pickOne[int64](h, -1, 0, 1, 1, 2, 3, 1<<40, -1<<63)
	}
	return v
}

// attributes are those that operators here read.
var attributes = strings.Fields(`axis axes keepdims to dtype k num_outputs mode pads perm starts ends batch_dims batch_axis time_axis
	exclusive reverse largest sorted upper reduction block_size output_dtype saturate round_mode group strides dilations kernel_shape
	auto_pad new_axis delimiter maxsplit stopwords case_change_action pattern min_gram_length max_gram_length max_skip_count
	ngram_counts ngram_indexes pool_int64s pool_strings weights shape mean scale low high seed sample_size ratio value value_ints
	split blocksize detect_positive direction fmod allowzero center_point_box pixel_format threshold offset norm cats_int64s
	cats_strings keys_strings keys_int64s values_floats values_strings values_int64s default_tensor keys_tensor classes_strings
	imputed_value_floats imputed_value_int64s inputdimensions coefficients intercepts targets post_transform classlabels_ints
	classlabels_strings kernel_type kernel_params rho support_vectors vectors_per_class n_supports prob_a prob_b n_targets
	nodes_treeids nodes_nodeids nodes_featureids nodes_modes nodes_values nodes_truenodeids nodes_falsenodeids target_treeids
	target_nodeids target_ids target_weights class_treeids class_nodeids class_ids class_weights base_values tree_roots
	nodes_trueleafs nodes_falseleafs nodes_splits leaf_targetids leaf_weights aggregate_function body then_branch else_branch
	num_scan_inputs scan_input_axes scan_output_axes directions`)

func (h haphazard) attrs() Attrs {
	attrs := Attrs{}
	for _, name := range attributes {
		if h.IntN(3) == 0 {
			continue
		}
		a := Attr{}
		switch h.IntN(8) {
		case 0:
			a.Tensor = h.dense()
		case 1:
			a.Str = pickOne(h, "", "a", "constant", "none", "add", "LINEAR", "RBF", "LOGISTIC", "SAME_UPPER")
		case 2:
			a.Ints = h.numbers()
		case 3:
			a.Floats = []float32{1, 0, -2, 3}[:h.IntN(5)]
		case 4:
			a.Strs = []string{"a", "", "LEAF", "BRANCH_LEQ"}[:h.IntN(5)]
		case 5:
			a.Float = float32(h.NormFloat64())
		case 6:
			a.Graph, a.Gives = true, []Fact{Of(tensor.Bool), Of(tensor.Float32, 2)}
			a.Run = func(args []*tensor.Tensor) ([]*tensor.Tensor, error) {
				if len(args) > 9 {
					return nil, errMissing
				}
				return []*tensor.Tensor{tensor.Scalar(tensor.Bool, float64(h.IntN(2))), h.tensor(), h.tensor()}, nil
			}
		default:
			a.Int = pickOne[int64](h, -1, 0, 1, 2, 3, 7, 1<<40, -1<<63)
		}
		attrs[name] = a
	}
	return attrs
}

// TestForwardBears calls every operator with inputs and attributes of any kind,
// as many as its nodes always have or more: what does not make sense is an
// error and not a panic.
func TestForwardBears(t *testing.T) {
	names := slices.Sorted(slices.Values(Names()))
	for _, name := range names {
		spec := Lookup("", name)
		if spec.Forward == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(500) {
				bear(t, spec, name, seed)
			}
		})
	}
}

func bear(t *testing.T, spec *Spec, name string, seed uint64) {
	t.Helper()
	h := haphazard{rand.New(rand.NewPCG(seed, 11))}
	n := &Node{Type: name, Version: pickOne(h, 1, 7, 10, 13, 18, 23), Attrs: h.attrs(), Outputs: 1 + h.IntN(3), Fresh: func() int64 { return 1 }}
	in := make([]*tensor.Tensor, Required("", name, n.Version)+h.IntN(3))
	for i := range in {
		if in[i] = h.tensor(); i < Required("", name, n.Version) {
			in[i] = h.dense()
		}
	}
	defer func() {
		if p := recover(); p != nil {
			text := ""
			for _, x := range in {
				if x != nil {
					text += fmt.Sprintf(" %v%v(%d)", x.DType, x.Shape, x.Kind)
				}
			}
			t.Fatalf("seed %d: %v with%s\n%s", seed, p, text, debug.Stack())
		}
	}()
	_, _ = spec.Evaluate(n, in)
}
