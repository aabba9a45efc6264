package pipeline

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"onnxcompress/compress"
	"onnxcompress/graph/tensor"
)

// leastImage is the least height and width of an input that is taken for an
// image.
const leastImage = 8

// texture gives random inputs that look like images, of four axes with height
// and width last, the spectrum that images have: neighbours are alike, and so
// are colours. On white noise a network computes nothing that it computes on
// images, and what is fitted there does not hold elsewhere.
func texture(batches []compress.Inputs, seed int64) {
	rng := rand.New(rand.NewPCG(uint64(seed), 0x74657874))
	for _, in := range batches {
		for _, name := range slices.Sorted(maps.Keys(in)) {
			t := in[name]
			if t.DType != tensor.Float32 || t.Rank() != 4 || min(t.Shape[2], t.Shape[3]) < leastImage {
				continue
			}
			clouds(t, rng)
		}
	}
}

// alike is the share of the variance that the channels of a sample have in
// common.
const alike = 0.8

// clouds fills a batch of images with noise of mean 0 and variance 1.
func clouds(t *tensor.Tensor, rng *rand.Rand) {
	channels, height, width := int(t.Shape[1]), int(t.Shape[2]), int(t.Shape[3])
	x, area := t.Float32s(), height*width
	common, own := math.Sqrt(alike), math.Sqrt(1-alike)
	for at := 0; at < len(x); at += channels * area {
		shared := cloud(height, width, rng)
		for c := range channels {
			for i, v := range cloud(height, width, rng) {
				x[at+c*area+i] = float32(own*v + common*shared[i])
			}
		}
	}
}

// cloud sums octaves: noise on ever finer grids, drawn out smoothly, of an
// amplitude that falls with the root of the frequency.
func cloud(height, width int, rng *rand.Rand) []float64 {
	sum, variance := make([]float64, height*width), 0.0
	for cells := 1; cells <= max(height, width); cells *= 2 {
		amplitude := 1 / math.Sqrt(float64(cells))
		variance += amplitude * amplitude
		octave(sum, height, width, cells, amplitude, rng)
	}
	for i := range sum {
		sum[i] /= math.Sqrt(variance)
	}
	return sum
}

// octave adds noise of the given amplitude on a grid of cells by cells. The
// weights of the corners are scaled so that every place has the same variance.
func octave(sum []float64, height, width, cells int, amplitude float64, rng *rand.Rand) {
	side := cells + 2
	grid := make([]float64, side*side)
	for i := range grid {
		grid[i] = rng.NormFloat64()
	}
	offY, offX := rng.Float64(), rng.Float64()
	for y := range height {
		gy := float64(y)/float64(height)*float64(cells) + offY
		y0 := int(gy)
		fy := gy - float64(y0)
		for x := range width {
			gx := float64(x)/float64(width)*float64(cells) + offX
			x0 := int(gx)
			fx := gx - float64(x0)
			v := (grid[y0*side+x0]*(1-fx)+grid[y0*side+x0+1]*fx)*(1-fy) + (grid[(y0+1)*side+x0]*(1-fx)+grid[(y0+1)*side+x0+1]*fx)*fy
			norm := math.Sqrt(((1-fx)*(1-fx) + fx*fx) * ((1-fy)*(1-fy) + fy*fy))
			sum[y*width+x] += amplitude * v / norm
		}
	}
}
