package dataset

import (
	"fmt"
	"image"
	"image/color"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"onnxcompress/graph/tensor"
)

// patterned is a folder of pictures that a formula gives.
func patterned(t *testing.T, sizes ...[2]int) string {
	files := map[string][]byte{}
	for k, s := range sizes {
		img := image.NewNRGBA(image.Rect(0, 0, s[1], s[0]))
		r := pattern(s[0], s[1])
		for i := range s[0] * s[1] {
			img.Set(i%s[1], i/s[1], color.NRGBA{r.pix[3*i], r.pix[3*i+1], r.pix[3*i+2], 255})
		}
		files[fmt.Sprintf("%d.png", k)] = encoded(img)
	}
	return writeTree(t, t.TempDir(), files)
}

func pairs(t *testing.T, path string, o PairOptions) *Pairs {
	t.Helper()
	p, err := NewPairs(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// bytesOf are the pixels of a tensor in [0,1].
func bytesOf(t *tensor.Tensor) []uint8 {
	var pix []uint8
	for _, v := range t.Float32s() {
		pix = append(pix, uint8(v*255+0.5))
	}
	return pix
}

func TestPairsWhole(t *testing.T) {
	dir := patterned(t, [2]int{40, 31}, [2]int{37, 53})
	for _, c := range []struct {
		shape    []int64
		scale    int
		in, want []int64 // shapes for the second picture
	}{
		{[]int64{-1, 3, -1, -1}, 2, []int64{1, 3, 18, 26}, []int64{1, 3, 36, 52}},
		{[]int64{1, -1, -1, 3}, 3, []int64{1, 12, 17, 3}, []int64{1, 36, 51, 3}},
		{[]int64{-1, 1, -1, -1}, 4, []int64{1, 1, 9, 13}, []int64{1, 1, 36, 52}},
		{[]int64{-1, -1, -1, -1}, 4, []int64{1, 3, 9, 13}, []int64{1, 3, 36, 52}},
	} {
		in := Port{"x", tensor.Float32, c.shape}
		p := pairs(t, dir, PairOptions{Input: in, Scale: c.scale, Batch: 1, Crop: 4})
		var all []Batch
		for b, err := range p.All() {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, b)
		}
		if len(all) != 2 || p.Len() != 2 {
			t.Fatalf("%d pictures of %d", len(all), p.Len())
		}
		b := all[1]
		x := b.Inputs["x"]
		if !slices.Equal(x.Shape, c.in) || !slices.Equal(b.Targets.Shape, c.want) || !slices.Equal(b.Index, []int{1}) {
			t.Fatalf("shapes %v and %v of %v", x.Shape, b.Targets.Shape, b.Index)
		}
		f := p.frame
		f.height, f.width = int64(37/c.scale*c.scale), int64(53/c.scale*c.scale)
		large := pattern(37, 53)
		if f.channels == 1 {
			large = large.grey()
		}
		large = large.cropped(window{37, 53, 0, 0, int(f.height), int(f.width)})
		small := large.resampled(window{37 / c.scale, 53 / c.scale, 0, 0, 37 / c.scale, 53 / c.scale}, bicubic)
		if !slices.Equal(bytesOf(b.Targets), large.append(nil, f, false)) {
			t.Errorf("%v by %d: the target is not the picture", c.shape, c.scale)
		}
		f.height, f.width = int64(small.height), int64(small.width)
		if !slices.Equal(bytesOf(x), small.append(nil, f, false)) {
			t.Errorf("%v by %d: the input is not the reduced picture", c.shape, c.scale)
		}
	}
}

// TestPairsCrops holds that crops are parts of the whole pair that they are of,
// that they differ, and that they follow from their place.
func TestPairsCrops(t *testing.T) {
	dir := patterned(t, [2]int{40, 31}, [2]int{37, 53}, [2]int{32, 32})
	for _, turn := range []bool{false, true} {
		o := PairOptions{Input: Port{"x", tensor.Float32, []int64{-1, -1, -1, 3}}, Scale: 2, Crop: 6, PerImage: 4, Batch: 5, Seed: 9, Workers: 1, Turn: turn}
		p := pairs(t, dir, o)
		if p.Steps() != 2 || p.Augment() == "none" {
			t.Fatalf("%d steps, changed %s", p.Steps(), p.Augment())
		}
		batches := taken(t, p.Next, 6)
		places := map[string]bool{}
		for _, b := range batches {
			x := b.Inputs["x"]
			if !slices.Equal(x.Shape, []int64{5, 6, 6, 3}) || !slices.Equal(b.Targets.Shape, []int64{5, 12, 12, 3}) {
				t.Fatalf("shapes %v and %v", x.Shape, b.Targets.Shape)
			}
			small, large := bytesOf(x), bytesOf(b.Targets)
			for k, i := range b.Index {
				at := whereabouts(t, p, i, small[k*6*6*3:][:6*6*3], large[k*12*12*3:][:12*12*3])
				if at == "" {
					t.Fatalf("turn %v: a crop is no part of picture %d", turn, i)
				}
				places[at] = true
			}
		}
		if len(places) < 20 {
			t.Errorf("30 crops at %d places", len(places))
		}
		o.Workers, o.Cache = 3, -1
		other := pairs(t, dir, o)
		if err := other.Seek(1, 1); err != nil {
			t.Fatal(err)
		}
		for i, b := range taken(t, other.Next, 3) {
			if !equalBatches(b, batches[3+i]) {
				t.Errorf("turn %v: batch %d differs after Seek", turn, 3+i)
			}
		}
	}
}

// whereabouts finds where a pair of crops is from, empty where it is from nowhere.
func whereabouts(t *testing.T, p *Pairs, i int, small, large []uint8) string {
	t.Helper()
	whole, err := p.Whole(i)
	if err != nil {
		t.Fatal(err)
	}
	x, y := whole.Inputs["x"], whole.Targets
	from := raster{bytesOf(x), int(x.Shape[1]), int(x.Shape[2]), 3}
	to := raster{bytesOf(y), int(y.Shape[1]), int(y.Shape[2]), 3}
	for top := range from.height - 5 {
		for left := range from.width - 5 {
			a := from.cropped(window{from.height, from.width, top, left, 6, 6})
			b := to.cropped(window{to.height, to.width, 2 * top, 2 * left, 12, 12})
			for how := range 8 {
				if slices.Equal(a.turned(how).pix, small) && slices.Equal(b.turned(how).pix, large) {
					return fmt.Sprint(i, top, left, how)
				}
			}
		}
	}
	return ""
}

func TestPairsRefuse(t *testing.T) {
	dir := patterned(t, [2]int{40, 31}, [2]int{10, 10})
	colour := Port{"x", tensor.Float32, []int64{-1, 3, -1, -1}}
	floats := writeNPZ(t, map[string][]byte{"x": npyBytes("<f4", []int{2, 4, 4, 3}, make([]float32, 96))})
	for _, c := range []struct {
		path string
		o    PairOptions
		want string
	}{
		{dir, PairOptions{Input: colour, Scale: 1, Batch: 1}, "scale 1"},
		{dir, PairOptions{Input: colour, Scale: 2}, "batches of 0"},
		{dir, PairOptions{Input: colour, Scale: 2, Batch: 1, Crop: -1}, "-1 pixels"},
		{dir, PairOptions{Input: colour, Scale: 2, Batch: 1, PerImage: -1}, "-1 crops"},
		{dir, PairOptions{Input: Port{"x", tensor.Uint8, colour.Shape}, Scale: 2, Batch: 1}, "takes no pictures of floats"},
		{dir, PairOptions{Input: Port{"x", tensor.Float32, []int64{-1, 4}}, Scale: 2, Batch: 1}, "takes no pictures of floats"},
		{dir, PairOptions{Input: Port{"x", tensor.Float32, []int64{-1, 3, 8, 8}}, Scale: 2, Batch: 1, Crop: 4}, "takes 8x8"},
		{dir, PairOptions{Input: colour, Scale: 2, Batch: 48, Crop: 6}, "1.png is 5x5"},
		{patterned(t, [2]int{40, 31}), PairOptions{Input: Port{"x", tensor.Float32, []int64{-1, 3, 8, 8}}, Scale: 2, Batch: 1}, "0.png is 20x15"},
		{floats, PairOptions{Input: colour, Scale: 2, Batch: 1}, "no pictures of bytes"},
		{filepath.Join(dir, "none"), PairOptions{Input: colour, Scale: 2, Batch: 1}, "no such file"},
	} {
		p, err := NewPairs(c.path, c.o)
		if err == nil {
			if _, err = p.Next(t.Context()); err == nil {
				_, err = p.Whole(0)
			}
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: %v, want %q", c.o, err, c.want)
		}
	}
}
