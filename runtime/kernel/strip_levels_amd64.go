//go:build !noasm

package kernel

var stripLevels = map[string]*strips{
	"avx512": {
		lanes: 16, filter: filterAVX512, maximum: maximumAVX512, scaledSum: scaledSumAVX512,
		maxSpread: maxSpreadAVX512, sumSpread: sumSpreadAVX512,
		grads: []filterGrad{
			{3, 3, filterGrad3x3AVX512},
			{1, 5, filterGrad1x5AVX512},
			{1, 3, filterGrad1x3AVX512},
			{1, 1, filterGrad1x1AVX512},
		},
	},
	"avx2": {
		lanes: 8, filter: filterAVX2, maximum: maximumAVX2, scaledSum: scaledSumAVX2,
		maxSpread: maxSpreadAVX2, sumSpread: sumSpreadAVX2,
		grads: []filterGrad{
			{3, 3, filterGrad3x3AVX2},
			{1, 5, filterGrad1x5AVX2},
			{1, 3, filterGrad1x3AVX2},
			{1, 1, filterGrad1x1AVX2},
		},
	},
}
