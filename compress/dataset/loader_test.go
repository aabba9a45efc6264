package dataset

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"onnxcompress/graph/tensor"
)

// noisy is a zip of so many pictures of noise in three classes.
func noisy(t testing.TB, n, height, width int) string {
	rng := rand.New(rand.NewPCG(1, 2))
	files := map[string][]byte{}
	for i := range n {
		img := image.NewNRGBA(image.Rect(0, 0, width, height))
		for p := range height * width {
			v := rng.Uint32()
			img.Set(p%width, p/width, color.NRGBA{uint8(v), uint8(v >> 8), uint8(v >> 16), 255})
		}
		files[fmt.Sprintf("%d/%03d.png", i%3, i)] = encoded(img)
	}
	return writeZip(t, filepath.Join(t.TempDir(), "noise.zip"), files)
}

// cloned is a batch that outlives its loader's next one.
func cloned(b Batch) Batch {
	in := map[string]*tensor.Tensor{}
	for name, t := range b.Inputs {
		in[name] = t.Clone()
	}
	if b.Targets != nil {
		b.Targets = b.Targets.Clone()
	}
	return Batch{in, slices.Clone(b.Labels), b.Targets, slices.Clone(b.Index)}
}

func equalBatches(a, b Batch) bool {
	same := func(x, y *tensor.Tensor) bool {
		return x == y || x != nil && y != nil && x.DType == y.DType && slices.Equal(x.Shape, y.Shape) && slices.Equal(x.Data, y.Data)
	}
	for name, t := range a.Inputs {
		if !same(t, b.Inputs[name]) {
			return false
		}
	}
	return len(a.Inputs) == len(b.Inputs) && slices.Equal(a.Labels, b.Labels) && slices.Equal(a.Index, b.Index) && same(a.Targets, b.Targets)
}

// taken are the next n batches.
func taken(t *testing.T, next func(context.Context) (Batch, error), n int) []Batch {
	t.Helper()
	var all []Batch
	for range n {
		b, err := next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, cloned(b))
	}
	return all
}

func loader(t *testing.T, s *Set, o LoaderOptions) *Loader {
	t.Helper()
	l, err := NewLoader(s, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// TestLoader gives what Read gives, each sample once in an epoch, whatever the
// data is made of.
func TestLoader(t *testing.T) {
	floats := make([]float32, 10*3*4*5)
	for i := range floats {
		floats[i] = float32(i)
	}
	for _, c := range []struct {
		name string
		path string
		o    Options
	}{
		{"pictures", noisy(t, 10, 6, 5), Options{Inputs: port("x", tensor.Float32, -1, 3, 4, 5), Mean: []float64{.1, .2, .3}, Std: []float64{.4, .5, .6}}},
		{"channels last", noisy(t, 10, 6, 5), Options{Inputs: port("x", tensor.Float32, -1, 4, 5, 3), Mean: []float64{.1, .2, .3}}},
		{"free sizes", noisy(t, 10, 6, 5), Options{Inputs: port("x", tensor.Float32, -1, 1, -1, -1)}},
		{"16 bits", noisy(t, 10, 6, 5), Options{Inputs: port("x", tensor.Float16, -1, 3, 6, 5), Std: []float64{.5}}},
		{"bytes", noisy(t, 10, 6, 5), Options{Inputs: port("x", tensor.Uint8, -1, 3, 6, 5)}},
		{"float arrays", writeNPZ(t, map[string][]byte{
			"x": npyBytes("<f4", []int{10, 3, 4, 5}, floats), "y": npyBytes("<f4", []int{10, 2}, floats[:20]),
		}), Options{Inputs: port("x", tensor.Float32, -1, 3, 4, 5)}},
		{"two inputs", writeNPZ(t, map[string][]byte{
			"x": npyBytes("<f4", []int{10, 2}, floats[:20]), "ids": npyBytes("<i8", []int{10, 1}, make([]int64, 10)),
		}), Options{Inputs: append(port("x", tensor.Float32, -1, 2), port("ids", tensor.Int64, -1, 1)...)}},
		{"one batch", writeNPZ(t, map[string][]byte{"x": npyBytes("<f4", []int{3, 2}, floats[:6])}), Options{Inputs: port("x", tensor.Float32, 3, 2), Whole: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open1(t, c.path, c.o)
			for _, drop := range []bool{false, true} {
				l := loader(t, s, LoaderOptions{Batch: 4, Seed: 7, Workers: 2, DropLast: drop})
				var orders [][]int
				for range 2 {
					var order []int
					for _, b := range taken(t, l.Next, l.Steps()) {
						want, err := s.Read(b.Index)
						if err != nil {
							t.Fatal(err)
						}
						if !equalBatches(b, want) {
							t.Fatalf("samples %v are not those of the set", b.Index)
						}
						order = append(order, b.Index...)
					}
					orders = append(orders, slices.Clone(order))
					want := s.Len()
					if drop {
						want -= want % min(want, 4)
					}
					slices.Sort(order)
					if len(order) != want || len(slices.Compact(order)) != want {
						t.Errorf("an epoch goes through %v of %d", order, s.Len())
					}
				}
				if s.Len() > 1 && slices.Equal(orders[0], orders[1]) {
					t.Error("two epochs go through the set in one order")
				}
			}
		})
	}
}

// TestLoaderPlace holds that batches depend on their place alone: not on the
// number of workers, on what is kept, nor on where a loader began.
func TestLoaderPlace(t *testing.T) {
	s := open1(t, noisy(t, 23, 8, 8), Options{Inputs: port("x", tensor.Float32, -1, 3, 8, 8)})
	o := LoaderOptions{Batch: 5, Seed: 3, Workers: 1, Augment: Augment{Pad: 2, Flip: true}, Cache: -1}
	want := taken(t, loader(t, s, o).Next, 15)
	for _, c := range []struct {
		workers, prefetch int
		cache             int64
	}{{1, 1, 0}, {4, 0, 0}, {3, 9, 1}, {2, 2, 500}, {8, 1, -1}} {
		o.Workers, o.Prefetch, o.Cache = c.workers, c.prefetch, c.cache
		l := loader(t, s, o)
		for i, b := range taken(t, l.Next, 15) {
			if !equalBatches(b, want[i]) {
				t.Errorf("%+v: batch %d differs", c, i)
			}
		}
		for _, at := range []int{0, 7, 14, 4, 5} {
			if err := l.Seek(at/5, at%5); err != nil {
				t.Fatal(err)
			}
			if b := taken(t, l.Next, 1); !equalBatches(b[0], want[at]) {
				t.Errorf("%+v: batch %d differs after Seek", c, at)
			}
		}
		if err := l.Seek(0, 5); err != nil || !equalBatches(taken(t, l.Next, 1)[0], want[5]) {
			t.Errorf("the end of an epoch is not the beginning of the next: %v", err)
		}
		if l.Seek(0, 6) == nil || l.Seek(-1, 0) == nil {
			t.Error("a step beyond an epoch")
		}
	}
	o.Seed = 4
	if equalBatches(taken(t, loader(t, s, o).Next, 1)[0], want[0]) {
		t.Error("two seeds give the same")
	}
}

// TestLoaderEnds holds that a loader that waits can be told to stop, loses
// nothing by it, and leaves no goroutine behind.
func TestLoaderEnds(t *testing.T) {
	s := open1(t, noisy(t, 12, 8, 8), Options{Inputs: port("x", tensor.Float32, -1, 3, 8, 8)})
	before := runtime.NumGoroutine()
	l := loader(t, s, LoaderOptions{Batch: 4, Workers: 3})
	want := taken(t, l.Next, 3)
	if err := l.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	ended, stop := context.WithCancel(t.Context())
	stop()
	for _, w := range want {
		if _, err := l.Next(ended); !errors.Is(err, context.Canceled) {
			t.Errorf("an ended context gives %v", err)
		}
		if b := taken(t, l.Next, 1)[0]; !equalBatches(b, w) {
			t.Error("a batch was lost")
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Next(t.Context()); err == nil {
		t.Error("a closed loader gives a batch")
	}
	for range 1000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d goroutines, before %d", runtime.NumGoroutine(), before)
}

// TestLoaderSkips holds that a bad sample is replaced as Read does, or told.
func TestLoaderSkips(t *testing.T) {
	files := map[string][]byte{}
	for i := range 9 {
		files[fmt.Sprintf("%d.png", i)] = pngOf(2, 2, color.NRGBA{uint8(i), 0, 0, 255})
	}
	files["3.png"] = []byte("no picture")
	dir := writeTree(t, t.TempDir(), files)
	for _, skip := range []bool{true, false} {
		s := open1(t, dir, Options{Inputs: port("x", tensor.Float32, -1, 3, 2, 2), SkipBad: skip})
		l := loader(t, s, LoaderOptions{Batch: 9, Workers: 2})
		b, err := l.Next(t.Context())
		if !skip {
			if err == nil {
				t.Error("a bad sample is no error")
			}
			continue
		}
		want, wrong := s.Read(b.Index)
		if err != nil || wrong != nil || !equalBatches(b, want) || len(s.Skipped()) != 1 {
			t.Errorf("%v, %v, left out %v", err, wrong, s.Skipped())
		}
	}
}

// TestLoaderMemory holds that batches are made in memory that is used again.
func TestLoaderMemory(t *testing.T) {
	s := open1(t, noisy(t, 12, 8, 8), Options{Inputs: port("x", tensor.Float32, -1, 3, 8, 8)})
	l := loader(t, s, LoaderOptions{Batch: 4, Workers: 1, Prefetch: 1, Augment: Augment{Pad: 1, Flip: true}})
	seen := map[*byte]bool{}
	for range 12 {
		b, err := l.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		seen[&b.Inputs["x"].Data[0]] = true
	}
	if len(seen) != 2 {
		t.Errorf("%d buffers, want 2", len(seen))
	}
}

func TestNewLoaderRefuses(t *testing.T) {
	s := counting(t, 3, Options{})
	for _, o := range []LoaderOptions{{}, {Batch: -1}, {Batch: 1, Workers: -1}, {Batch: 1, Prefetch: -1}, {Batch: 1, Augment: Augment{Flip: true}}} {
		if _, err := NewLoader(s, o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}
