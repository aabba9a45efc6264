package modelgen

import (
	"slices"

	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

// block maps a value to another of the same kind.
type block struct {
	name string
	make func(g *generator, x val) val
}

// kind tells what the axes of a value are.
type kind int

const (
	image    kind = iota // [B, C, one to three spatial axes]
	sequence             // [B, T, C]
	flat                 // [B, C]
)

// Blocks returns a random model of blocks.
func Blocks(seed uint64) *onnx.ModelProto {
	g := newGenerator(seed)
	x, k := g.entry()
	for range 1 + g.IntN(4) {
		before := x
		x = g.stack(blocksOf(k), x, 1+g.IntN(3))
		if slices.Equal(before.shape, x.shape) && g.chance(30) {
			x = g.binary("Add", x, before)
		}
		if g.chance(10) {
			g.exit(x, k)
		}
		if g.chance(30) {
			x, k = g.convert(x, k)
		}
	}
	g.exit(x, k)
	return g.model()
}

func blocksOf(k kind) []block {
	switch k {
	case image:
		return imageBlocks
	case sequence:
		return sequenceBlocks
	}
	return flatBlocks
}

// stack applies n random blocks of a list.
func (g *generator) stack(blocks []block, x val, n int) val {
	if g.depth > 1 {
		return x
	}
	g.depth++
	defer func() { g.depth-- }()
	for range n {
		x = pick(g, blocks).make(g, x)
	}
	return x
}

// entry adds the model's inputs and the first layer.
func (g *generator) entry() (val, kind) {
	b := int64(2)
	if g.chance(60) {
		b = freeBatch
	}
	steps := 2 + g.Int64N(4)
	if b < 0 && g.chance(40) {
		steps = freeSteps
	}
	switch g.IntN(6) {
	case 0, 1, 2:
		return g.imageEntry(b), image
	case 3:
		x := g.input(tensor.Float32, b, steps, g.width())
		return g.linear(x, g.width()), sequence
	case 4:
		return g.embedded(b, steps), sequence
	}
	x := g.input(tensor.Float32, b, g.width())
	return g.gemm(x, g.width()), flat
}

func (g *generator) imageEntry(b int64) val {
	shape := []int64{b, pick(g, []int64{1, 3, 3, 4})}
	for range pick(g, []int{1, 2, 2, 2, 3}) {
		n := pick(g, []int64{4, 6, 8})
		if len(shape) == 4 {
			n = 2
		}
		shape = append(shape, n)
	}
	x := g.input(tensor.Float32, shape...)
	if g.chance(15) {
		x = g.binary(pick(g, []string{"Add", "Mul"}), x, g.input(tensor.Float32, shape...))
	}
	return g.conv(x, g.width(), false)
}

// embedded looks words up, and sometimes positions and types too.
func (g *generator) embedded(b, steps int64) val {
	n := g.width()
	ids := g.input(tensor.Int64, b, steps)
	lookup := func(ids val) val {
		table := g.weight(1, vocabulary+g.Int64N(4), n)
		return val{g.node("Gather", []string{table, ids.name}, attr("axis", 0)), []int64{b, steps, n}}
	}
	x := lookup(ids)
	if g.chance(40) {
		x = g.binary("Add", x, lookup(g.input(tensor.Int64, b, steps)))
	}
	if g.chance(50) {
		x = g.layerNorm(embedPositions(g, x))
	}
	return x
}

// exit makes an output of x.
func (g *generator) exit(x val, k kind) {
	switch {
	case g.chance(10):
	case k == image && g.chance(40):
		x = g.pointwise(x, 1+g.Int64N(4))
	case k == image:
		x = g.gemm(g.flattened(x), 2+g.Int64N(4))
	case k == sequence && g.chance(50):
		x = g.linear(x, 2+g.Int64N(4))
	case k == sequence:
		x = g.gemm(g.pooled(x), 2+g.Int64N(4))
	default:
		x = g.gemm(x, 2+g.Int64N(4))
	}
	if g.chance(20) {
		x = g.softmax(x, x.rank()-1)
	}
	g.output(x, tensor.Float32)
}

// convert turns a value into one of another kind.
func (g *generator) convert(x val, k kind) (val, kind) {
	switch k {
	case image:
		if g.chance(50) {
			return g.flattened(x), flat
		}
		return g.transpose(g.reshape(x, []int64{x.shape[0], x.shape[1], count(x.shape[2:])}), 0, 2, 1), sequence
	case sequence:
		if t := x.shape[1]; t > 0 && g.chance(50) {
			return g.transpose(x, 0, 2, 1), image
		}
		return g.pooled(x), flat
	}
	if g.chance(50) {
		t, n := pick(g, []int64{2, 3, 4}), 2*(1+g.Int64N(4))
		return g.reshape(g.gemm(x, t*n), []int64{x.shape[0], t, n}), sequence
	}
	return g.unsqueeze(g.unsqueeze(x, 2), 3), image
}

// flattened makes [B, C] of an image: by its mean, or of every place.
func (g *generator) flattened(x val) val {
	b, n := x.shape[0], count(x.shape[1:])
	if n > 128 || g.chance(40) {
		x = g.global(x)
		n = x.shape[1]
	}
	switch g.IntN(3) {
	case 0:
		return g.reshape(x, []int64{b, n})
	case 1:
		return val{g.node("Flatten", []string{x.name}), []int64{b, n}}
	}
	return val{g.node("Flatten", []string{x.name}, attr("axis", 1)), []int64{b, n}}
}

// pooled makes [B, C] of a sequence: by its mean, its first step, or of all.
func (g *generator) pooled(x val) val {
	switch t := x.shape[1]; {
	case t > 0 && t*x.last() <= 96 && g.chance(30):
		return val{g.node("Flatten", []string{x.name}), []int64{x.shape[0], t * x.last()}}
	case g.chance(50):
		return g.reduce(pick(g, []string{"ReduceMean", "ReduceMax", "ReduceSum"}), x, []int{1}, false)
	}
	return g.take(x, 1, 0)
}
