package opdiff

import (
	"onnxcompress/graph/tensor"
)

var normTrials = []trials{
	{"BatchNormalization", batchNorm},
	{"BatchNormalization training", batchNormTraining},
	{"InstanceNormalization", instanceNorm},
	{"GroupNormalization", groupNorm},
	{"LayerNormalization", layerNorm},
	{"RMSNormalization", rmsNorm},
	{"Softmax", along("Softmax")},
	{"LogSoftmax", along("LogSoftmax")},
	{"Hardmax", along("Hardmax")},
	{"LpNormalization", lpNormalization},
	{"MeanVarianceNormalization", meanVariance},
	{"LRN", lrn},
	{"Gemm", gemm},
	{"Einsum", einsum},
}

func batchNorm(r source) trial {
	shape := r.sizes(int(r.size(2, 5)), 1, 4)
	c := shape[1]
	return trial{op: "BatchNormalization", version: pick[int64](r, 7, 9, 14, 15), outputs: 1, attrs: map[string]any{"epsilon": 0.01}, in: []*tensor.Tensor{
		r.floats(shape...), r.floats(c), r.floats(c), r.floats(c), r.between(0.1, 2, c),
	}}
}

func batchNormTraining(r source) trial {
	c := batchNorm(r)
	c.version, c.outputs = pick[int64](r, 14, 15), 3
	c.attrs["training_mode"], c.attrs["momentum"] = 1, 0.7
	return c
}

func instanceNorm(r source) trial {
	shape := r.sizes(int(r.size(3, 5)), 2, 4)
	return trial{op: "InstanceNormalization", version: pick[int64](r, 7, 22), outputs: 1, attrs: map[string]any{"epsilon": 0.02}, in: []*tensor.Tensor{
		r.floats(shape...), r.floats(shape[1]), r.floats(shape[1]),
	}}
}

func groupNorm(r source) trial {
	groups := r.size(1, 3)
	shape := r.sizes(int(r.size(3, 5)), 2, 4)
	shape[1] *= groups
	return trial{op: "GroupNormalization", version: 21, outputs: 1, attrs: map[string]any{"num_groups": int(groups)}, in: []*tensor.Tensor{
		r.floats(shape...), r.floats(shape[1]), r.floats(shape[1]),
	}}
}

// axisOf draws one of so many axes, counted from either end.
func axisOf(r source, rank int) int { return r.IntN(2*rank) - rank }

func layerNorm(r source) trial {
	shape := r.sizes(int(r.size(2, 4)), 2, 4)
	axis := axisOf(r, len(shape))
	own := shape[(axis+len(shape))%len(shape):]
	return trial{op: "LayerNormalization", version: 17, outputs: 1 + 2*r.IntN(2), attrs: map[string]any{"axis": axis}, in: []*tensor.Tensor{
		r.floats(shape...), r.floats(own...), r.optional(own...),
	}}
}

func rmsNorm(r source) trial {
	shape := r.sizes(int(r.size(2, 4)), 2, 4)
	axis := axisOf(r, len(shape))
	return trial{op: "RMSNormalization", version: 23, outputs: 1, attrs: map[string]any{"axis": axis, "epsilon": 0.001}, in: []*tensor.Tensor{
		r.floats(shape...), r.floats(shape[(axis+len(shape))%len(shape):]...),
	}}
}

func along(op string) func(source) trial {
	return func(r source) trial {
		shape := r.sizes(int(r.size(1, 4)), 1, 4)
		c := trial{op: op, version: pick[int64](r, 7, 11, 13), outputs: 1, attrs: map[string]any{}, in: []*tensor.Tensor{r.floats(shape...)}}
		if !r.maybe(4) {
			c.attrs["axis"] = axisOf(r, len(shape))
		}
		return c
	}
}

func lpNormalization(r source) trial {
	shape := r.sizes(int(r.size(1, 4)), 1, 4)
	return trial{op: "LpNormalization", version: pick[int64](r, 7, 22), outputs: 1, attrs: map[string]any{"axis": axisOf(r, len(shape)), "p": 1 + r.IntN(2)}, in: []*tensor.Tensor{r.floats(shape...)}}
}

func meanVariance(r source) trial {
	c := trial{op: "MeanVarianceNormalization", version: pick[int64](r, 9, 13), outputs: 1, attrs: map[string]any{}, in: []*tensor.Tensor{r.floats(r.sizes(4, 2, 4)...)}}
	if r.maybe(2) {
		c.attrs["axes"] = pick(r, []int64{0, 2, 3}, []int64{0, 1, 2, 3})
	}
	return c
}

func lrn(r source) trial {
	return trial{op: "LRN", version: pick[int64](r, 7, 13), outputs: 1, attrs: map[string]any{
		"size": int(r.size(0, 3))*2 + 1, "alpha": 0.3, "beta": 0.6, "bias": 1.5,
	}, in: []*tensor.Tensor{r.floats(r.size(1, 2), r.size(1, 8), r.size(1, 3), r.size(1, 3))}}
}

func gemm(r source) trial {
	rows, inner, width := r.size(1, 4), r.size(1, 4), r.size(1, 4)
	a, b := []int64{rows, inner}, []int64{inner, width}
	attrs := map[string]any{}
	if r.maybe(2) {
		attrs["transA"], a = 1, []int64{inner, rows}
	}
	if r.maybe(2) {
		attrs["transB"], b = 1, []int64{width, inner}
	}
	if r.maybe(2) {
		attrs["alpha"], attrs["beta"] = 0.5, 2.0
	}
	in := []*tensor.Tensor{r.floats(a...), r.floats(b...)}
	if r.maybe(2) {
		in = append(in, r.floats(pick(r, []int64{}, []int64{1}, []int64{width}, []int64{rows, 1}, []int64{1, width}, []int64{rows, width})...))
	}
	return trial{op: "Gemm", version: pick[int64](r, 11, 13), outputs: 1, attrs: attrs, in: in}
}

func einsum(r source) trial {
	equation := pick(
		r, "ij,jk->ik", "bij,bjk->bik", "ij->ji", "ij->", "ii->i", "ii", "i,j->ij", "i,i->", "bij,bkj", "...ij,...jk->...ik", "ij,k,jk->i",
		"bhqd,bhkd->bhqk", "ijk,k", "ij,jk,kl->il", "b...->...", "iij->ij", "ij , jk", "a,b,c->", "ab,cb->abc",
	)
	size := map[rune]int64{}
	extra := r.sizes(2, 1, 3)
	c := trial{op: "Einsum", version: 12, outputs: 1, attrs: map[string]any{"equation": equation}}
	for _, term := range terms(equation) {
		shape := []int64{}
		for at, label := range term {
			switch {
			case label == '.' && at+1 < len(term) && term[at+1] == '.' && (at == 0 || term[at-1] != '.'):
				shape = append(shape, extra...)
			case label != '.':
				if size[label] == 0 {
					size[label] = r.size(1, 4)
				}
				shape = append(shape, size[label])
			}
		}
		c.in = append(c.in, r.floats(shape...))
	}
	return c
}

// terms are the operands of an equation.
func terms(equation string) []string {
	list := []string{""}
	for at, label := range equation {
		switch label {
		case ' ':
		case '-':
			return list
		case ',':
			list = append(list, "")
		default:
			list[len(list)-1] += equation[at : at+1]
		}
	}
	return list
}
