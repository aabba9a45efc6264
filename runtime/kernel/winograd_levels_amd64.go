//go:build !noasm

package kernel

var winogradLevels = map[string][]transforms{
	"avx512": {
		{
			lanes: 16, out: 4, taps: 3, input: winogradInputAVX512, output: winogradOutput4AVX512, slope: winogradSlope4AVX512,
			filter: winogradFilter3AVX512, filterSlope: winogradFilterSlope3AVX512,
		},
		{
			lanes: 16, out: 2, taps: 5, input: winogradInputAVX512, output: winogradOutput2AVX512, slope: winogradSlope2AVX512,
			filter: winogradFilter5AVX512, filterSlope: winogradFilterSlope5AVX512,
		},
	},
	"avx2": {
		{
			lanes: 8, out: 4, taps: 3, input: winogradInputAVX2, output: winogradOutput4AVX2, slope: winogradSlope4AVX2,
			filter: winogradFilter3AVX2, filterSlope: winogradFilterSlope3AVX2,
		},
		{
			lanes: 8, out: 2, taps: 5, input: winogradInputAVX2, output: winogradOutput2AVX2, slope: winogradSlope2AVX2,
			filter: winogradFilter5AVX2, filterSlope: winogradFilterSlope5AVX2,
		},
	},
}
