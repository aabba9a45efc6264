package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// deep is flat with as many groups as channels.
func deep(batch, size, channels, kernel, stride, pad int) ConvShape {
	s := flat(batch, size, channels, channels, kernel, stride, pad)
	s.Groups = channels
	return s
}

// layers are convolutions of common networks.
var layers = []struct {
	name string
	s    ConvShape
}{
	{"resnet20", flat(64, 32, 3, 16, 3, 1, 1)},
	{"resnet20", flat(64, 32, 16, 16, 3, 1, 1)},
	{"resnet20", flat(64, 32, 16, 32, 3, 2, 1)},
	{"resnet20", flat(64, 16, 32, 32, 3, 1, 1)},
	{"resnet20", flat(64, 16, 32, 64, 3, 2, 1)},
	{"resnet20", flat(64, 16, 32, 64, 1, 2, 0)},
	{"resnet20", flat(64, 8, 64, 64, 3, 1, 1)},
	{"vgg16", flat(64, 16, 16, 32, 3, 1, 1)},
	{"vgg16", flat(64, 8, 32, 64, 3, 1, 1)},
	{"vgg16", flat(64, 4, 64, 128, 3, 1, 1)},
	{"vgg16", flat(64, 4, 128, 128, 3, 1, 1)},
	{"vgg16", flat(64, 2, 128, 128, 3, 1, 1)},
	{"resnet18", flat(32, 32, 64, 64, 3, 1, 1)},
	{"resnet18", flat(32, 32, 64, 128, 3, 2, 1)},
	{"resnet18", flat(32, 16, 128, 128, 3, 1, 1)},
	{"resnet18", flat(32, 16, 128, 256, 3, 2, 1)},
	{"resnet18", flat(32, 8, 256, 256, 3, 1, 1)},
	{"lenet", flat(64, 28, 1, 32, 5, 1, 2)},
	{"lenet", flat(64, 14, 32, 64, 5, 1, 2)},
	{"vit", flat(64, 28, 1, 96, 4, 4, 0)},
	{"mobilenet", flat(16, 96, 3, 32, 3, 2, 1)},
	{"mobilenet", deep(16, 48, 32, 3, 1, 1)},
	{"mobilenet", deep(16, 48, 96, 3, 2, 1)},
	{"mobilenet", deep(16, 24, 144, 3, 1, 1)},
	{"mobilenet", deep(16, 24, 144, 3, 2, 1)},
	{"mobilenet", deep(16, 12, 192, 3, 1, 1)},
	{"mobilenet", deep(16, 6, 384, 3, 1, 1)},
	{"mobilenet", deep(16, 6, 576, 3, 2, 1)},
	{"mobilenet", deep(16, 3, 960, 3, 1, 1)},
	{"mobilenet", flat(16, 48, 32, 16, 1, 1, 0)},
	{"mobilenet", flat(16, 48, 16, 96, 1, 1, 0)},
	{"mobilenet", flat(16, 24, 96, 24, 1, 1, 0)},
	{"mobilenet", flat(16, 24, 24, 144, 1, 1, 0)},
	{"mobilenet", flat(16, 24, 144, 24, 1, 1, 0)},
	{"mobilenet", flat(16, 12, 144, 32, 1, 1, 0)},
	{"mobilenet", flat(16, 3, 960, 320, 1, 1, 0)},
	{"mobilenet", flat(16, 3, 320, 1280, 1, 1, 0)},
}

func BenchmarkConv(b *testing.B) {
	p := NewPool(0)
	defer p.Close()
	r := rand.New(rand.NewPCG(12, 0))
	for _, layer := range layers {
		s := layer.s
		c, err := NewConv(s)
		if err != nil {
			b.Fatal(err)
		}
		px, py := c.pixels()
		numbers := func(n int) []float32 { return lay(r, 1, n, layout{step: 1}).Data[:n] }
		x, y, w := numbers(px*s.In), numbers(py*s.Out), numbers(s.Out*s.In/s.Groups*s.taps())
		dx, dw, scratch := make([]float32, len(x)), make([]float32, len(w)), make([]float32, c.Scratch(p))
		name := fmt.Sprintf("%s_%d_%dx%d_%d_k%d_s%d", layer.name, s.Batch, s.Size[1], s.In, s.Out, s.Kernel[1], s.Stride[1])
		if s.Groups > 1 {
			name += "_depthwise"
		}
		for _, pass := range []struct {
			name string
			run  func()
		}{
			{"forward", func() { c.Forward(p, y, x, w, nil, scratch) }},
			{"data", func() { c.BackwardData(p, dx, y, w, false, scratch) }},
			{"weight", func() { c.BackwardWeight(p, dw, nil, x, y, false, scratch) }},
		} {
			b.Run(name+"/"+pass.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					pass.run()
				}
				rate(b, py*s.Out*s.In/s.Groups*s.taps())
			})
		}
	}
}
