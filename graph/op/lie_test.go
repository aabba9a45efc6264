package op

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// reached lists the elements that a lie names, in row-major order.
func reached(l Lie, shape []int64) []int64 {
	list := []int64{l.Offset}
	for axis, d := range shape {
		var next []int64
		for _, at := range list {
			for i := range d {
				next = append(next, at+i*l.Steps[axis])
			}
		}
		list = next
	}
	return list
}

// TestReshapedLies: under another shape a tensor has the same elements in the
// same order; where steps could say so they do.
func TestReshapedLies(t *testing.T) {
	for _, c := range []struct {
		from, steps, to []int64
		ok              bool
	}{
		{[]int64{2, 3, 4}, []int64{12, 4, 1}, []int64{4, 6}, true},
		{[]int64{2, 3, 4}, []int64{12, 4, 1}, []int64{1, 24, 1}, true},
		{[]int64{2, 6}, []int64{1, 2}, []int64{2, 3, 2}, true},
		{[]int64{2, 6}, []int64{1, 2}, []int64{12}, false},
		{[]int64{4, 6}, []int64{9, 1}, []int64{2, 2, 3, 2}, true},
		{[]int64{4, 6}, []int64{9, 1}, []int64{8, 3}, false},
		{[]int64{5, 1, 3}, []int64{30, 7, 1}, []int64{5, 3}, true},
		{[]int64{1, 1}, []int64{7, 7}, []int64{}, true},
		{[]int64{0, 3}, []int64{3, 1}, []int64{3, 0}, false},
	} {
		in := Lie{5, c.steps}
		out, ok := in.reshaped(c.from, c.to)
		if ok != c.ok {
			t.Errorf("%v %v to %v: %v", c.from, c.steps, c.to, ok)
		} else if ok && !slices.Equal(reached(in, c.from), reached(out, c.to)) {
			t.Errorf("%v %v to %v lies %v", c.from, c.steps, c.to, out)
		}
	}
}

// TestInverseLies: where axes have changed places they change them back.
func TestInverseLies(t *testing.T) {
	from := []int64{2, 3, 1, 4}
	for _, perm := range [][]int64{{0, 1, 2, 3}, {3, 1, 0, 2}, {1, 0, 3, 2}} {
		to, l := make([]int64, 4), Lie{Steps: make([]int64, 4)}
		for i, p := range perm {
			to[i], l.Steps[i] = from[p], strides(from)[p]
		}
		back, ok := l.Inverse(from, to)
		if !ok {
			t.Fatalf("%v has no inverse", perm)
		}
		there, here := reached(l, to), reached(back, from)
		for i, at := range here {
			if there[at] != int64(i) {
				t.Fatalf("%v: element %d is at %d, where %d belongs", perm, i, at, there[at])
			}
		}
	}
	if _, ok := (Lie{Steps: []int64{6, 1}}).Inverse([]int64{2, 6}, []int64{2, 3}); ok {
		t.Error("a part has an inverse")
	}
	if _, ok := (Lie{Steps: []int64{12, 2, 6, 1}}).Inverse([]int64{24}, []int64{2, 3, 2, 2}); ok {
		t.Error("axes in another order within one have an inverse")
	}
}

// TestTiling: what is said to be reached once is, whatever the tensors; usual
// ways to pack tensors are seen through.
func TestTiling(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	check := func(name string, size int64, lies []Lie, shapes [][]int64) bool {
		apart, count := tiling(size, lies, shapes)
		seen, total := map[int64]bool{}, int64(0)
		for i, l := range lies {
			for _, at := range reached(l, shapes[i]) {
				if apart && (seen[at] || at >= size) {
					t.Errorf("%s: element %d is reached twice", name, at)
					return apart
				}
				seen[at] = true
				total++
			}
		}
		if apart && count != total {
			t.Errorf("%s: %d elements, not %d", name, count, total)
		}
		return apart && count == size
	}
	heads := func(offset int64, steps ...int64) Lie { return Lie{offset, steps} }
	b, n, h, d := int64(2), int64(5), int64(3), int64(4)
	shape := []int64{b, h, n, d}
	w := 3 * h * d
	for name, lies := range map[string][]Lie{
		"parts, heads":     {heads(0, n*w, d, w, 1), heads(h*d, n*w, d, w, 1), heads(2*h*d, n*w, d, w, 1)},
		"heads, parts":     {heads(0, n*w, 3*d, w, 1), heads(d, n*w, 3*d, w, 1), heads(2*d, n*w, 3*d, w, 1)},
		"parts first":      {heads(0, h*n*d, n*d, d, 1), heads(b*h*n*d, h*n*d, n*d, d, 1), heads(2*b*h*n*d, h*n*d, n*d, d, 1)},
		"of a third of it": {heads(0, n*w, d, w, 1), heads(0, n*w, d, w, 1)},
	} {
		list := slices.Repeat([][]int64{shape}, len(lies))
		if whole := check(name, b*n*w, lies, list); whole != (len(lies) == 3) {
			t.Errorf("%s: whole is %v", name, whole)
		}
	}
	for i := range 2000 {
		var lies []Lie
		var shapes [][]int64
		for range 1 + rng.IntN(3) {
			shape, l := make([]int64, 1+rng.IntN(3)), Lie{Offset: rng.Int64N(4)}
			for a := range shape {
				shape[a] = 1 + rng.Int64N(3)
				l.Steps = append(l.Steps, rng.Int64N(9))
			}
			lies, shapes = append(lies, l), append(shapes, shape)
		}
		check(fmt.Sprint(i, lies, shapes), 60, lies, shapes)
	}
}
