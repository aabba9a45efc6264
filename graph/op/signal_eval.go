package op

import (
	"errors"
	"fmt"
	"math"

	"onnxcompress/graph/tensor"
)

// fourier transforms lists of one length; roots are the powers of
// exp(-2πi/length), or of its inverse.
type fourier struct{ roots []complex128 }

func newFourier(length int, inverse bool) *fourier {
	f := &fourier{make([]complex128, length)}
	turn := -2 * math.Pi / float64(length)
	if inverse {
		turn = -turn
	}
	for k := range f.roots {
		sin, cos := math.Sincos(turn * float64(k))
		f.roots[k] = complex(cos, sin)
	}
	return f
}

// transform is the sum of x[t]·root^(k·t) for every k; halves are transformed
// alone as long as the length is even.
func (f *fourier) transform(x []complex128) []complex128 {
	n := len(x)
	step, y := len(f.roots)/max(n, 1), make([]complex128, n)
	if n < 2 || n%2 == 1 {
		for k := range y {
			at := 0
			for _, v := range x {
				y[k] += v * f.roots[at*step]
				if at += k; at >= n {
					at -= n
				}
			}
		}
		return y
	}
	halves := [2][]complex128{}
	for i, v := range x {
		halves[i%2] = append(halves[i%2], v)
	}
	even, odd := f.transform(halves[0]), f.transform(halves[1])
	for k := range even {
		turned := f.roots[k*step] * odd[k]
		y[k], y[k+n/2] = even[k]+turned, even[k]-turned
	}
	return y
}

// partsOf is how many numbers make up an element: one for a real, two for a
// complex one.
func partsOf(shape []int64) (int, error) {
	if last := shape[len(shape)-1]; last == 1 || last == 2 {
		return int(last), nil
	}
	return 0, errors.New("the last axis holds neither real nor complex numbers")
}

// element reads element i of a list of real or complex numbers.
func element(x []float64, i int64, parts int) complex128 {
	if parts == 1 {
		return complex(x[i], 0)
	}
	return complex(x[2*i], x[2*i+1])
}

func forwardDFT(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	seen, facts, err := settled(n, in, inferDFT)
	if err != nil {
		return nil, err
	}
	shape, out := in[0].Shape, facts[0].Shape
	axis, _, err := dftAxis(seen, len(shape))
	if err != nil {
		return nil, err
	}
	last := len(shape) - 1
	if axis == last {
		return nil, errors.New("the last axis holds the parts of a number")
	}
	wide, err := partsOf(shape)
	if err != nil {
		return nil, err
	}
	x, err := reals(in[0])
	if err != nil {
		return nil, err
	}
	inverse, onesided := n.Attrs.Int("inverse", 0) != 0, n.Attrs.Int("onesided", 0) != 0
	length := shape[axis]
	switch {
	case seen.Has(1):
		length, _ = oneInt(seen, 1)
	case inverse && onesided:
		length = out[axis]
	}
	if length < 1 || length > maxBytes/16 {
		return nil, fmt.Errorf("cannot transform to %d frequencies", length)
	}
	f, list := newFourier(int(length), inverse), make([]complex128, length)
	first, within := places(shape[:last], only(axis, last))
	to, steps := places(out[:last], only(axis, last))
	y, narrow := make([]float64, product(out)), int(out[last])
	for i, from := range first {
		clear(list)
		for k, step := range within[:min(len(within), len(list))] {
			list[k] = element(x, from+step, wide)
		}
		if inverse && onesided {
			mirrored(list)
		}
		for k, v := range f.transform(list)[:len(steps)] {
			if inverse {
				v /= complex(float64(length), 0)
			}
			at := int(to[i]+steps[k]) * narrow
			if y[at] = real(v); narrow == 2 {
				y[at+1] = imag(v)
			}
		}
	}
	return result(&facts[0], y)
}

// mirrored fills in the second half of the frequencies of a real signal.
func mirrored(list []complex128) {
	n := len(list)
	for k := n/2 + 1; k < n; k++ {
		list[k] = complex(real(list[n-k]), -imag(list[n-k]))
	}
}

func forwardSTFT(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	seen, facts, err := settled(n, in, inferSTFT)
	if err != nil {
		return nil, err
	}
	shape, wide := in[0].Shape, 1
	if len(shape) > 2 {
		if wide, err = partsOf(shape); err != nil {
			return nil, err
		}
	}
	if len(shape) > 3 {
		return nil, errors.New("a signal has batch, steps and parts")
	}
	x, err := reals(in[0])
	if err != nil {
		return nil, err
	}
	window, err := reals(operand(in, 2))
	if err != nil {
		return nil, err
	}
	length := int(shape[1])
	if window != nil {
		if length = len(window); in[2].Rank() != 1 {
			return nil, errors.New("the window is no list")
		}
	}
	if given, ok := oneInt(seen, 3); ok {
		if window != nil && given != int64(length) {
			return nil, errors.New("the window has another length than a frame")
		}
		length = int(given)
	}
	if length < 1 {
		return nil, errors.New("a frame has no steps")
	}
	step, _ := oneInt(seen, 1)
	out := facts[0].Shape
	f, list := newFourier(length, false), make([]complex128, length)
	y := make([]float64, 0, product(out))
	for b := range out[0] {
		for frame := range out[1] {
			from := b*shape[1] + frame*step
			for k := range list {
				if list[k] = element(x, from+int64(k), wide); window != nil {
					list[k] *= complex(window[k], 0)
				}
			}
			for _, v := range f.transform(list)[:out[2]] {
				y = append(y, real(v), imag(v))
			}
		}
	}
	return result(&facts[0], y)
}

func forwardDet(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	_, facts, err := settled(n, in, inferDet)
	if err != nil {
		return nil, err
	}
	x, err := reals(in[0])
	if err != nil {
		return nil, err
	}
	size := int(in[0].Shape[in[0].Rank()-1])
	y := make([]float64, product(facts[0].Shape))
	for i := range y {
		y[i] = determinant(x[i*size*size:][:size*size], size)
	}
	return result(&facts[0], y)
}

// determinant eliminates in place, with the largest pivot of each column.
func determinant(m []float64, size int) float64 {
	det := 1.0
	for k := range size {
		pivot := k
		for i := k + 1; i < size; i++ {
			if math.Abs(m[i*size+k]) > math.Abs(m[pivot*size+k]) {
				pivot = i
			}
		}
		if m[pivot*size+k] == 0 {
			return 0
		}
		if pivot != k {
			det = -det
			for j := range size {
				m[k*size+j], m[pivot*size+j] = m[pivot*size+j], m[k*size+j]
			}
		}
		det *= m[k*size+k]
		for i := k + 1; i < size; i++ {
			f := m[i*size+k] / m[k*size+k]
			for j := k; j < size; j++ {
				m[i*size+j] -= f * m[k*size+j]
			}
		}
	}
	return det
}
