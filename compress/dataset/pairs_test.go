package dataset

import (
	"fmt"
	"image"
	"image/color"
	"math"
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

func pairsOf(t *testing.T, path string, o Options) *Set {
	t.Helper()
	s, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if s.Enlarged() != o.Enlarge || !s.Targeted() || s.Labelled() {
		t.Fatalf("%s: no pairs", path)
	}
	return s
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
		set := pairsOf(t, dir, Options{Inputs: []Port{in}, Enlarge: c.scale, Split: Test})
		var all []Batch
		for b, err := range set.Batches(1) {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, b)
		}
		if len(all) != 2 || set.Len() != 2 {
			t.Fatalf("%d pictures of %d", len(all), set.Len())
		}
		b := all[1]
		x := b.Inputs["x"]
		if !slices.Equal(x.Shape, c.in) || !slices.Equal(b.Targets.Shape, c.want) || !slices.Equal(b.Index, []int{1}) {
			t.Fatalf("shapes %v and %v of %v", x.Shape, b.Targets.Shape, b.Index)
		}
		f := set.source.(*pairs).frame
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
	o := Options{Inputs: []Port{{"x", tensor.Float32, []int64{-1, -1, -1, 3}}}, Enlarge: 2, Preprocessing: Preprocessing{Crop: "6"}, Seed: 9}
	set := pairsOf(t, dir, o)
	o.Split = Test
	whole := pairsOf(t, dir, o)
	for _, augment := range []Augment{{}, {Auto: true}} {
		how := LoaderOptions{Batch: 2, Seed: 9, Workers: 1, DropLast: true, Augment: augment}
		loader := func() *Loader {
			l, err := NewLoader(set, how)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = l.Close() })
			return l
		}
		l := loader()
		if l.Steps() != 1 || l.Augment() != map[bool]string{true: "crop,turn", false: "crop"}[augment.Auto] {
			t.Fatalf("%d steps, changed %s", l.Steps(), l.Augment())
		}
		batches := taken(t, l.Next, 15)
		places := map[string]bool{}
		for _, b := range batches {
			x := b.Inputs["x"]
			if !slices.Equal(x.Shape, []int64{2, 6, 6, 3}) || !slices.Equal(b.Targets.Shape, []int64{2, 12, 12, 3}) {
				t.Fatalf("shapes %v and %v", x.Shape, b.Targets.Shape)
			}
			small, large := bytesOf(x), bytesOf(b.Targets)
			for k, i := range b.Index {
				at := whereabouts(t, whole, i, small[k*6*6*3:][:6*6*3], large[k*12*12*3:][:12*12*3])
				if at == "" {
					t.Fatalf("%v: a crop is no part of picture %d", augment, i)
				}
				places[at] = true
			}
		}
		if len(places) < 20 {
			t.Errorf("30 crops at %d places", len(places))
		}
		how.Workers = 3
		other := loader()
		if err := other.Seek(3, 0); err != nil {
			t.Fatal(err)
		}
		for i, b := range taken(t, other.Next, 3) {
			if !equalBatches(b, batches[3+i]) {
				t.Errorf("%v: batch %d differs after Seek", augment, 3+i)
			}
		}
	}
}

// TestPairsStill holds that who looks without training sees the middle.
func TestPairsStill(t *testing.T) {
	set := pairsOf(t, patterned(t, [2]int{20, 24}), Options{
		Inputs: []Port{{"x", tensor.Float32, []int64{-1, 1, 4, 4}}}, Enlarge: 2, Preprocessing: Preprocessing{Scale: 1},
	})
	b, err := set.Read([]int{0})
	if err != nil {
		t.Fatal(err)
	}
	want := pattern(20, 24).grey().cropped(window{20, 24, 6, 8, 8, 8})
	for i, v := range b.Targets.Float32s() {
		if v != float32(want.pix[i]) {
			t.Fatalf("number %d is %v, want %v", i, v, want.pix[i])
		}
	}
}

// whereabouts finds where a pair of crops is from, empty where it is from nowhere.
func whereabouts(t *testing.T, set *Set, i int, small, large []uint8) string {
	t.Helper()
	whole, err := set.Read([]int{i})
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

// TestPSNR compares with figures worked out by hand.
func TestPSNR(t *testing.T) {
	set := pairsOf(t, patterned(t, [2]int{20, 24}), Options{Inputs: []Port{{"x", tensor.Float32, []int64{-1, 3, -1, -1}}}, Enlarge: 2, Split: Test})
	b, err := set.Read([]int{0})
	if err != nil {
		t.Fatal(err)
	}
	moved := func(change func(v []float32, channel, y, x int)) *tensor.Tensor {
		out := b.Targets.Clone()
		v := out.Float32s()
		for i := range v {
			v[i] = float32(math.Round(float64(v[i])*127))/255 + 64.0/255 // away from both ends
			change(v[i:], i/480, i%480/24, i%24)
		}
		return out
	}
	same := func([]float32, int, int, int) {}
	for _, c := range []struct {
		name   string
		change func(v []float32, channel, y, x int)
		want   float64
	}{
		{"equal", same, bestPSNR},
		{"every channel by one", func(v []float32, _, _, _ int) { v[0] += 1.0 / 255 }, 20 * math.Log10(255/(219.0/255))},
		{"less than half of one", func(v []float32, _, _, _ int) { v[0] += 0.4 / 255 }, bestPSNR},
		{"green by ten", func(v []float32, c, _, _ int) {
			if c == 1 {
				v[0] += 10.0 / 255
			}
		}, 20 * math.Log10(255/(1285.53/255))},
		{"the border", func(v []float32, _, y, x int) {
			if y < 2 || x < 2 || y >= 18 || x >= 22 {
				v[0] = 0
			}
		}, bestPSNR},
	} {
		got, err := set.PSNR(moved(c.change), moved(same))
		if err != nil || len(got) != 1 || math.Abs(got[0]-c.want) > 1e-3 {
			t.Errorf("%s: %v, %v, want %v", c.name, got, err, c.want)
		}
	}
	if _, err := set.PSNR(b.Inputs["x"], b.Targets); err == nil {
		t.Error("pictures of another size are compared")
	}
}

func TestPairsRefuse(t *testing.T) {
	dir := patterned(t, [2]int{40, 31}, [2]int{10, 10})
	colour := Port{"x", tensor.Float32, []int64{-1, 3, -1, -1}}
	fixed := Port{"x", tensor.Float32, []int64{-1, 3, 8, 8}}
	for _, c := range []struct {
		in   Port
		p    Preprocessing
		want string
	}{
		{colour, Preprocessing{Resize: "32"}, "resize"},
		{fixed, Preprocessing{Crop: "4"}, "takes no pictures of 4x4"},
		{fixed, Preprocessing{}, "1.png: is 5x5"},
		{colour, Preprocessing{Crop: "6"}, "1.png: is 5x5"},
	} {
		s, err := Open(dir, Options{Inputs: []Port{c.in}, Preprocessing: c.p, Enlarge: 2})
		if err == nil {
			_, err = s.Read([]int{0, 1})
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v of %v: %v, want %q", c.p, c.in, err, c.want)
		}
	}
}

// TestNoPairs holds that other samples stay what they are.
func TestNoPairs(t *testing.T) {
	colour := Port{"x", tensor.Float32, []int64{-1, 3, -1, -1}}
	floats := writeNPZ(t, map[string][]byte{"x": npyBytes("<f4", []int{2, 3, 4, 4}, make([]float32, 96))})
	own := writeNPZ(t, map[string][]byte{
		"x_train": npyBytes("|u1", []int{2, 3, 4, 4}, make([]uint8, 96)), "y_train": npyBytes("<f4", []int{2, 3, 8, 8}, make([]float32, 384)),
	})
	for _, path := range []string{floats, own} {
		s, err := Open(path, Options{Inputs: []Port{colour}, Enlarge: 2})
		if err != nil {
			t.Fatal(err)
		}
		if s.Enlarged() != 0 {
			t.Errorf("%s: pairs", path)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestPairsSkip holds that pictures which are too small are left out where that is
// allowed, and else known before they are asked for.
func TestPairsSkip(t *testing.T) {
	dir := patterned(t, [2]int{40, 31}, [2]int{10, 10})
	o := Options{Inputs: []Port{{"x", tensor.Float32, []int64{-1, 3, -1, -1}}}, Preprocessing: Preprocessing{Crop: "6"}, Enlarge: 2}
	if _, err := pairsOf(t, dir, o).Verified(t.Context()); err == nil || !strings.Contains(err.Error(), "1.png: is 5x5") {
		t.Errorf("a picture that is too small: %v", err)
	}
	o.SkipBad = true
	good, err := pairsOf(t, dir, o).Verified(t.Context())
	if err != nil || good.Len() != 1 || len(good.Skipped()) != 1 {
		t.Errorf("%v, %v", good, err)
	}
}
