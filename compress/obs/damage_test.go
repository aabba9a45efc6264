package obs

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// TestDamageIsLeastSquares holds the damage of a set of columns, found by
// removing them one after the other, against a fit from scratch: the least
// tr((W-V) H (W-V)ᵀ) over all V without these columns.
func TestDamageIsLeastSquares(t *testing.T) {
	const width, out, area = 12, 5, 3
	rng := rand.New(rand.NewPCG(1, 2))
	second, matrix := randomMoments(rng, width), normals(rng, out*width)
	columns := make([][]int, width/area)
	for c := range columns {
		for k := range area {
			columns[c] = append(columns[c], c*area+k)
		}
	}
	h := append([]float64(nil), second...)
	r := newReader(append([]float64(nil), second...), matrix, width, out, columns)
	total := r.energy
	damp(h, width)
	sum := 0.0
	var stay []int
	for i := range width {
		if i/area == 0 || i/area == 2 {
			stay = append(stay, i)
		}
	}
	for _, c := range []int{1, 3} {
		sum += r.damage(c) * total
		r.remove(c)
	}
	if want := leastDamage(h, matrix, width, out, stay); math.Abs(sum-want) > 1e-8*want {
		t.Errorf("damage of channels 1 and 3 is %g, a fit from scratch finds %g", sum, want)
	}
}

// leastDamage fits the columns that stay by the normal equations.
func leastDamage(h, matrix []float64, width, out int, stay []int) float64 {
	a, b := mat.NewDense(len(stay), len(stay), nil), mat.NewDense(len(stay), out, nil)
	full, w := mat.NewDense(width, width, h), mat.NewDense(out, width, matrix)
	var image mat.Dense
	image.Mul(full, w.T())
	for i, x := range stay {
		for j, y := range stay {
			a.Set(i, j, full.At(x, y))
		}
		for o := range out {
			b.Set(i, o, image.At(x, o))
		}
	}
	var v mat.Dense
	if err := v.Solve(a, b); err != nil {
		panic(err)
	}
	rest := mat.DenseCopyOf(w)
	for i, x := range stay {
		for o := range out {
			rest.Set(o, x, rest.At(o, x)-v.At(i, o))
		}
	}
	var left, damage mat.Dense
	left.Mul(rest, full)
	damage.Mul(&left, rest.T())
	return mat.Trace(&damage)
}

func normals(rng *rand.Rand, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = rng.NormFloat64()
	}
	return v
}

// randomMoments is the second moment of correlated numbers.
func randomMoments(rng *rand.Rand, n int) []float64 {
	x := mat.NewDense(3*n, n, normals(rng, 3*n*n))
	var h mat.Dense
	h.Mul(x.T(), x)
	return h.RawMatrix().Data
}

// TestOrderLeavesTheUseful: of channels that nothing reads, that repeat another
// and that count, the first go first and the last go last.
func TestOrderLeavesTheUseful(t *testing.T) {
	const width = 4
	second := make([]float64, width*width)
	for i := range width {
		second[i*width+i] = 1
	}
	second[1*width+2], second[2*width+1] = 0.999, 0.999
	r := newReader(second, []float64{0, 1, 1, 1}, width, 1, [][]int{{0}, {1}, {2}, {3}})
	list, damages := order([]*reader{r}, width)
	if list[0] != 0 || list[1] == 3 {
		t.Errorf("order %v", list)
	}
	if damages[0] > 1e-9 || damages[list[1]] > 0.01 || damages[3] < 0.1 {
		t.Errorf("damages %v", damages)
	}
}
