package ort

import (
	"google.golang.org/protobuf/encoding/protowire"

	"onnxcompress/graph/tensor"
)

// The fields of onnx.proto that a graft writes.
const (
	fieldModelGraph = 7

	fieldGraphNode   = 1
	fieldGraphInput  = 11
	fieldGraphOutput = 12

	fieldNodeInput     = 1
	fieldNodeOutput    = 2
	fieldNodeOperator  = 4
	fieldNodeAttribute = 5

	fieldAttributeName   = 1
	fieldAttributeInt    = 3
	fieldAttributeTensor = 5
	fieldAttributeType   = 20
	attributeInt         = 2
	attributeTensor      = 4

	fieldTensorDims   = 1
	fieldTensorType   = 2
	fieldTensorInt64s = 7

	fieldValueName  = 1
	fieldValueType  = 2
	fieldTypeTensor = 1
	fieldElemType   = 1
)

func node(operator, output string, attribute []byte, inputs ...string) []byte {
	var b []byte
	for _, in := range inputs {
		b = appendString(b, fieldNodeInput, in)
	}
	b = appendString(b, fieldNodeOutput, output)
	b = appendString(b, fieldNodeOperator, operator)
	if attribute != nil {
		b = appendMessage(b, fieldNodeAttribute, attribute)
	}
	return b
}

func valueInfo(name string, dtype tensor.DType) []byte {
	b := appendString(nil, fieldValueName, name)
	kind := appendMessage(nil, fieldTypeTensor, appendInt(nil, fieldElemType, int64(dtype)))
	return appendMessage(b, fieldValueType, kind)
}

func intAttribute(name string, v int64) []byte {
	b := appendString(nil, fieldAttributeName, name)
	b = appendInt(b, fieldAttributeType, attributeInt)
	return appendInt(b, fieldAttributeInt, v)
}

func appendInt(b []byte, field protowire.Number, v int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), uint64(v))
}

func appendString(b []byte, field protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
}

func appendMessage(b []byte, field protowire.Number, m []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), m)
}
