//go:build !noasm

package kernel

import "golang.org/x/sys/cpu"

// levels are those that this processor has, the best first.
func levels() []*level {
	all := []*level{definition}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		all = append([]*level{avx2}, all...)
		if cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VL {
			all = append([]*level{avx512}, all...)
		}
	}
	return all
}

var avx512 = &level{
	name: "avx512", rows: 14, lanes: 16, cols: 32,
	full: [2]kernels{
		{
			1: tileAVX512r1x16, 2: tileAVX512r2x16, 3: tileAVX512r3x16, 4: tileAVX512r4x16, 5: tileAVX512r5x16,
			6: tileAVX512r6x16, 7: tileAVX512r7x16, 8: tileAVX512r8x16, 9: tileAVX512r9x16, 10: tileAVX512r10x16,
			11: tileAVX512r11x16, 12: tileAVX512r12x16, 13: tileAVX512r13x16, 14: tileAVX512r14x16,
		},
		{
			1: tileAVX512r1x32, 2: tileAVX512r2x32, 3: tileAVX512r3x32, 4: tileAVX512r4x32, 5: tileAVX512r5x32,
			6: tileAVX512r6x32, 7: tileAVX512r7x32, 8: tileAVX512r8x32, 9: tileAVX512r9x32, 10: tileAVX512r10x32,
			11: tileAVX512r11x32, 12: tileAVX512r12x32, 13: tileAVX512r13x32, 14: tileAVX512r14x32,
		},
	},
	transpose: transposeAVX, copyRows: copyRowsAVX, fetchRows: fetchRowsAVX,
}

var avx2 = &level{
	name: "avx2", rows: 6, lanes: 8, cols: 16,
	full: [2]kernels{
		{
			1: tileAVX2r1x8, 2: tileAVX2r2x8, 3: tileAVX2r3x8,
			4: tileAVX2r4x8, 5: tileAVX2r5x8, 6: tileAVX2r6x8,
		},
		{
			1: tileAVX2r1x16, 2: tileAVX2r2x16, 3: tileAVX2r3x16,
			4: tileAVX2r4x16, 5: tileAVX2r5x16, 6: tileAVX2r6x16,
		},
	},
	masked: [2]kernels{
		{
			1: tileAVX2r1x8m, 2: tileAVX2r2x8m, 3: tileAVX2r3x8m,
			4: tileAVX2r4x8m, 5: tileAVX2r5x8m, 6: tileAVX2r6x8m,
		},
		{
			1: tileAVX2r1x16m, 2: tileAVX2r2x16m, 3: tileAVX2r3x16m,
			4: tileAVX2r4x16m, 5: tileAVX2r5x16m, 6: tileAVX2r6x16m,
		},
	},
	transpose: transposeAVX, copyRows: copyRowsAVX, fetchRows: fetchRowsAVX,
}

func init() {
	// These have a mask in every function.
	avx512.masked = avx512.full
}
