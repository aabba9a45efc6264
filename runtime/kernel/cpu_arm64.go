//go:build !noasm

package kernel

// levels are those that this processor has, the best first.
func levels() []*level { return []*level{neon, definition} }

// neon is what every processor of this kind has: vectors of 4. There are no
// masks, so that columns beyond the last whole vector are left to the definition.
var neon = &level{
	name: "neon", rows: 8, lanes: 4, cols: 8,
	full: [2]kernels{
		{
			1: tileNEONr1x4, 2: tileNEONr2x4, 3: tileNEONr3x4, 4: tileNEONr4x4,
			5: tileNEONr5x4, 6: tileNEONr6x4, 7: tileNEONr7x4, 8: tileNEONr8x4,
		},
		{
			1: tileNEONr1x8, 2: tileNEONr2x8, 3: tileNEONr3x8, 4: tileNEONr4x8,
			5: tileNEONr5x8, 6: tileNEONr6x8, 7: tileNEONr7x8, 8: tileNEONr8x8,
		},
	},
	masked: definition.full,
}
