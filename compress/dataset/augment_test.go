package dataset

import (
	"slices"
	"testing"

	"onnxcompress/graph/tensor"
)

func TestParseAugment(t *testing.T) {
	for _, c := range []struct {
		text string
		want Augment
		out  string
	}{
		{"", Augment{Auto: true}, "auto"},
		{"auto", Augment{Auto: true}, "auto"},
		{"none", Augment{}, "none"},
		{"flip", Augment{Flip: true}, "flip"},
		{"flip,pad-crop", Augment{Pad: -1, Flip: true}, "pad-crop,flip"},
		{"pad-crop:4", Augment{Pad: 4}, "pad-crop:4"},
	} {
		if a, err := ParseAugment(c.text); err != nil || a != c.want || a.String() != c.out {
			t.Errorf("%q is %+v, written %q: %v", c.text, a, a, err)
		}
	}
	for _, text := range []string{"flop", "pad-crop:", "pad-crop:0", "pad-crop:-1", "pad-crop:x", "flip,", "none,flip", " flip"} {
		if a, err := ParseAugment(text); err == nil {
			t.Errorf("%q is read as %+v", text, a)
		}
	}
}

// TestMotion moves a picture of two channels and 2 by 3 pixels, black being 90
// and 91.
func TestMotion(t *testing.T) {
	first := frame{planar, 2, 2, 3}
	last := frame{interleaved, 2, 2, 3}
	for _, c := range []struct {
		frame
		motion
		want []byte
	}{
		{first, motion{}, []byte{0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15}},
		{first, motion{flip: true}, []byte{2, 1, 0, 5, 4, 3, 12, 11, 10, 15, 14, 13}},
		{first, motion{down: 1}, []byte{3, 4, 5, 90, 90, 90, 13, 14, 15, 91, 91, 91}},
		{first, motion{right: -1}, []byte{90, 0, 1, 90, 3, 4, 91, 10, 11, 91, 13, 14}},
		{first, motion{down: -1, right: 2, flip: true}, []byte{90, 90, 90, 90, 90, 2, 91, 91, 91, 91, 91, 12}},
		{first, motion{right: 3}, []byte{90, 90, 90, 90, 90, 90, 91, 91, 91, 91, 91, 91}},
		{first, motion{down: 2}, []byte{90, 90, 90, 90, 90, 90, 91, 91, 91, 91, 91, 91}},
		{last, motion{right: 1}, []byte{1, 11, 2, 12, 90, 91, 4, 14, 5, 15, 90, 91}},
		{last, motion{flip: true}, []byte{2, 12, 1, 11, 0, 10, 5, 15, 4, 14, 3, 13}},
	} {
		from := []byte{0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15}
		if c.layout == interleaved {
			from = []byte{0, 10, 1, 11, 2, 12, 3, 13, 4, 14, 5, 15}
		}
		got := make([]byte, len(from))
		c.move(got, from, c.frame, []byte{90, 91})
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v of %v: %v, want %v", c.motion, c.frame, got, c.want)
		}
	}
}

// TestChange holds how often samples are moved and mirrored, and that what is
// not chosen does not happen.
func TestChange(t *testing.T) {
	path := noisy(t, 1, 16, 16)
	white := []byte{255, 255, 255}
	for _, c := range []struct {
		text             string
		most             int
		flips            bool
		colour, isChange bool
	}{
		{"auto", 2, true, true, true},
		{"auto", 0, false, false, false},
		{"pad-crop:3", 3, false, true, true},
		{"pad-crop", 2, false, false, true},
		{"flip", 0, true, true, true},
		{"none", 0, false, true, false},
	} {
		shape := []int64{-1, 1, 16, 16}
		if c.colour {
			shape[1] = 3
		}
		s := open1(t, path, Options{Inputs: port("x", tensor.Float32, shape...), Mean: []float64{.5}, Std: []float64{.25}})
		a, err := ParseAugment(c.text)
		if err != nil {
			t.Fatal(err)
		}
		all, err := a.changers(s.source.feeders(), 5)
		if err != nil {
			t.Fatal(err)
		}
		change := &all[0]
		if change.active() != c.isChange {
			t.Errorf("%s of %v: changes %v", c.text, shape, !c.isChange)
		}
		if black := (&tensor.Tensor{DType: tensor.Float32, Shape: shape[1:2], Data: change.black}).Float32s(); black[0] != -2 {
			t.Errorf("black is %v", black)
		}
		// A wide picture of one row whose pixels tell where they were.
		probe := changer{Augment: change.Augment, seed: 5, black: white[:1]}
		f := frame{planar, 1, 16, 16}
		from, to := make([]byte, 256), make([]byte, 256)
		for i := range from {
			from[i] = uint8(i)
		}
		flips, moves := 0, map[int]int{}
		const tries = 4000
		for i := range tries {
			probe.change(to, from, f, i%7, i)
			at := slices.Index(to, 8*16+8)
			y, x := at/16, at%16
			if to[at+1] != 8*16+9 {
				flips, x = flips+1, 15-x
			}
			moves[8-y]++
			moves[100+8-x]++
		}
		if c.flips != (flips > 0) || c.flips && (flips < tries*45/100 || flips > tries*55/100) {
			t.Errorf("%s: %d of %d mirrored", c.text, flips, tries)
		}
		for d := -c.most; d <= c.most; d++ {
			for _, n := range []int{moves[d], moves[100+d]} {
				if want := tries / (2*c.most + 1); n < want*8/10 || n > want*12/10 {
					t.Errorf("%s: %d of %d moved by %d", c.text, n, tries, d)
				}
			}
		}
		if len(moves) != 2*(2*c.most+1) {
			t.Errorf("%s: moves %v", c.text, moves)
		}
	}
}
