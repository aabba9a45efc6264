package op

import (
	"onnxcompress/graph/tensor"
)

// column is a list of numbers for channels, with a shape that broadcasts along
// axis 0 of a weight, or axis 1 of an output, of that rank.
func column(t *tensor.Tensor, axis, rank int) *tensor.Tensor {
	if t == nil || t.Len() == 1 {
		return t
	}
	shape := line(int64(rank), 1, 0)
	shape[axis] = int64(t.Len())
	return reshaped(t, shape)
}

func (k *integerConv) forward(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	facts, err := k.infer(given(n, in))
	if err != nil {
		return nil, err
	}
	x, w, shape := in[0], in[k.w], facts[0].Shape
	if err := bounded(tensor.Float64, shape); err != nil {
		return nil, err
	}
	v, err := centred(x, optional(in, k.zeroX))
	if err != nil {
		return nil, err
	}
	u, err := centred(w, column(optional(in, k.zeroW), 0, w.Rank()))
	if err != nil {
		return nil, err
	}
	win, err := windowsOf(n, x.Shape[2:], w.Shape[2:])
	if err != nil {
		return nil, err
	}
	sums := win.correlate(v, u, x.Shape, w.Shape, shape)
	if k.zeroY < 0 {
		t, err := ofNumbers(tensor.Int32, shape, sums)
		return []*tensor.Tensor{t}, err
	}
	if bias := optional(in, k.bias); bias != nil {
		b, err := numbersOf(bias)
		if err != nil || int64(len(b)) != shape[1] {
			return nil, errElements
		}
		area := product(shape[2:])
		for i := range sums {
			sums[i] += b[int64(i)/area%shape[1]]
		}
	}
	scaleW := column(in[k.scaleW], 1, len(shape))
	return requantized(sums, shape, in[1], scaleW, in[k.zeroY-1], in[k.zeroY])
}

// correlate slides a weight over an image; what lies outside counts as zero.
func (w *windows) correlate(x, kernel []float64, shape, weight, out []int64) []float64 {
	sums := make([]float64, product(out))
	inner, taps := weight[1], product(weight[2:])
	each := out[1] / max(shape[1]/inner, 1)
	image, outImage := product(shape[2:]), product(out[2:])
	places := w.offsets(shape[2:], out[2:])
	for i := range sums {
		place, channel := int64(i)%outImage, int64(i)/outImage%out[1]
		from := int64(i) / outImage / out[1] * shape[1]
		from += channel / each * inner
		for c := range inner {
			row := kernel[(channel*inner+c)*taps:]
			for tap := range taps {
				if at := places[place*taps+tap]; at >= 0 {
					sums[i] += x[(from+c)*image+at] * row[tap]
				}
			}
		}
	}
	return sums
}

// offsets are, for each window and each of its elements, the place in the
// image; -1 outside.
func (w *windows) offsets(image, counts []int64) []int64 {
	taps, windows := product(w.kernel), product(counts)
	at := make([]int64, windows*taps)
	perTap, perWindow, steps := strides(w.kernel), strides(counts), strides(image)
	for i := range at {
		window, tap := int64(i)/taps, int64(i)%taps
		for axis, size := range image {
			p := window/perWindow[axis]%counts[axis]*w.strides[axis] + tap/perTap[axis]%w.kernel[axis]*w.dilations[axis] - w.before[axis]
			if p < 0 || p >= size {
				at[i] = -1
				break
			}
			at[i] += p * steps[axis]
		}
	}
	return at
}
