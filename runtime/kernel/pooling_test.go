package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// randomPool is pooling over one to three axes, within a random convolution's sizes.
func randomPool(r *rand.Rand) PoolShape {
	s := randomShape(r)
	return PoolShape{
		Batch: s.Batch, Channels: s.In, Size: s.Size, Kernel: s.Kernel, Stride: s.Stride,
		Dilation: s.Dilation, Before: s.Before, After: s.After, Ceil: r.IntN(3) == 0,
	}
}

// taps are the places in x that each output of pooling sees, in order, and how
// many of its taps lie before the padding's end.
func (s *PoolShape) taps(out [3]int) (seen [][]int, padded []int) {
	for n := range s.Batch {
		for o := range out[0] * out[1] * out[2] {
			o := [3]int{o / (out[1] * out[2]), o / out[2] % out[1], o % out[2]}
			var at []int
			count := 0
			for k := range s.Kernel[0] * s.Kernel[1] * s.Kernel[2] {
				k := [3]int{k / (s.Kernel[1] * s.Kernel[2]), k / s.Kernel[2] % s.Kernel[1], k % s.Kernel[2]}
				x, inside, counts := n, true, true
				for i := range 3 {
					p := o[i]*s.Stride[i] + k[i]*s.Dilation[i] - s.Before[i]
					inside = inside && p >= 0 && p < s.Size[i]
					counts = counts && p < s.Size[i]+s.After[i]
					x = x*s.Size[i] + p
				}
				if inside {
					at = append(at, x)
				}
				if counts {
					count++
				}
			}
			seen, padded = append(seen, at), append(padded, count)
		}
	}
	return seen, padded
}

// poolShapes calls f for shapes on every level and with several numbers of threads.
func poolShapes(t *testing.T, f func(t *testing.T, r *rand.Rand, p *Pool, s PoolShape)) {
	eachLevel(t, func(t *testing.T) {
		for _, threads := range []int{1, 3} {
			p := NewPool(threads)
			defer p.Close()
			r := rand.New(rand.NewPCG(21, uint64(threads)))
			for range 150 {
				s := randomPool(r)
				t.Run(fmt.Sprintf("%+v threads %d", s, threads), func(t *testing.T) { f(t, r, p, s) })
			}
		}
	})
}

func TestMaxPool(t *testing.T) {
	poolShapes(t, func(t *testing.T, r *rand.Rand, p *Pool, s PoolShape) {
		m, err := NewMaxPool(s)
		if err != nil {
			t.Fatal(err)
		}
		seen, _ := s.taps(m.Output())
		x := newFenced(r, s.Batch*s.Size[0]*s.Size[1]*s.Size[2]*s.Channels)
		// Few values, so that many are equal, and some that are not numbers.
		for i := range x.data {
			x.data[i] = float32(r.IntN(8)) - 4
			if r.IntN(50) == 0 {
				x.data[i] = float32(math.NaN())
			}
		}
		y, dy := newFenced(r, len(seen)*s.Channels), newFenced(r, len(seen)*s.Channels)
		wantY, wantX := newReference(len(y.data)), newReference(len(x.data))
		m.Forward(p, y.data, x.data)
		y.intact(t, "y")
		for o, places := range seen {
			for c := range s.Channels {
				largest, first := math.Inf(-1), -1
				for _, at := range places {
					v := float64(x.data[at*s.Channels+c])
					if first < 0 || v > largest {
						first = at
					}
					largest = max(largest, v)
				}
				i := o*s.Channels + c
				if got := float64(y.data[i]); got != largest && !(math.IsNaN(got) && math.IsNaN(largest)) {
					t.Fatalf("y[%d] is %v, want %v", i, got, largest)
				}
				if math.IsNaN(largest) && first >= 0 {
					first = places[0]
				}
				wantY.add(i, 0)
				if first >= 0 {
					wantX.add(first*s.Channels+c, float64(dy.data[i]))
				}
			}
		}
		dx := newFenced(r, len(x.data))
		m.Backward(p, dx.data, dy.data, x.data, y.data, false)
		wantX.compare(t, "dx", dx)
		wantX.addAll(dx.data)
		m.Backward(p, dx.data, dy.data, x.data, y.data, true)
		wantX.compare(t, "dx added", dx)
	})
}

func TestAveragePool(t *testing.T) {
	poolShapes(t, func(t *testing.T, r *rand.Rand, p *Pool, s PoolShape) {
		for _, includePad := range []bool{false, true} {
			a, err := NewAveragePool(s, includePad)
			if err != nil {
				t.Fatal(err)
			}
			seen, padded := s.taps(a.Output())
			x := newFenced(r, s.Batch*s.Size[0]*s.Size[1]*s.Size[2]*s.Channels)
			y, dy := newFenced(r, len(seen)*s.Channels), newFenced(r, len(seen)*s.Channels)
			wantY, wantX := newReference(len(y.data)), newReference(len(x.data))
			for o, places := range seen {
				n := len(places)
				if includePad {
					n = padded[o]
				}
				for c := range s.Channels {
					for _, at := range places {
						wantY.add(o*s.Channels+c, float64(x.data[at*s.Channels+c])/float64(n))
						wantX.add(at*s.Channels+c, float64(dy.data[o*s.Channels+c])/float64(n))
					}
				}
			}
			a.Forward(p, y.data, x.data)
			wantY.compare(t, "y", y)
			dx := newFenced(r, len(x.data))
			a.Backward(p, dx.data, dy.data, false)
			wantX.compare(t, "dx", dx)
			wantX.addAll(dx.data)
			a.Backward(p, dx.data, dy.data, true)
			wantX.compare(t, "dx added", dx)
		}
	})
}

// Calls need no memory of their own.
func TestPoolSteady(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	s := PoolShape{
		Batch: 3, Channels: 20, Size: [3]int{1, 8, 8}, Kernel: [3]int{1, 3, 3}, Stride: [3]int{1, 2, 2},
		Dilation: [3]int{1, 1, 1}, Before: [3]int{0, 1, 1}, After: [3]int{0, 1, 1},
	}
	m, err := NewMaxPool(s)
	if err != nil {
		t.Fatal(err)
	}
	a, err := NewAveragePool(s, true)
	if err != nil {
		t.Fatal(err)
	}
	x, y := make([]float32, 3*64*20), make([]float32, 3*16*20)
	dx, dy := slices.Clone(x), slices.Clone(y)
	all := func() {
		m.Forward(p, y, x)
		m.Backward(p, dx, dy, x, y, false)
		a.Forward(p, y, x)
		a.Backward(p, dx, dy, true)
	}
	if n := testing.AllocsPerRun(10, all); n >= 1 {
		t.Errorf("%v allocations", n)
	}
}
