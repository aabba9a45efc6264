package op

import "strings"

// required lists operators by the number of inputs that every node of them has,
// as the schemas of ONNX give it for the opsets that are understood.
var required = arities(map[int]string{
	1: `Abs Acos Acosh ArgMax ArgMin Asin Asinh Atan Atanh AveragePool Bernoulli BitwiseNot BlackmanWindow Cast Ceil
		Celu Clip Concat ConstantOfShape Cos Cosh DFT DepthToSpace Det Dropout DynamicQuantizeLinear Einsum Elu Erf Exp
		EyeLike Flatten Floor Gelu GlobalAveragePool GlobalLpPool GlobalMaxPool HammingWindow HannWindow HardSigmoid
		HardSwish Hardmax Identity IsInf IsNaN LRN LeakyRelu Log LogSoftmax LpNormalization LpPool Max MaxPool Mean
		MeanVarianceNormalization Min Mish Multinomial Neg NonZero Not Pad RandomNormalLike RandomUniformLike Reciprocal
		ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum
		ReduceSumSquare Relu Resize Round Selu Shape Shrink Sigmoid Sign Sin Sinh Size Slice Softmax Softplus Softsign
		SpaceToDepth Split Sqrt Squeeze Sum Swish Tan Tanh ThresholdedRelu TopK Transpose Trilu Unique Unsqueeze
		Upsample`,
	2: `Add AffineGrid And BitShift BitwiseAnd BitwiseOr BitwiseXor CastLike CausalConvWithState CenterCropPad Compress
		Conv ConvInteger ConvTranspose CumSum DequantizeLinear Div Equal Expand Gather GatherElements GatherND Gemm
		Greater GreaterOrEqual GridSample LayerNormalization Less LessOrEqual MatMul MatMulInteger MaxRoiPool MaxUnpool
		Mod Mul NegativeLogLikelihoodLoss Or PRelu Pow QuantizeLinear RMSNormalization Reshape ReverseSequence STFT
		SoftmaxCrossEntropyLoss Sub SwiGLU TensorScatter Tile Xor`,
	3: `Attention Col2Im DeformConv GRU GroupNormalization InstanceNormalization LSTM OneHot RNN Range RoiAlign
		RotaryEmbedding Scatter ScatterElements ScatterND Where`,
	5: `BatchNormalization MelWeightMatrix`,
	8: `QLinearConv QLinearMatMul`,
})

// since adds the inputs that took the place of attributes in a later opset.
var since = map[string]struct{ version, inputs int }{
	"Pad": {11, 2}, "Slice": {10, 3}, "TopK": {10, 2}, "Unsqueeze": {13, 2}, "Upsample": {9, 2},
}

func arities(lists map[int]string) map[string]int {
	m := map[string]int{}
	for n, names := range lists {
		for _, name := range strings.Fields(names) {
			m[name] = n
		}
	}
	return m
}

// Required is the number of inputs, from the first on, that a node must have;
// 0 where the operator is not one of ONNX's own.
func Required(domain, opType string, version int) int {
	if domain != "" {
		return 0
	}
	if s, ok := since[opType]; ok && version >= s.version {
		return s.inputs
	}
	return required[opType]
}

// silentFirst are the operators of which a node may leave out the first output.
var silentFirst = map[string]bool{"GRU": true, "LSTM": true, "RNN": true}

// Partial reports whether a node may leave out its first output and compute
// others.
func Partial(domain, opType string) bool { return domain == "" && silentFirst[opType] }
