// Package vector writes the vector functions of runtime/kernel: loops over
// float32 slices, each given by an expression over vector registers. To add
// one is to add a row to a table here and its definition in Go there.
package vector

import (
	"slices"

	"github.com/mmcloughlin/avo/build"
)

// levels are the processor levels that code is written for.
var levels = []struct {
	suffix string
	wide   bool
}{{"AVX2", false}, {"AVX512", true}}

// Write adds all functions to c.
func Write(c *build.Context) {
	kernels := slices.Concat(arithmetic, activations, gradients, reductions, rowwise, normal, optimisers)
	for _, level := range levels {
		for _, k := range kernels {
			k.emit(c, level.wide, level.suffix)
		}
		for _, k := range columns {
			k.emit(c, level.wide, level.suffix)
		}
		emitTranspose(c, level.wide, level.suffix)
	}
	constants.write(c)
	writeEdge(c)
}
