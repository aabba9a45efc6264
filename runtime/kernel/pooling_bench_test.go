package kernel

import "testing"

func BenchmarkPooling(b *testing.B) {
	one := [3]int{1, 1, 1}
	for name, s := range map[string]PoolShape{
		"64_32x16_k2_s2":   {Batch: 64, Channels: 16, Size: [3]int{1, 32, 32}, Kernel: [3]int{1, 2, 2}, Stride: [3]int{1, 2, 2}},
		"64_28x32_k2_s2":   {Batch: 64, Channels: 32, Size: [3]int{1, 28, 28}, Kernel: [3]int{1, 2, 2}, Stride: [3]int{1, 2, 2}},
		"32_32x64_k3_s2":   {Batch: 32, Channels: 64, Size: [3]int{1, 32, 32}, Kernel: [3]int{1, 3, 3}, Stride: [3]int{1, 2, 2}, Before: [3]int{0, 1, 1}, After: [3]int{0, 1, 1}},
		"64_8x64_global":   {Batch: 64, Channels: 64, Size: [3]int{1, 8, 8}, Kernel: [3]int{1, 8, 8}, Stride: one},
		"16_3x1280_global": {Batch: 16, Channels: 1280, Size: [3]int{1, 3, 3}, Kernel: [3]int{1, 3, 3}, Stride: one},
	} {
		s.Dilation = one
		p := NewPool(0)
		defer p.Close()
		m, err := NewMaxPool(s)
		if err != nil {
			b.Fatal(err)
		}
		a, err := NewAveragePool(s, false)
		if err != nil {
			b.Fatal(err)
		}
		out := m.Output()
		x, y := make([]float32, s.Batch*s.Size[1]*s.Size[2]*s.Channels), make([]float32, s.Batch*out[1]*out[2]*s.Channels)
		for i := range x {
			x[i] = float32(i * 7919 % 1000)
		}
		dx, dy := make([]float32, len(x)), make([]float32, len(y))
		for _, pass := range []struct {
			name string
			run  func()
		}{
			{"max/forward", func() { m.Forward(p, y, x) }},
			{"max/backward", func() { m.Backward(p, dx, dy, x, y, false) }},
			{"average/forward", func() { a.Forward(p, y, x) }},
			{"average/backward", func() { a.Backward(p, dx, dy, false) }},
		} {
			b.Run(name+"/"+pass.name, func(b *testing.B) {
				b.SetBytes(int64(4 * len(x)))
				b.ReportAllocs()
				for b.Loop() {
					pass.run()
				}
			})
		}
	}
}
