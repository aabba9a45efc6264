package dataset

import (
	"os"
	"testing"

	"onnxcompress/graph/tensor"
)

// BenchmarkLoader goes through pictures of 32 by 32 pixels: once they were
// decoded, and decoding them in every epoch.
func BenchmarkLoader(b *testing.B) {
	for _, c := range []struct {
		name  string
		cache int64
	}{{"kept", 0}, {"decoded", -1}} {
		b.Run(c.name, func(b *testing.B) {
			path := "../../../shared/data/cifar10-images.zip"
			if _, err := os.Stat(path); err != nil {
				path = noisy(b, 2000, 32, 32)
			}
			s, err := Open(path, Options{
				Inputs:        port("x", tensor.Float32, -1, 3, 32, 32),
				Preprocessing: Preprocessing{Preset: "cifar10"},
			})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			const batch = 100
			l, err := NewLoader(s, LoaderOptions{Batch: batch, Workers: 2, Augment: Augment{Auto: true}, Cache: c.cache, DropLast: true})
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			if c.cache == 0 {
				for range l.Steps() {
					if _, err := l.Next(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				if _, err := l.Next(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(batch*float64(b.N)/b.Elapsed().Seconds(), "images/s")
		})
	}
}

// BenchmarkPairs makes crops of 96 by 96 pixels and halves of them.
func BenchmarkPairs(b *testing.B) {
	path := "../../../shared/data/sr/train"
	if _, err := os.Stat(path); err != nil {
		path = noisy(b, 20, 300, 200)
	}
	const batch = 16
	set, err := Open(path, Options{Inputs: []Port{{"x", tensor.Float32, []int64{-1, 3, -1, -1}}}, Enlarge: 2})
	if err != nil {
		b.Fatal(err)
	}
	defer set.Close()
	p, err := NewLoader(set, LoaderOptions{Batch: batch, Workers: 2, Augment: Augment{Auto: true}})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	for range p.Steps() {
		if _, err := p.Next(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	for range b.N {
		if _, err := p.Next(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(batch*float64(b.N)/b.Elapsed().Seconds(), "crops/s")
}
