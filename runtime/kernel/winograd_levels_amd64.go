//go:build !noasm

package kernel

var winogradLevels = map[string]*transforms{
	"avx512": {
		lanes: 16, input: winogradInputAVX512, output: winogradOutputAVX512, slope: winogradSlopeAVX512,
		filter: winogradFilterAVX512, filterSlope: winogradFilterSlopeAVX512,
	},
	"avx2": {
		lanes: 8, input: winogradInputAVX2, output: winogradOutputAVX2, slope: winogradSlopeAVX2,
		filter: winogradFilterAVX2, filterSlope: winogradFilterSlopeAVX2,
	},
}
