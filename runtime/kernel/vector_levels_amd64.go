//go:build !noasm

package kernel

import "golang.org/x/sys/cpu"

// vectorLevels are the sets that this processor runs, the best first.
func vectorLevels() []*vectors {
	all := []*vectors{&vectorsGo}
	if x := &cpu.X86; x.HasAVX2 && x.HasFMA {
		all = append([]*vectors{&vectorsAVX2}, all...)
		if x.HasAVX512F && x.HasAVX512DQ && x.HasAVX512BW && x.HasAVX512VL && x.HasBMI2 {
			all = append([]*vectors{&vectorsAVX512}, all...)
		}
	}
	return all
}

var vectorsAVX2 = vectors{
	name: "avx2", lanes: 8,

	add: addAVX2, sub: subAVX2, mul: mulAVX2, div: divAVX2, max: maxAVX2, min: minAVX2, addScalar: addScalarAVX2,
	mulScalar: mulScalarAVX2, divScalar: divScalarAVX2, maxScalar: maxScalarAVX2, minScalar: minScalarAVX2,
	scalarSub: scalarSubAVX2, scalarDiv: scalarDivAVX2, axpy: axpyAVX2, mulAdd: mulAddAVX2, scaleShift: scaleShiftAVX2,
	relu: reluAVX2, abs: absAVX2, sqrt: sqrtAVX2, rsqrt: rsqrtAVX2, reciprocal: reciprocalAVX2, exp: expAVX2,
	log: logAVX2, sigmoid: sigmoidAVX2, tanh: tanhAVX2, erf: erfAVX2, gelu: geluAVX2, geluTanh: geluTanhAVX2,
	silu: siluAVX2, hardSwish: hardSwishAVX2, softplus: softplusAVX2, mish: mishAVX2, clip: clipAVX2,
	leakyRelu: leakyReluAVX2, hardSigmoid: hardSigmoidAVX2, elu: eluAVX2, reluGrad: reluGradAVX2,
	clipGrad: clipGradAVX2, leakyReluGrad: leakyReluGradAVX2, hardSigmoidGrad: hardSigmoidGradAVX2,
	hardSwishGrad: hardSwishGradAVX2, eluGrad: eluGradAVX2, sigmoidGrad: sigmoidGradAVX2, tanhGrad: tanhGradAVX2,
	sqrtGrad: sqrtGradAVX2, rsqrtGrad: rsqrtGradAVX2, reciprocalGrad: reciprocalGradAVX2, erfGrad: erfGradAVX2,
	geluGrad: geluGradAVX2, geluTanhGrad: geluTanhGradAVX2, siluGrad: siluGradAVX2, softplusGrad: softplusGradAVX2,
	mishGrad: mishGradAVX2, sum: sumAVX2, sumSquares: sumSquaresAVX2, dot: dotAVX2,
	sumSquaresAbout: sumSquaresAboutAVX2, largest: largestAVX2, smallest: smallestAVX2, expSum: expSumAVX2,
	sumExp: sumExpAVX2, biasRows: biasRowsAVX2, scaleShiftRows: scaleShiftRowsAVX2,
	scaleShiftReluRows: scaleShiftReluRowsAVX2, scaleShiftAddRows: scaleShiftAddRowsAVX2,
	scaleShiftAddReluRows: scaleShiftAddReluRowsAVX2, mulRows: mulRowsAVX2, normGradRows: normGradRowsAVX2,
	normGradReluRows: normGradReluRowsAVX2, subTwice: subTwiceAVX2, softmaxGrad: softmaxGradAVX2,
	logSoftmaxGrad: logSoftmaxGradAVX2, normalise: normaliseAVX2, normaliseShift: normaliseShiftAVX2,
	normSums: normSumsAVX2, normGrad: normGradAVX2, sgd: sgdAVX2, momentum: momentumAVX2, nesterov: nesterovAVX2,
	adam: adamAVX2, sumRows: sumRowsAVX2, momentsRows: momentsRowsAVX2, gradSumsRows: gradSumsRowsAVX2,
	gradSumsReluRows: gradSumsReluRowsAVX2, transposeBlock: transposeBlockAVX2,
}

var vectorsAVX512 = vectors{
	name: "avx512", lanes: 16,

	add: addAVX512, sub: subAVX512, mul: mulAVX512, div: divAVX512, max: maxAVX512, min: minAVX512,
	addScalar: addScalarAVX512, mulScalar: mulScalarAVX512, divScalar: divScalarAVX512, maxScalar: maxScalarAVX512,
	minScalar: minScalarAVX512, scalarSub: scalarSubAVX512, scalarDiv: scalarDivAVX512, axpy: axpyAVX512,
	mulAdd: mulAddAVX512, scaleShift: scaleShiftAVX512, relu: reluAVX512, abs: absAVX512, sqrt: sqrtAVX512,
	rsqrt: rsqrtAVX512, reciprocal: reciprocalAVX512, exp: expAVX512, log: logAVX512, sigmoid: sigmoidAVX512,
	tanh: tanhAVX512, erf: erfAVX512, gelu: geluAVX512, geluTanh: geluTanhAVX512, silu: siluAVX512,
	hardSwish: hardSwishAVX512, softplus: softplusAVX512, mish: mishAVX512, clip: clipAVX512,
	leakyRelu: leakyReluAVX512, hardSigmoid: hardSigmoidAVX512, elu: eluAVX512, reluGrad: reluGradAVX512,
	clipGrad: clipGradAVX512, leakyReluGrad: leakyReluGradAVX512, hardSigmoidGrad: hardSigmoidGradAVX512,
	hardSwishGrad: hardSwishGradAVX512, eluGrad: eluGradAVX512, sigmoidGrad: sigmoidGradAVX512,
	tanhGrad: tanhGradAVX512, sqrtGrad: sqrtGradAVX512, rsqrtGrad: rsqrtGradAVX512,
	reciprocalGrad: reciprocalGradAVX512, erfGrad: erfGradAVX512, geluGrad: geluGradAVX512,
	geluTanhGrad: geluTanhGradAVX512, siluGrad: siluGradAVX512, softplusGrad: softplusGradAVX512,
	mishGrad: mishGradAVX512, sum: sumAVX512, sumSquares: sumSquaresAVX512, dot: dotAVX512,
	sumSquaresAbout: sumSquaresAboutAVX512, largest: largestAVX512, smallest: smallestAVX512, expSum: expSumAVX512,
	sumExp: sumExpAVX512, biasRows: biasRowsAVX512,
	scaleShiftRows: scaleShiftRowsAVX512, scaleShiftReluRows: scaleShiftReluRowsAVX512,
	scaleShiftAddRows: scaleShiftAddRowsAVX512, scaleShiftAddReluRows: scaleShiftAddReluRowsAVX512,
	mulRows: mulRowsAVX512, normGradRows: normGradRowsAVX512, normGradReluRows: normGradReluRowsAVX512,
	subTwice: subTwiceAVX512, softmaxGrad: softmaxGradAVX512, logSoftmaxGrad: logSoftmaxGradAVX512,
	normalise: normaliseAVX512, normaliseShift: normaliseShiftAVX512, normSums: normSumsAVX512,
	normGrad: normGradAVX512, sgd: sgdAVX512, momentum: momentumAVX512, nesterov: nesterovAVX512, adam: adamAVX512,
	sumRows: sumRowsAVX512, momentsRows: momentsRowsAVX512, gradSumsRows: gradSumsRowsAVX512,
	gradSumsReluRows: gradSumsReluRowsAVX512, transposeBlock: transposeBlockAVX512,
}
