package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Micro-kernels of all levels compute what the definition does, for each number
// of rows and columns and with segments of A that are apart.
func TestTiles(t *testing.T) {
	for _, lv := range levels() {
		t.Run(lv.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 1))
			for rows := 1; rows <= lv.rows; rows++ {
				for cols := 1; cols <= lv.cols; cols++ {
					for _, segs := range [][2]int{{1, 0}, {1, 1}, {3, 5}, {2, 8}} {
						checkTile(t, r, lv, rows, cols, segs[0], segs[1])
					}
				}
			}
		})
	}
}

func checkTile(t *testing.T, r *rand.Rand, lv *level, rows, cols, segs, k int) {
	t.Helper()
	const stride, apart = 60, 11
	random := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = 2*r.Float32() - 1
		}
		return x
	}
	a := random(rows*stride + 1)
	b := random(segs*k*(cols+1) + 1)
	bias, res := random(cols), lay(r, rows, cols, layout{step: 1, gap: 3})
	c := lay(r, rows, cols, layout{step: 1, gap: 2})
	for i := range rows*stride + 1 {
		if at := i % stride; at >= segs*apart || at%apart >= k {
			a[i] = guard // between segments
		}
	}
	work := tile{
		a: &a[0], b: &b[0], c: &c.Data[0], bias: &bias[0], res: &res.Data[0],
		aRow: 4 * stride, aK: 4, aNext: uintptr(4 * (apart - k)), bK: uintptr(4 * (cols + 1)),
		cRow: uintptr(4 * c.RowStride), resRow: uintptr(4 * res.RowStride),
		k: k, segs: segs, alpha: 0.5, beta: -2, rows: rows,
	}
	defined := append([]float32(nil), c.Data...)
	definition := work
	definition.c, definition.cols = &defined[0], cols
	tileGo(&definition)
	lv.kernels(&work, cols)[rows](&work)
	for i, got := range c.Data {
		want := defined[i]
		same := math.Float32bits(got) == math.Float32bits(want)
		if !same && !(math.Abs(float64(got-want)) <= 1e-5) {
			t.Fatalf("%d×%d, %d segments of %d: number %d is %v, by definition %v", rows, cols, segs, k, i, got, want)
		}
	}
}
