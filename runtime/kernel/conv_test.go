package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// fenced is n numbers in [-1, 1) at an odd place, with guards on both sides.
type fenced struct{ all, data []float32 }

func newFenced(r *rand.Rand, n int) fenced {
	before := 16 + r.IntN(16)
	f := fenced{all: make([]float32, before+n+32)}
	for i := range f.all {
		f.all[i] = guard
	}
	f.data = f.all[before : before+n : before+n]
	for i := range f.data {
		f.data[i] = 2*r.Float32() - 1
	}
	return f
}

// intact reports what was written beside the data.
func (f fenced) intact(t *testing.T, name string) {
	t.Helper()
	before := 0
	for before < len(f.all) && len(f.data) > 0 && &f.all[before] != &f.data[0] {
		before++
	}
	for i, x := range f.all {
		if (i < before || i >= before+len(f.data)) && math.Float32bits(x) != math.Float32bits(guard) {
			t.Fatalf("%v was written %d numbers after the start of %s, which has %d", x, i-before, name, len(f.data))
		}
	}
}

// terms calls f for every product that a convolution adds up: the indices of its
// operands and its result.
func terms(s *ConvShape, out [3]int, f func(y, x, w int)) {
	inGroup, outGroup := s.In/s.Groups, s.Out/s.Groups
	each := func(n [3]int, f func(i [3]int)) {
		for z := range n[0] {
			for y := range n[1] {
				for x := range n[2] {
					f([3]int{z, y, x})
				}
			}
		}
	}
	for n := range s.Batch {
		each(out, func(o [3]int) {
			each(s.Kernel, func(k [3]int) {
				x, y, tap := n, n, 0
				for i := range o {
					at := o[i]*s.Stride[i] + k[i]*s.Dilation[i] - s.Before[i]
					if at < 0 || at >= s.Size[i] {
						return
					}
					x, y, tap = x*s.Size[i]+at, y*out[i]+o[i], tap*s.Kernel[i]+k[i]
				}
				for co := range s.Out {
					for ci := range inGroup {
						f(y*s.Out+co, x*s.In+co/outGroup*inGroup+ci, (co*inGroup+ci)*s.taps()+tap)
					}
				}
			})
		})
	}
}

// reference is what sums up in float64, and how large the summands are.
type reference struct{ sum, size []float64 }

func newReference(n int) reference { return reference{make([]float64, n), make([]float64, n)} }

func (r reference) add(i int, x float64) {
	r.sum[i] += x
	r.size[i] += math.Abs(x)
}

func (r reference) addAll(x []float32) {
	for i, v := range x {
		r.add(i, float64(v))
	}
}

// compare holds got to the reference: within 1e-5 of the largest result, or of the
// summands' sizes.
func (r reference) compare(t *testing.T, name string, got fenced) {
	t.Helper()
	got.intact(t, name)
	scale := 0.0
	for _, x := range r.sum {
		scale = max(scale, math.Abs(x))
	}
	for i, x := range got.data {
		if !(math.Abs(float64(x)-r.sum[i]) <= 1e-5*max(scale, 0.2*r.size[i])+1e-12) {
			t.Fatalf("%s[%d] is %v, want %v", name, i, x, r.sum[i])
		}
	}
}

// convolution is a shape with operands.
type convolution struct {
	s                   ConvShape
	c                   *Conv
	x, y, w, bias       fenced
	wantY, wantX, wantW reference
	wantBias            reference
}

func newConvolution(t *testing.T, r *rand.Rand, s ConvShape) *convolution {
	t.Helper()
	c, err := NewConv(s)
	if err != nil {
		t.Fatal(err)
	}
	px, py := c.pixels()
	v := &convolution{
		s: s, c: c, x: newFenced(r, px*s.In), y: newFenced(r, py*s.Out),
		w: newFenced(r, s.Out*s.In/s.Groups*s.taps()), bias: newFenced(r, s.Out),
	}
	v.wantY, v.wantX = newReference(len(v.y.data)), newReference(len(v.x.data))
	v.wantW, v.wantBias = newReference(len(v.w.data)), newReference(s.Out)
	return v
}

// forward runs the pass and compares.
func (v *convolution) forward(t *testing.T, r *rand.Rand, p *Pool) {
	x, w := v.x.data, v.w.data
	terms(&v.s, v.c.out, func(iy, ix, iw int) { v.wantY.add(iy, float64(x[ix])*float64(w[iw])) })
	scratch := newFenced(r, v.c.Scratch(p))
	y := newFenced(r, len(v.y.data))
	v.c.Forward(p, y.data, x, w, nil, scratch.data)
	v.wantY.compare(t, "y", y)

	_, py := v.c.pixels()
	residual := newFenced(r, len(v.y.data))
	e := &Epilogue{Bias: v.bias.data, Act: clip}
	if py > 0 {
		e.Residual = Dense(residual.data, py, v.s.Out)
	}
	for i := range v.wantY.sum {
		v.wantY.add(i, float64(v.bias.data[i%v.s.Out])+float64(residual.data[i]))
		v.wantY.sum[i] = max(v.wantY.sum[i], 0)
	}
	v.c.Forward(p, y.data, x, w, e, scratch.data)
	v.wantY.compare(t, "y with epilogue", y)
	again := newFenced(r, len(v.y.data))
	v.c.ForwardPrepared(p, again.data, x, v.c.Prepare(p, w), e)
	v.wantY.compare(t, "y from prepared weights", again)
	scratch.intact(t, "scratch")
}

// backward runs both gradients and compares.
func (v *convolution) backward(t *testing.T, r *rand.Rand, p *Pool) {
	x, w, dy := v.x.data, v.w.data, v.y.data
	terms(&v.s, v.c.out, func(iy, ix, iw int) {
		v.wantX.add(ix, float64(dy[iy])*float64(w[iw]))
		v.wantW.add(iw, float64(dy[iy])*float64(x[ix]))
	})
	for i, g := range dy {
		v.wantBias.add(i%v.s.Out, float64(g))
	}
	scratch := newFenced(r, v.c.Scratch(p))
	dx, dw, dbias := newFenced(r, len(x)), newFenced(r, len(w)), newFenced(r, v.s.Out)
	for _, add := range []bool{false, true} {
		if add {
			v.wantX.addAll(dx.data)
			v.wantW.addAll(dw.data)
			v.wantBias.addAll(dbias.data)
		}
		v.c.BackwardData(p, dx.data, dy, w, add, scratch.data)
		v.wantX.compare(t, fmt.Sprintf("dx, add %v", add), dx)
		v.c.BackwardWeight(p, dw.data, dbias.data, x, dy, add, scratch.data)
		v.wantW.compare(t, fmt.Sprintf("dw, add %v", add), dw)
		v.wantBias.compare(t, fmt.Sprintf("dbias, add %v", add), dbias)
		scratch.intact(t, "scratch")
	}
	v.x.intact(t, "x")
	v.w.intact(t, "w")
	v.y.intact(t, "dy")
}

// flat is a convolution over two axes.
func flat(batch, size, in, out, kernel, stride, pad int) ConvShape {
	return ConvShape{
		Batch: batch, In: in, Out: out, Groups: 1, Size: [3]int{1, size, size}, Kernel: [3]int{1, kernel, kernel},
		Stride: [3]int{1, stride, stride}, Dilation: [3]int{1, 1, 1}, Before: [3]int{0, pad, pad}, After: [3]int{0, pad, pad},
	}
}

var channels = []int{1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64}

// randomShape is a convolution over one to three axes.
func randomShape(r *rand.Rand) ConvShape {
	one := [3]int{1, 1, 1}
	s := ConvShape{Batch: r.IntN(4), Groups: 1, Size: one, Kernel: one, Stride: one, Dilation: one}
	if r.IntN(4) == 0 {
		s.Batch = 17 + r.IntN(20)
	}
	axes := [4]int{2, 2, 1, 3}[r.IntN(4)]
	for i := 3 - axes; i < 3; i++ {
		s.Size[i], s.Kernel[i], s.Stride[i], s.Dilation[i] = 1+r.IntN(9), 1+r.IntN(4), 1+r.IntN(3), 1
		if axes == 3 {
			s.Size[i] = 1 + r.IntN(5)
		}
		if r.IntN(3) == 0 {
			s.Dilation[i] = 1 + r.IntN(3)
		}
		s.Before[i], s.After[i] = r.IntN(3), r.IntN(3)
		for s.Size[i]+s.Before[i]+s.After[i] < (s.Kernel[i]-1)*s.Dilation[i]+1 {
			s.After[i]++
		}
	}
	if r.IntN(3) == 0 {
		s.Groups = 1 + r.IntN(3)
	}
	s.In, s.Out = s.Groups*channels[r.IntN(len(channels))], s.Groups*channels[r.IntN(len(channels))]
	if s.Groups > 1 && r.IntN(3) == 0 {
		s.Groups = channels[1:][r.IntN(len(channels)-1)]
		s.In, s.Out = s.Groups, s.Groups
		return s
	}
	for s.Batch*s.Size[0]*s.Size[1]*s.Size[2]*s.In*s.Out/s.Groups*s.taps() > 2e6 {
		s.In, s.Out, s.Batch = s.Groups*((s.In/s.Groups+1)/2), s.Groups*((s.Out/s.Groups+1)/2), (s.Batch+1)/2
	}
	return s
}

func TestConv(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for _, threads := range []int{1, 3} {
			p := NewPool(threads)
			defer p.Close()
			r := rand.New(rand.NewPCG(11, uint64(threads)))
			shapes := []ConvShape{
				flat(2, 12, 3, 20, 3, 1, 1), flat(9, 28, 1, 9, 5, 1, 2), flat(2, 16, 3, 17, 3, 2, 1), flat(9, 12, 1, 20, 4, 4, 0), flat(2, 8, 2, 5, 1, 2, 0),
				flat(2, 16, 16, 16, 3, 1, 1), flat(3, 9, 33, 18, 3, 2, 1), flat(20, 4, 16, 40, 3, 1, 1), flat(18, 2, 64, 33, 3, 1, 1),
				flat(3, 8, 16, 16, 1, 2, 0), flat(2, 7, 5, 40, 1, 1, 0), flat(2, 12, 1, 33, 5, 1, 2), flat(2, 12, 3, 24, 4, 4, 0),
				flat(1, 40, 8, 9, 3, 1, 1), flat(1, 6, 3, 3, 3, 3, 0), flat(16, 3, 9, 9, 3, 2, 1), flat(0, 5, 4, 4, 3, 1, 1),
			}
			for _, s := range []ConvShape{
				flat(2, 12, 32, 0, 3, 1, 1), flat(2, 9, 17, 0, 3, 2, 1), flat(3, 6, 40, 0, 5, 1, 2), flat(2, 11, 16, 0, 5, 2, 2),
				flat(2, 3, 33, 0, 3, 1, 1), flat(1, 8, 3, 0, 7, 1, 3), flat(2, 5, 20, 0, 1, 2, 0), flat(2, 2, 8, 0, 2, 3, 2),
			} {
				s.Groups, s.Out = s.In, s.In
				shapes = append(shapes, s)
			}
			for _, size := range []int{4, 7, 8, 12, 13} {
				s := flat(1+r.IntN(5), size, 13+r.IntN(30), 13+r.IntN(30), 3, 1, 1)
				shapes = append(shapes, s)
				s.Before, s.After, s.Size[1] = [3]int{0, 2, 0}, [3]int{0, 1, 2}, 8
				shapes = append(shapes, s)
			}
			shapes = append(shapes, flat(9, 8, 80, 70, 3, 1, 1), flat(33, 4, 128, 64, 3, 1, 1), flat(3, 14, 32, 24, 5, 1, 2), flat(2, 9, 17, 30, 5, 1, 0), flat(1, 8, 256, 16, 3, 1, 1))
			for range 50 {
				shapes = append(shapes, randomShape(r))
			}
			for _, s := range shapes {
				t.Run(fmt.Sprintf("%+v threads %d", s, threads), func(t *testing.T) {
					v := newConvolution(t, r, s)
					v.forward(t, r, p)
					v.backward(t, r, p)
				})
			}
		}
	})
}
