package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// eachLevel runs a test on every set of kernels that the processor has.
func eachLevel(t *testing.T, test func(t *testing.T)) {
	best := active
	defer func() { active = best }()
	for _, lv := range levels() {
		active = lv
		t.Run(lv.name, test)
	}
}

// layout is how a matrix lies in memory.
type layout struct {
	transposed bool
	step, gap  int // between neighbours in a line, and at the end of lines
	start      int
}

var layouts = []layout{
	{step: 1},
	{step: 1, transposed: true},
	{step: 1, gap: 5, start: 1},
	{step: 1, gap: 3, start: 3, transposed: true},
	{step: 2, gap: 1, start: 2},
	{step: 3, gap: 2, start: 1, transposed: true},
}

// guard is around what a product may touch: NaN, with bits of its own.
var guard = math.Float32frombits(0x7fc0dead)

// lay makes a matrix of values in [-1, 1) with guards in all places that are not its own.
func lay(r *rand.Rand, rows, cols int, l layout) Matrix {
	m := Matrix{Rows: rows, Cols: cols}
	lines, length := rows, cols
	if l.transposed {
		lines, length = cols, rows
	}
	near, far := l.step, max(length, 1)*l.step+l.gap
	m.RowStride, m.ColStride = far, near
	if l.transposed {
		m.RowStride, m.ColStride = near, far
	}
	data := make([]float32, l.start+lines*far+16)
	for i := range data {
		data[i] = guard
	}
	m.Data = data[l.start:]
	for i := range rows {
		for j := range cols {
			m.Data[i*m.RowStride+j*m.ColStride] = 2*r.Float32() - 1
		}
	}
	return m
}

func (m *Matrix) get(i, j int) float32 { return m.Data[i*m.RowStride+j*m.ColStride] }

// want is the product in float64, and for each element the sum of the sizes of
// what is added, by which rounding is measured.
func want(alpha float32, a, b Matrix, beta float32, c Matrix, e *Epilogue) (values, sizes []float64) {
	for i := range c.Rows {
		for j := range c.Cols {
			var sum, size float64
			for k := range a.Cols {
				x := float64(a.get(i, k)) * float64(b.get(k, j))
				sum, size = sum+x, size+math.Abs(x)
			}
			sum, size = sum*float64(alpha), size*math.Abs(float64(alpha))
			add := func(x float64) { sum, size = sum+x, size+math.Abs(x) }
			if beta != 0 {
				add(float64(beta) * float64(c.get(i, j)))
			}
			if e != nil && e.Bias != nil {
				add(float64(e.Bias[j]))
			}
			if e != nil && e.Residual.Data != nil {
				add(float64(e.Residual.get(i, j)))
			}
			values, sizes = append(values, sum), append(sizes, size)
		}
	}
	return values, sizes
}

// compare reports the first element of c that is not as wanted, and whatever
// was written beside c.
func compare(t *testing.T, c Matrix, values, sizes []float64, act func(float64) float64) {
	t.Helper()
	own := make(map[int]bool)
	for i := range c.Rows {
		for j := range c.Cols {
			own[i*c.RowStride+j] = true
			got, want := float64(c.get(i, j)), values[i*c.Cols+j]
			if act != nil {
				want = act(want)
			}
			if !(math.Abs(got-want) <= 1e-5*sizes[i*c.Cols+j]+1e-12) {
				t.Fatalf("(%d, %d) is %v, want %v", i, j, got, want)
			}
		}
	}
	for i, x := range c.Data {
		if !own[i] && math.Float32bits(x) != math.Float32bits(guard) {
			t.Fatalf("%d numbers after the start, outside of C: %v was written", i, x)
		}
	}
}

var sizes = []int{0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65}

// triples are sizes (M, N, K): all equal, some at random, and some for each path.
func triples(r *rand.Rand, random int) [][3]int {
	out := [][3]int{{3, 200, 300}, {300, 70, 20}, {200, 40, 600}, {5, 7, 9000}, {30, 40, 3000}, {1, 600, 40}, {600, 1, 40}, {400, 100, 64}}
	for _, n := range sizes {
		out = append(out, [3]int{n, n, n})
	}
	pick := func() int { return sizes[r.IntN(len(sizes))] }
	for range random {
		out = append(out, [3]int{pick(), pick(), pick()})
	}
	return out
}

func clip(x []float32) {
	for i, v := range x {
		x[i] = max(v, 0)
	}
}

func TestGemm(t *testing.T) {
	factors := []float32{0, 1, -1, 0.5}
	eachLevel(t, func(t *testing.T) {
		for _, threads := range []int{1, 3} {
			p := NewPool(threads)
			defer p.Close()
			r := rand.New(rand.NewPCG(1, uint64(threads)))
			for _, size := range triples(r, 150) {
				m, n, k := size[0], size[1], size[2]
				la, lb := layouts[r.IntN(len(layouts))], layouts[r.IntN(len(layouts))]
				alpha, beta := factors[r.IntN(4)], factors[r.IntN(4)]
				name := fmt.Sprintf("%dx%dx%d %v %v alpha %v beta %v threads %d", m, n, k, la, lb, alpha, beta, threads)
				t.Run(name, func(t *testing.T) {
					a, b := lay(r, m, k, la), lay(r, k, n, lb)
					c := lay(r, m, n, layout{step: 1, gap: r.IntN(3), start: r.IntN(4)})
					values, sizes := want(alpha, a, b, beta, c, nil)
					if beta == 0 {
						for i := range c.Data {
							c.Data[i] = guard // not read, so no harm
						}
					}
					Gemm(p, alpha, a, b, beta, c, nil)
					compare(t, c, values, sizes, nil)
				})
			}
		}
	})
}

// Bias, residual and function are applied once, whatever the path.
func TestEpilogue(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for _, threads := range []int{1, 2} {
			p := NewPool(threads)
			defer p.Close()
			r := rand.New(rand.NewPCG(2, 0))
			for _, size := range triples(r, 30) {
				m, n, k := size[0], size[1], size[2]
				t.Run(fmt.Sprintf("%dx%dx%d threads %d", m, n, k, threads), func(t *testing.T) {
					a, b := lay(r, m, k, layouts[0]), lay(r, k, n, layouts[0])
					c := lay(r, m, n, layout{step: 1, gap: r.IntN(2)})
					bias := lay(r, 1, n, layout{step: 1}).Data[:n]
					e := &Epilogue{Bias: bias, Residual: lay(r, m, n, layout{step: 1, gap: 4, start: 1}), Act: clip}
					values, sizes := want(1, a, b, 0.5, c, e)
					Gemm(p, 1, a, b, 0.5, c, e)
					compare(t, c, values, sizes, func(x float64) float64 { return max(x, 0) })
				})
			}
		}
	})
}

// The ways to compute one product agree to the bit.
func TestGemmPaths(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 0))
		for _, size := range [][3]int{{300, 70, 90}, {65, 33, 700}, {30, 400, 50}, {1, 1, 1}} {
			m, n, k := size[0], size[1], size[2]
			a, b := lay(r, m, k, layouts[0]), lay(r, k, n, layouts[3])
			first := lay(r, m, n, layouts[0])
			p := NewPool(1)
			defer p.Close()
			Gemm(p, 1, a, b, 0, first, nil)
			for _, threads := range []int{1, 2, 5} {
				p := NewPool(threads)
				defer p.Close()
				packed := PackB(lay(r, k, n, layouts[0]))
				packed.Repack(b)
				for name, compute := range map[string]func(c Matrix){
					"Gemm":       func(c Matrix) { Gemm(p, 1, a, b, 0, c, nil) },
					"GemmPacked": func(c Matrix) { GemmPacked(p, 1, a, packed, 0, c, nil) },
					"GemmOn": func(c Matrix) {
						p.Run(3, func(part, worker int) {
							if part == 1 {
								GemmOn(p, worker, 1, a, b, 0, c, nil)
							}
						})
					},
					"GemmPackedOn": func(c Matrix) {
						p.Run(3, func(part, worker int) {
							if part == 1 {
								GemmPackedOn(p, worker, 1, a, packed, 0, c, nil)
							}
						})
					},
				} {
					c := lay(r, m, n, layouts[0])
					compute(c)
					for i := range m * n {
						if c.Data[i] != first.Data[i] {
							t.Fatalf("%s of %dx%dx%d on %d threads: element %d is %v, on one thread %v",
								name, m, n, k, threads, i, c.Data[i], first.Data[i])
						}
					}
				}
			}
		}
	})
}

// Numbers that are not finite go where IEEE 754 sends them, and nowhere else.
func TestGemmSpecialValues(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	eachLevel(t, func(t *testing.T) {
		p := NewPool(1)
		defer p.Close()
		for _, tc := range []struct {
			name string
			a, b float32
			nan  bool
		}{
			{"zero times infinity", 0, inf, true},
			{"infinity times zero", inf, 0, true},
			{"NaN times zero", nan, 0, true},
			{"zero times NaN", 0, nan, true},
			{"infinity times one", inf, 1, false},
		} {
			t.Run(tc.name, func(t *testing.T) {
				const m, n, k, at = 17, 37, 21, 9
				r := rand.New(rand.NewPCG(4, 0))
				a, b, c := lay(r, m, k, layouts[0]), lay(r, k, n, layouts[0]), lay(r, m, n, layouts[0])
				for j := range n {
					b.Data[at*n+j] = 0
				}
				a.Data[15*k+at], b.Data[at*n+33] = tc.a, tc.b
				if tc.a == 0 || tc.a != tc.a && tc.b == 0 {
					for i := range m {
						a.Data[i*k+at] = tc.a
					}
				}
				Gemm(p, 1, a, b, 0, c, nil)
				got := c.get(15, 33)
				if tc.nan && got == got || !tc.nan && got != inf {
					t.Errorf("the sum is %v", got)
				}
				if x := c.get(0, 0); tc.a == tc.a && x != x {
					t.Errorf("an element without special terms is %v", x)
				}
			})
		}
	})
}

func TestGemmBatch(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(5, 0))
		for _, threads := range []int{1, 3} {
			p := NewPool(threads)
			defer p.Close()
			for _, tc := range []struct{ images, heads, tokens, depth int }{
				{3, 4, 50, 24}, {1, 2, 70, 33}, {40, 3, 5, 4}, {1, 1, 200, 200}, {0, 3, 5, 5}, {2, 2, 0, 3}, {2, 2, 4, 0},
			} {
				t.Run(fmt.Sprintf("%v threads %d", tc, threads), func(t *testing.T) {
					// Scores of attention: queries, keys and values lie side by side.
					width := 3 * tc.heads * tc.depth
					qkv := lay(r, max(tc.images*tc.tokens, 1), max(width, 1), layouts[0]).Data
					view := func(part int) Matrix {
						return Matrix{qkv[min(part*tc.heads*tc.depth, len(qkv)):], tc.tokens, tc.depth, width, 1}
					}
					scores := make([]float32, tc.images*tc.heads*tc.tokens*tc.tokens)
					image, head := tc.tokens*width, tc.depth
					square := tc.tokens * tc.tokens
					batch := Batch{
						Sizes: []int{tc.images, tc.heads},
						A:     []int{image, head}, B: []int{image, head}, C: []int{tc.heads * square, square},
					}
					GemmBatch(p, batch, 0.5, view(0), view(1).T(), 0, Dense(scores, tc.tokens, tc.tokens))
					for i := range tc.images {
						for h := range tc.heads {
							q, k := view(0), view(1)
							q.Data, k.Data = q.Data[min(i*image+h*head, len(q.Data)):], k.Data[min(i*image+h*head, len(k.Data)):]
							c := Dense(scores[(i*tc.heads+h)*square:][:square], tc.tokens, tc.tokens)
							values, sizes := want(0.5, q, k.T(), 0, c, nil)
							compare(t, c, values, sizes, nil)
						}
					}
				})
			}
		}
	})
}

// What does not fit is refused before anything is read or written.
func TestGemmRefuses(t *testing.T) {
	p := NewPool(1)
	defer p.Close()
	some := make([]float32, 12)
	good := func() Matrix { return Dense(some, 3, 4) }
	square := Dense(make([]float32, 9), 3, 3)
	huge := math.MaxInt / 2
	for name, call := range map[string]func(){
		"short A":            func() { Gemm(p, 1, Dense(some[:11], 3, 4), good().T(), 0, square, nil) },
		"short B":            func() { Gemm(p, 1, good(), Dense(some[:11], 3, 4).T(), 0, square, nil) },
		"short C":            func() { Gemm(p, 1, good(), good().T(), 0, Dense(some[:8], 3, 3), nil) },
		"no data":            func() { Gemm(p, 1, Dense(nil, 3, 4), good().T(), 0, square, nil) },
		"inner sizes":        func() { Gemm(p, 1, good(), good(), 0, square, nil) },
		"rows":               func() { Gemm(p, 1, good(), good().T(), 0, Dense(some, 2, 3), nil) },
		"overflowing stride": func() { Gemm(p, 1, Matrix{some, 3, 4, huge, 1}, good().T(), 0, square, nil) },
		"negative stride":    func() { Gemm(p, 1, Matrix{some, 3, 4, -4, 1}, good().T(), 0, square, nil) },
		"C with steps":       func() { Gemm(p, 1, good(), good().T(), 0, square.T(), nil) },
		"C with equal rows":  func() { Gemm(p, 1, good(), good().T(), 0, Matrix{some, 3, 3, 0, 1}, nil) },
		"bias":               func() { Gemm(p, 1, good(), good().T(), 0, square, &Epilogue{Bias: some[:2]}) },
		"residual":           func() { Gemm(p, 1, good(), good().T(), 0, square, &Epilogue{Residual: good()}) },
		"packed":             func() { GemmPacked(p, 1, good(), PackB(good()), 0, square, nil) },
		"repacked":           func() { PackB(good()).Repack(square) },
		"batch": func() {
			GemmBatch(p, Batch{[]int{2}, []int{1}, []int{0}, []int{0}}, 1, good(), good().T(), 0, square)
		},
		"batch axes": func() { GemmBatch(p, Batch{Sizes: []int{2}}, 1, good(), good().T(), 0, square) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if v, ok := recover().(string); !ok {
					t.Errorf("panic with %v, want a message", v)
				}
			}()
			call()
			t.Error("accepted")
		})
	}
}

func TestGemmAllocates(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 0))
	for _, threads := range []int{1, 2} {
		p := NewPool(threads)
		defer p.Close()
		e := &Epilogue{Bias: make([]float32, 300), Act: clip}
		a, b, c := lay(r, 600, 300, layouts[0]), lay(r, 300, 300, layouts[1]), lay(r, 600, 300, layouts[0])
		long := lay(r, 8, 20000, layouts[0])
		packed := PackB(b)
		for name, call := range map[string]func(){
			"Gemm":       func() { Gemm(p, 1, a, b, 0, c, e) },
			"split sums": func() { Gemm(p, 1, long, long.T(), 0, c.part(0, 8, 0, 8), nil) },
			"GemmPacked": func() { GemmPacked(p, 1, a, packed, 0, c, e) },
			"GemmBatch": func() {
				GemmBatch(p, Batch{[]int{6}, []int{30000}, []int{0}, []int{30000}}, 1,
					a.part(0, 100, 0, 300), b, 0, c.part(0, 100, 0, 300))
			},
		} {
			if n := testing.AllocsPerRun(10, call); n != 0 {
				t.Errorf("%s on %d threads allocates %v times", name, threads, n)
			}
		}
	}
}
