package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// A shape is a product that networks compute.
type shape struct {
	name    string
	m, n, k int
	// transposedA and transposedB say that the operand is a view of a matrix that
	// lies the other way.
	transposedA, transposedB bool
}

var shapes = []shape{
	{name: "square", m: 1024, n: 1024, k: 1024},
	{name: "conv", m: 65536, n: 16, k: 144},
	{name: "conv", m: 65536, n: 16, k: 27},
	{name: "conv", m: 16384, n: 32, k: 288},
	{name: "conv", m: 4096, n: 64, k: 576},
	{name: "vit", m: 3200, n: 288, k: 96},
	{name: "vit", m: 3200, n: 96, k: 384},
	{name: "vit", m: 3200, n: 384, k: 96, transposedB: true},
	{name: "vit", m: 3200, n: 384, k: 96},
	{name: "fc", m: 64, n: 512, k: 3136, transposedB: true},
	{name: "fc", m: 64, n: 512, k: 3136},
	{name: "fc", m: 64, n: 10, k: 512, transposedB: true},
	{name: "fc", m: 1, n: 1000, k: 512, transposedB: true},
	{name: "grad", m: 144, n: 16, k: 65536, transposedA: true},
	{name: "grad", m: 576, n: 64, k: 4096, transposedA: true},
	{name: "grad", m: 96, n: 288, k: 3200, transposedA: true},
	{name: "mobile", m: 16384, n: 96, k: 16},
	{name: "mobile", m: 36864, n: 16, k: 96},
}

func BenchmarkGemm(b *testing.B) {
	best := active
	defer func() { active = best }()
	r := rand.New(rand.NewPCG(7, 0))
	for _, lv := range levels()[:max(len(levels())-1, 1)] {
		active = lv
		for _, threads := range []int{1, 2} {
			p := NewPool(threads)
			defer p.Close()
			for _, s := range shapes {
				name := fmt.Sprintf("%s/threads=%d/%s_%dx%dx%d", lv.name, threads, s.name, s.m, s.n, s.k)
				if s.transposedA {
					name += "_tA"
				}
				if s.transposedB {
					name += "_tB"
				}
				b.Run(name, func(b *testing.B) {
					x := lay(r, s.m, s.k, layout{step: 1, transposed: s.transposedA})
					y := lay(r, s.k, s.n, layout{step: 1, transposed: s.transposedB})
					c := Dense(make([]float32, s.m*s.n), s.m, s.n)
					b.ReportAllocs()
					for b.Loop() {
						Gemm(p, 1, x, y, 0, c, nil)
					}
					rate(b, s.m*s.n*s.k)
				})
			}
		}
	}
}

func rate(b *testing.B, multiplications int) {
	b.ReportMetric(2*float64(multiplications)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
}

// Attention: scores and what they weigh, of images side by side.
func BenchmarkGemmBatch(b *testing.B) {
	const images, heads, tokens, depth, width = 64, 4, 50, 24, 288
	const square = tokens * tokens
	r := rand.New(rand.NewPCG(8, 0))
	qkv := lay(r, images*tokens, width, layout{step: 1}).Data
	view := func(part int) Matrix { return Matrix{qkv[part*heads*depth:], tokens, depth, width, 1} }
	scores := make([]float32, images*heads*square)
	out := make([]float32, images*tokens*heads*depth)
	for _, threads := range []int{1, 2} {
		p := NewPool(threads)
		defer p.Close()
		in, head := tokens*width, depth
		b.Run(fmt.Sprintf("%s/threads=%d/50x50x24", active.name, threads), func(b *testing.B) {
			n := Batch{[]int{images, heads}, []int{in, head}, []int{in, head}, []int{heads * square, square}}
			b.ReportAllocs()
			for b.Loop() {
				GemmBatch(p, n, 0.2, view(0), view(1).T(), 0, Dense(scores, tokens, tokens))
			}
			rate(b, images*heads*square*depth)
		})
		b.Run(fmt.Sprintf("%s/threads=%d/50x24x50", active.name, threads), func(b *testing.B) {
			n := Batch{
				[]int{images, heads},
				[]int{heads * square, square},
				[]int{in, head},
				[]int{tokens * heads * depth, depth},
			}
			c := Matrix{out, tokens, depth, heads * depth, 1}
			b.ReportAllocs()
			for b.Loop() {
				GemmBatch(p, n, 1, Dense(scores, tokens, tokens), view(2), 0, c)
			}
			rate(b, images*heads*square*depth)
		})
		for _, s := range [][3]int{{4096, 16, 16}, {1024, 64, 64}, {1024, 128, 128}, {16, 4096, 16}, {64, 1024, 64}} {
			b.Run(fmt.Sprintf("%s/threads=%d/winograd_%dx%dx%d", active.name, threads, s[0], s[1], s[2]), func(b *testing.B) {
				const count = 36
				x := Dense(lay(r, count*s[0], s[2], layout{step: 1}).Data, s[0], s[2])
				y := Dense(lay(r, count*s[2], s[1], layout{step: 1}).Data, s[2], s[1])
				c := Dense(make([]float32, count*s[0]*s[1]), s[0], s[1])
				n := Batch{[]int{count}, []int{s[0] * s[2]}, []int{s[2] * s[1]}, []int{s[0] * s[1]}}
				b.ReportAllocs()
				for b.Loop() {
					GemmBatch(p, n, 1, x, y, 0, c)
				}
				rate(b, count*s[0]*s[1]*s[2])
			})
		}
	}
}
