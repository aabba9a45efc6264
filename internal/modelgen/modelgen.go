// Package modelgen builds random ONNX models: small enough to run in a few
// milliseconds, and composed of everything that channels pass through. The
// same seed gives the same model.
//
// Two generators share one vocabulary. Blocks stacks what trained networks are
// made of (convolutions, attention, recurrence, normalisation, shuffles) in
// random order; Nodes applies single operators to whatever values there are,
// whether or not anybody would. The models need no training to be of use: what
// is tested with them holds for any weights.
package modelgen

import (
	"math/rand/v2"

	"google.golang.org/protobuf/proto"

	"onnxcompress/onnx"
)

// Newest is the newest opset that models import.
const Newest = 26

// Model returns a random model: of blocks for two seeds in three, of nodes for
// the others.
func Model(seed uint64) *onnx.ModelProto {
	if seed%3 == 2 {
		return Nodes(seed)
	}
	return Blocks(seed)
}

// A free dimension is a negative size; the others are numbers.
const (
	freeBatch int64 = -1
	freeSteps int64 = -2
	// merged is the product of the two.
	merged int64 = -3
)

// Sizes of what models are made of. Integer inputs hold 0 to 9, so a table has
// at least ten rows.
const (
	maxChannels = 24
	vocabulary  = 10
)

// val is a value of the model that is being built.
type val struct {
	name  string
	shape []int64
}

func (v val) rank() int { return len(v.shape) }

func (v val) last() int64 { return v.shape[len(v.shape)-1] }

type generator struct {
	*rand.Rand
	opset int
	graph *onnx.GraphProto
	count int
	// listed says that initializers are also inputs, as early IR versions ask.
	listed bool
	// weights are the constants that a later use may share, by shape.
	weights map[string][]string
	// plain keeps weights from being computed, where an operator wants them so.
	plain bool
	// depth bounds blocks within blocks.
	depth int
}

func newGenerator(seed uint64) *generator {
	g := &generator{
		Rand:    rand.New(rand.NewPCG(seed, 0x6d6f64656c67656e)),
		graph:   &onnx.GraphProto{Name: proto.String("random")},
		weights: map[string][]string{},
	}
	// Opset 7 is the oldest whose broadcasting is today's; the newest five
	// operators apart, most models in the world are of opsets 9 to 18.
	switch g.IntN(4) {
	case 0:
		g.opset = 7 + g.IntN(6)
	case 1:
		g.opset = 13 + g.IntN(5)
	default:
		g.opset = 17 + g.IntN(Newest-16)
	}
	g.listed = g.opset < 9
	return g
}

// model wraps the graph up.
func (g *generator) model() *onnx.ModelProto {
	ir := int64(8)
	switch {
	case g.listed:
		ir = 3
	case g.opset >= 23:
		ir = 11
	case g.opset >= 19:
		ir = 10
	}
	return &onnx.ModelProto{
		IrVersion:    proto.Int64(ir),
		ProducerName: proto.String("modelgen"),
		OpsetImport:  []*onnx.OperatorSetIdProto{{Domain: proto.String(""), Version: proto.Int64(int64(g.opset))}},
		Graph:        g.graph,
	}
}

// chance is true p times in a hundred.
func (g *generator) chance(p int) bool { return g.IntN(100) < p }

// width is a random number of channels, often one with many divisors.
func (g *generator) width() int64 {
	return pick(g, []int64{2, 3, 4, 5, 6, 8, 8, 8, 10, 12, 12, 16, 16, 24})
}

func pick[T any](g *generator, list []T) T { return list[g.IntN(len(list))] }

// divisor is a random divisor of n that is not n itself unless n is 1.
func (g *generator) divisor(n int64) int64 {
	d := []int64{1}
	for k := int64(2); k < n; k++ {
		if n%k == 0 {
			d = append(d, k)
		}
	}
	return pick(g, d)
}
