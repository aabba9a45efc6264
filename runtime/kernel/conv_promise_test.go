package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// paths are shapes that are computed in different ways.
var paths = map[string]ConvShape{
	"lines":     flat(3, 11, 17, 20, 3, 2, 1),
	"narrow":    flat(3, 11, 3, 20, 5, 1, 2),
	"stacks":    flat(18, 2, 17, 20, 3, 1, 1),
	"winograd":  flat(3, 9, 17, 20, 3, 1, 1),
	"winograd5": flat(2, 9, 17, 20, 5, 1, 2),
	"fields":    flat(3, 8, 80, 70, 3, 1, 1),
	"pointwise": flat(3, 7, 17, 20, 1, 1, 0),
	"depthwise": deep(3, 9, 17, 3, 1, 1),
	"filters":   deep(3, 9, 17, 5, 2, 2),
}

// eachPath runs a test on all of them, on every level.
func eachPath(t *testing.T, test func(t *testing.T, v *convolution, r *rand.Rand)) {
	eachLevel(t, func(t *testing.T) {
		for name, s := range paths {
			t.Run(name, func(t *testing.T) {
				r := rand.New(rand.NewPCG(13, 0))
				test(t, newConvolution(t, r, s), r)
			})
		}
	})
}

// The three passes are one bilinear map: <conv(x, w), dy> = <x, dx> = <w, dw>.
func TestConvAdjoint(t *testing.T) {
	dot := func(a, b []float32) (sum float64) {
		for i := range a {
			sum += float64(a[i]) * float64(b[i])
		}
		return sum
	}
	eachPath(t, func(t *testing.T, v *convolution, r *rand.Rand) {
		p := NewPool(2)
		defer p.Close()
		x, dy, w := v.x.data, v.y.data, v.w.data
		scratch := make([]float32, v.c.Scratch(p))
		y, dx, dw := make([]float32, len(dy)), make([]float32, len(x)), make([]float32, len(w))
		v.c.Forward(p, y, x, w, nil, scratch)
		v.c.BackwardData(p, dx, dy, w, false, scratch)
		v.c.BackwardWeight(p, dw, nil, x, dy, false, scratch)
		want := dot(y, dy)
		size := math.Sqrt(dot(y, y) * dot(dy, dy))
		for name, got := range map[string]float64{"x": dot(x, dx), "w": dot(w, dw)} {
			if math.Abs(got-want) > 1e-6*size {
				t.Errorf("<%s, d%s> is %v, <y, dy> is %v", name, name, got, want)
			}
		}
	})
}

// What is not a number reaches the outputs that see it, and no other images.
func TestConvNaN(t *testing.T) {
	eachPath(t, func(t *testing.T, v *convolution, r *rand.Rand) {
		p := NewPool(2)
		defer p.Close()
		scratch := make([]float32, v.c.Scratch(p))
		for _, odd := range []float32{float32(math.NaN()), float32(math.Inf(1))} {
			x := slices.Clone(v.x.data)
			bad := len(x)/v.s.Batch + r.IntN(len(x)/v.s.Batch) // in the second image
			x[bad] = odd
			sees := make([]bool, len(v.y.data))
			terms(&v.s, v.c.out, func(iy, ix, iw int) {
				if ix == bad {
					sees[iy] = true
				}
			})
			v.c.Forward(p, v.y.data, x, v.w.data, nil, scratch)
			perImage := len(v.y.data) / v.s.Batch
			for i, y := range v.y.data {
				finite := !math.IsNaN(float64(y)) && !math.IsInf(float64(y), 0)
				if sees[i] && finite {
					t.Fatalf("y[%d] is %v, though it sees %v", i, y, odd)
				}
				if i/perImage != 1 && !finite {
					t.Fatalf("y[%d] of another image is %v", i, y)
				}
			}
		}
	})
}

// Calls need no memory of their own, and repeat themselves to the bit.
func TestConvSteady(t *testing.T) {
	eachPath(t, func(t *testing.T, v *convolution, r *rand.Rand) {
		p := NewPool(2)
		defer p.Close()
		x, dy, w := v.x.data, v.y.data, v.w.data
		scratch := make([]float32, v.c.Scratch(p))
		y, dx, dw, db := make([]float32, len(dy)), make([]float32, len(x)), make([]float32, len(w)), make([]float32, v.s.Out)
		e := &Epilogue{Bias: v.bias.data, Act: clip}
		prepared := v.c.Prepare(p, w)
		all := func() {
			v.c.Forward(p, y, x, w, e, scratch)
			v.c.BackwardData(p, dx, dy, w, false, scratch)
			v.c.BackwardWeight(p, dw, db, x, dy, false, scratch)
			v.c.ForwardPrepared(p, y, x, prepared, e)
		}
		all()
		first := [][]float32{slices.Clone(y), slices.Clone(dx), slices.Clone(dw), slices.Clone(db)}
		for range 5 {
			all()
			for i, again := range [][]float32{y, dx, dw, db} {
				if !slices.Equal(first[i], again) {
					t.Fatalf("result %d changed from run to run", i)
				}
			}
		}
		if n := testing.AllocsPerRun(10, all); n >= 1 {
			t.Errorf("%v allocations", n)
		}
	})
}

// A convolution that can't be is an error.
func TestConvErrors(t *testing.T) {
	for name, change := range map[string]func(s *ConvShape){
		"channels in no groups": func(s *ConvShape) { s.Groups = 3 },
		"no channels":           func(s *ConvShape) { s.In = 0 },
		"negative batch":        func(s *ConvShape) { s.Batch = -1 },
		"no stride":             func(s *ConvShape) { s.Stride[2] = 0 },
		"no dilation":           func(s *ConvShape) { s.Dilation[1] = 0 },
		"negative padding":      func(s *ConvShape) { s.Before[2] = -1 },
		"kernel too large":      func(s *ConvShape) { s.Kernel[1] = 12 },
		"huge":                  func(s *ConvShape) { s.Batch = 1 << 60 },
		"huge kernel":           func(s *ConvShape) { s.Size[2], s.Kernel[2], s.Batch = 1<<25, 1<<25, 1 },
		"huge stride":           func(s *ConvShape) { s.Size[2], s.Stride[2], s.Batch = 1<<25, 1<<25, 1 },
		"huge padding":          func(s *ConvShape) { s.After = [3]int{1 << 29, 1 << 29, 1 << 29} },
	} {
		s := flat(2, 8, 4, 4, 3, 1, 1)
		change(&s)
		if _, err := NewConv(s); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// Each transform is its definition.
func TestTransforms(t *testing.T) {
	for _, lv := range levels() {
		r := rand.New(rand.NewPCG(14, 0))
		for i, f := range transformsOf(lv) {
			define := transformsGo[i]
			for _, n := range []int{1, 7, 8, 9, 16, 17, 40} {
				for name, pair := range map[string][2]func(s *strip){
					"input": {f.input, define.input}, "output": {f.output, define.output}, "slope": {f.slope, define.slope},
					"filter": {f.filter, define.filter}, "filterSlope": {f.filterSlope, define.filterSlope},
				} {
					t.Run(fmt.Sprintf("%s/%s/%d/%d", lv.name, name, f.taps, n), func(t *testing.T) {
						compareTransforms(t, r, n, pair, [2]int{f.lanes, define.lanes}, name == "output")
					})
				}
			}
		}
	}
}

func compareTransforms(t *testing.T, r *rand.Rand, n int, pair [2]func(s *strip), lanes [2]int, epilogue bool) {
	x, bias, res := newFenced(r, points*n), newFenced(r, n), newFenced(r, points*n)
	var y [2]fenced
	for i, transform := range pair {
		y[i] = newFenced(r, points*n)
		clear(y[i].data)
		s := &strip{x: &x.data[0], y: &y[i].data[0], g: &make([]float32, points*16)[0]}
		if epilogue {
			s.bias, s.w = &bias.data[0], &res.data[0]
		}
		s.setChannels(n, lanes[i])
		s.xPixel, s.xRow = uintptr(4*n), uintptr(4*n*winogradIn)
		s.yPixel, s.yRow, s.wTap, s.wNext = s.xPixel, s.xRow, s.xPixel, s.xRow
		transform(s)
		y[i].intact(t, "y")
	}
	for i, want := range y[1].data {
		if got := y[0].data[i]; math.Abs(float64(got-want)) > 1e-4 {
			t.Fatalf("y[%d] is %v, want %v", i, got, want)
		}
	}
}
