package op

import (
	"slices"

	"onnxcompress/graph/tensor"
)

const readsText = "reads text"

// textRows work on strings and on files in memory, which have no channels.
var textRows = map[string]*Spec{
	"StringConcat":     {Infer: inferStringConcat, Opaque: readsText, Forward: forwardStringConcat},
	"StringSplit":      {Infer: inferStringSplit, Opaque: readsText, Forward: forwardStringSplit},
	"StringNormalizer": {Infer: inferStringNormalizer, Opaque: readsText, Forward: forwardStringNormalizer},
	"RegexFullMatch":   {Infer: inferRegexFullMatch, Opaque: readsText, Forward: forwardRegexFullMatch},
	"TfIdfVectorizer":  {Infer: inferTfIdf, Opaque: "counts words", Forward: forwardTfIdf},
	"ImageDecoder":     {Infer: inferImageDecoder, Opaque: "decodes an image file", Forward: forwardImageDecoder},
}

func inferStringConcat(n *Node) ([]Fact, error) { return inferBroadcast(n, tensor.String) }

func inferStringSplit(n *Node) ([]Fact, error) {
	shape, ok := n.Shape(0)
	if !ok {
		return []Fact{Unknown(tensor.String), Unknown(tensor.Int64)}, nil
	}
	words := append(slices.Clone(shape), n.Fresh())
	return []Fact{Of(tensor.String, words...), Of(tensor.Int64, shape...)}, nil
}

// inferStringNormalizer: words that are stopped leave the last axis.
func inferStringNormalizer(n *Node) ([]Fact, error) {
	shape, ok := n.Shape(0)
	if !ok || len(shape) == 0 {
		return []Fact{Unknown(tensor.String)}, nil
	}
	out := slices.Clone(shape)
	if len(n.Attrs["stopwords"].Strs) > 0 {
		out[len(out)-1] = n.Fresh()
	}
	return []Fact{Of(tensor.String, out...)}, nil
}

func inferRegexFullMatch(n *Node) ([]Fact, error) {
	facts := likeFirst(n)
	facts[0].DType = tensor.Bool
	return facts, nil
}

// inferTfIdf: a column for every index that an n-gram is counted at.
func inferTfIdf(n *Node) ([]Fact, error) {
	shape, ok := n.Shape(0)
	indexes := n.Attrs.Ints("ngram_indexes")
	if !ok || len(indexes) == 0 || len(shape) == 0 {
		return []Fact{Unknown(tensor.Float32)}, nil
	}
	columns := slices.Max(indexes) + 1
	return []Fact{Of(tensor.Float32, append(slices.Clone(shape[:len(shape)-1]), columns)...)}, nil
}

func inferImageDecoder(n *Node) ([]Fact, error) {
	channels := int64(3)
	if n.Attrs.Str("pixel_format", "RGB") == "Grayscale" {
		channels = 1
	}
	return []Fact{Of(tensor.Uint8, n.Fresh(), n.Fresh(), channels)}, nil
}
