package opdiff

import (
	"slices"

	"onnxcompress/graph/tensor"
)

var sequenceTrials = []trials{
	{"LSTM", recurrent("LSTM", 4)},
	{"GRU", recurrent("GRU", 3)},
	{"RNN", recurrent("RNN", 1)},
	{"Attention", attention},
	{"Attention cache", attentionCache},
	{"RotaryEmbedding", rotary},
	{"DFT", dft},
	{"STFT", stft},
	{"windows", window},
	{"MelWeightMatrix", melWeights},
	{"Det", det},
	{"NegativeLogLikelihoodLoss", loss("NegativeLogLikelihoodLoss")},
	{"SoftmaxCrossEntropyLoss", loss("SoftmaxCrossEntropyLoss")},
	{"TensorScatter", tensorScatter},
}

// activations are what gates and states may pass through, with the number of
// their parameters. These are always given: onnxruntime takes zero for most
// where ONNX says otherwise.
var activations = []struct {
	name  string
	takes int
}{
	{"Relu", 0},
	{"Tanh", 0},
	{"Sigmoid", 0},
	{"Affine", 2},
	{"LeakyRelu", 1},
	{"ThresholdedRelu", 1},
	{"ScaledTanh", 2},
	{"HardSigmoid", 2},
	{"Elu", 1},
	{"Softsign", 0},
	{"Softplus", 0},
}

// activate draws n activations.
func activate(r source, n int, attrs map[string]any) {
	var names []string
	var alphas, betas []float32
	for range n {
		a := pick(r, activations...)
		if names = append(names, a.name); a.takes > 0 {
			alphas = append(alphas, float32(0.2+0.6*r.Float64()))
		}
		if a.takes > 1 {
			betas = append(betas, float32(0.2+0.6*r.Float64()))
		}
	}
	attrs["activations"] = names
	if alphas != nil {
		attrs["activation_alpha"] = alphas
	}
	if betas != nil {
		attrs["activation_beta"] = betas
	}
}

func recurrent(op string, gates int64) func(source) trial {
	functions := map[string]int{"LSTM": 3, "GRU": 2, "RNN": 1}[op]
	return func(r source) trial {
		sides, steps, batch, width, hidden := int64(1), r.size(1, 4), r.size(1, 3), r.size(1, 4), r.size(1, 4)
		attrs := map[string]any{"hidden_size": int(hidden), "direction": pick(r, "forward", "reverse", "bidirectional")}
		if attrs["direction"] == "bidirectional" {
			sides = 2
		}
		if r.maybe(2) {
			activate(r, functions*int(sides), attrs)
		}
		if r.maybe(3) {
			attrs["clip"] = 0.5
		}
		in := []*tensor.Tensor{
			r.floats(steps, batch, width), r.floats(sides, gates*hidden, width), r.floats(sides, gates*hidden, hidden),
			r.optional(sides, 2*gates*hidden), nil, r.optional(sides, batch, hidden),
		}
		if r.maybe(2) {
			in[4] = r.whole(tensor.Int32, 1, int(steps)+1, batch)
		}
		c := trial{op: op, version: pick[int64](r, 7, 14, 22), attrs: attrs, in: in, outputs: 2, within: 1e-3}
		switch op {
		case "LSTM":
			c.in, c.outputs = append(c.in, r.optional(sides, batch, hidden), r.optional(sides, 3*hidden)), 3
			attrs["input_forget"] = r.IntN(2)
		case "GRU":
			attrs["linear_before_reset"] = r.IntN(2)
		}
		return c
	}
}

// heads draws queries, keys and values.
func heads(r source, packed bool) (attrs map[string]any, q, k, v []int64) {
	batch, share, count := r.size(1, 2), r.size(1, 2), r.size(1, 2)
	queries, keys, size, width := r.size(1, 4), r.size(1, 5), 2*r.size(1, 3), r.size(1, 4)
	attrs = map[string]any{}
	if packed {
		attrs["q_num_heads"], attrs["kv_num_heads"] = int(share*count), int(count)
		return attrs, []int64{batch, queries, share * count * size}, []int64{batch, keys, count * size}, []int64{batch, keys, count * width}
	}
	return attrs, []int64{batch, share * count, queries, size}, []int64{batch, count, keys, size}, []int64{batch, count, keys, width}
}

func attention(r source) trial {
	packed := r.maybe(2)
	attrs, q, k, v := heads(r, packed)
	if r.maybe(3) {
		attrs["scale"] = 0.3
	}
	if r.maybe(3) {
		attrs["softcap"] = 1.5
	}
	if r.maybe(3) {
		attrs["is_causal"] = 1
	}
	in := []*tensor.Tensor{r.floats(q...), r.floats(k...), r.floats(v...), nil}
	steps := 2
	if packed {
		steps = 1
	}
	mask := []int64{q[steps], k[steps]}
	if r.maybe(2) {
		mask = append([]int64{1, 1}, mask...)
	}
	switch r.IntN(3) {
	case 0:
		in[3] = r.floats(mask...)
	case 1:
		in[3] = r.whole(tensor.Bool, 0, 2, mask...)
		for i := range int(mask[len(mask)-2]) {
			in[3].Set(i*int(mask[len(mask)-1]), 1)
		}
	}
	return trial{op: "Attention", version: pick[int64](r, 23, 24), attrs: attrs, in: in, outputs: 1, within: 1e-3}
}

func attentionCache(r source) trial {
	c := attention(r)
	delete(c.attrs, "softcap")
	delete(c.attrs, "is_causal") // which onnxruntime counts from the first of the past
	c.in[3] = nil
	shape, past := c.in[1].Shape, r.size(1, 3)
	value := c.in[2].Shape
	count, size, width := shape[1], shape[len(shape)-1], value[len(value)-1]
	if n, ok := c.attrs["kv_num_heads"].(int); ok {
		count, size, width = int64(n), size/int64(n), width/int64(n)
	}
	c.in = append(c.in, r.floats(shape[0], count, past, size), r.floats(shape[0], count, past, width))
	c.outputs = pick(r, 3, 4)
	if c.outputs == 4 {
		c.attrs["qk_matmul_output_mode"] = pick(r, 0, 3)
	}
	return c
}

func rotary(r source) trial {
	batch, count, steps, size := r.size(1, 2), r.size(1, 3), r.size(1, 4), 2*r.size(1, 4)
	attrs, part := map[string]any{"interleaved": r.IntN(2)}, size
	shape := []int64{batch, count, steps, size}
	if r.maybe(2) {
		shape, attrs["num_heads"] = []int64{batch, steps, count * size}, int(count)
	}
	if size > 2 && r.maybe(3) {
		part = size - 2
		attrs["rotary_embedding_dim"], attrs["num_heads"] = int(part), int(count)
	}
	c := trial{op: "RotaryEmbedding", version: 23, attrs: attrs, outputs: 1}
	if r.maybe(2) {
		c.in = []*tensor.Tensor{r.floats(shape...), r.floats(9, part/2), r.floats(9, part/2), r.whole(tensor.Int64, 0, 9, batch, steps)}
	} else {
		c.in = []*tensor.Tensor{r.floats(shape...), r.floats(batch, steps, part/2), r.floats(batch, steps, part/2)}
	}
	return c
}

// number is a scalar of whole numbers.
func number(v int64) *tensor.Tensor { return tensor.FromInt64s(nil, []int64{v}) }

func dft(r source) trial {
	version := pick[int64](r, 17, 20)
	shape := r.sizes(int(r.size(2, 3)), 2, 9)
	inverse := r.IntN(2)
	parts := int64(1 + r.IntN(2))
	c := trial{op: "DFT", version: version, outputs: 1, attrs: map[string]any{"inverse": inverse}, within: 1e-3}
	if inverse == 0 && parts == 1 {
		c.attrs["onesided"] = r.IntN(2)
	}
	axis := r.IntN(len(shape))
	c.in = []*tensor.Tensor{r.floats(append(shape, parts)...), nil}
	if r.maybe(2) {
		c.in[1] = number(r.size(2, 12))
	}
	if version == 17 {
		c.attrs["axis"] = axis
	} else {
		c.in = append(c.in, number(int64(axis)))
	}
	return c
}

func stft(r source) trial {
	length, step := r.size(2, 8), r.size(1, 4)
	c := trial{op: "STFT", version: 17, outputs: 1, attrs: map[string]any{"onesided": r.IntN(2)}, within: 1e-3, in: []*tensor.Tensor{
		r.floats(r.size(1, 2), length+r.size(0, 12), 1), number(step), nil, number(length),
	}}
	if r.maybe(2) {
		c.in[2] = r.floats(length)
	}
	return c
}

func window(r source) trial {
	return trial{op: pick(r, "HannWindow", "HammingWindow", "BlackmanWindow"), version: 17, outputs: 1, attrs: map[string]any{
		"periodic": r.IntN(2), "output_datatype": pick(r, 1, 11),
	}, in: []*tensor.Tensor{number(r.size(2, 20))}}
}

func melWeights(r source) trial {
	scalar := func(v float64) *tensor.Tensor { return tensor.Scalar(tensor.Float32, v) }
	return trial{op: "MelWeightMatrix", version: 17, outputs: 1, attrs: map[string]any{}, in: []*tensor.Tensor{
		number(r.size(2, 8)), number(2 * r.size(8, 40)), number(8192), scalar(pick(r, 0.0, 100)), scalar(pick(r, 2000.0, 4000)),
	}}
}

func det(r source) trial {
	n := r.size(1, 5)
	return trial{op: "Det", version: pick[int64](r, 11, 22), outputs: 1, within: 1e-3, in: []*tensor.Tensor{
		r.floats(slices.Concat(r.sizes(r.IntN(3), 1, 3), []int64{n, n})...),
	}}
}

func loss(op string) func(source) trial {
	return func(r source) trial {
		batch, classes, spatial := r.size(1, 3), r.size(2, 4), r.sizes(r.IntN(3), 1, 3)
		c := trial{op: op, version: pick[int64](r, 12, 13), outputs: 1, attrs: map[string]any{"reduction": pick(r, "none", "mean", "sum")}, in: []*tensor.Tensor{
			r.floats(slices.Concat([]int64{batch, classes}, spatial)...), r.whole(pick(r, tensor.Int32, tensor.Int64), 0, int(classes), slices.Concat([]int64{batch}, spatial)...),
		}}
		if r.maybe(2) {
			c.in = append(c.in, r.between(0.2, 2, classes))
		}
		if r.maybe(2) {
			c.attrs["ignore_index"] = 1
		}
		if op == "SoftmaxCrossEntropyLoss" {
			c.outputs = 1 + r.IntN(2)
		}
		return c
	}
}

func tensorScatter(r source) trial {
	shape := r.sizes(int(r.size(3, 4)), 1, 6)
	axis := 1 + r.IntN(len(shape)-1)
	mode := pick(r, "linear", "circular")
	update, most := slices.Clone(shape), shape[axis]
	update[axis] = r.size(1, int(most))
	high := int(most - update[axis])
	if mode == "circular" {
		high = int(most) - 1
	}
	c := trial{op: "TensorScatter", version: 24, outputs: 1, attrs: map[string]any{"axis": axis, "mode": mode}, in: []*tensor.Tensor{r.floats(shape...), r.floats(update...)}}
	if r.maybe(2) {
		c.in = append(c.in, r.whole(tensor.Int64, 0, high+1, shape[0]))
	}
	return c
}
