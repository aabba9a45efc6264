package op

import (
	"slices"

	"onnxcompress/graph/tensor"
)

const (
	scalesFeatures = "has a number for each feature among its attributes"
	readsFeatures  = "reads features by position"
)

// mlRows are the operators of the domain ai.onnx.ml. What they have learned is
// in attributes, which are not cut.
var mlRows = map[string]*Spec{
	"ai.onnx.ml.Scaler":                 {Infer: inferFloatLike, Opaque: scalesFeatures, Forward: forwardScaler},
	"ai.onnx.ml.Imputer":                {Infer: inferLike, Opaque: scalesFeatures, Forward: forwardImputer},
	"ai.onnx.ml.Binarizer":              {Infer: inferLike, Opaque: scalesFeatures, Forward: forwardBinarizer},
	"ai.onnx.ml.Normalizer":             {Infer: inferFloatLike, Opaque: normalizes, Forward: forwardNormalizer},
	"ai.onnx.ml.LabelEncoder":           {Infer: inferLabelEncoder, Opaque: readsFeatures, Forward: forwardLabelEncoder},
	"ai.onnx.ml.CategoryMapper":         {Infer: inferCategoryMapper, Opaque: readsFeatures, Forward: forwardCategoryMapper},
	"ai.onnx.ml.OneHotEncoder":          {Infer: inferOneHotEncoder, Opaque: readsFeatures, Forward: forwardOneHotEncoder},
	"ai.onnx.ml.ArrayFeatureExtractor":  {Infer: inferArrayFeatureExtractor, Opaque: readsFeatures, Forward: forwardArrayFeatureExtractor},
	"ai.onnx.ml.FeatureVectorizer":      {Infer: inferFeatureVectorizer, Opaque: readsFeatures, Forward: forwardFeatureVectorizer},
	"ai.onnx.ml.LinearRegressor":        {Infer: inferRegressor("targets"), Opaque: readsFeatures, Forward: forwardLinearRegressor},
	"ai.onnx.ml.SVMRegressor":           {Infer: inferRegressor(""), Opaque: readsFeatures, Forward: forwardSVMRegressor},
	"ai.onnx.ml.TreeEnsembleRegressor":  {Infer: inferRegressor("n_targets"), Opaque: readsFeatures, Forward: forwardTreeRegressor},
	"ai.onnx.ml.TreeEnsemble":           {Infer: inferTreeEnsemble, Opaque: readsFeatures, Forward: forwardTreeEnsemble},
	"ai.onnx.ml.LinearClassifier":       {Infer: inferClassifier(true), Opaque: readsFeatures, Forward: forwardLinearClassifier},
	"ai.onnx.ml.TreeEnsembleClassifier": {Infer: inferClassifier(true), Opaque: readsFeatures, Forward: forwardTreeClassifier},
	"ai.onnx.ml.SVMClassifier":          {Infer: inferClassifier(false), Opaque: readsFeatures, Forward: forwardSVMClassifier},
	"ai.onnx.ml.ZipMap":                 {Infer: inferNothing, Opaque: holdsSequence, Forward: forwardZipMap},
	"ai.onnx.ml.CastMap":                {Infer: inferNothing, Opaque: "holds a dictionary"},
	"ai.onnx.ml.DictVectorizer":         {Infer: inferNothing, Opaque: "holds a dictionary"},
}

func inferNothing(*Node) ([]Fact, error) { return []Fact{{}}, nil }

func inferFloatLike(n *Node) ([]Fact, error) {
	facts := likeFirst(n)
	facts[0].DType = tensor.Float32
	return facts, nil
}

// inferLabelEncoder: the type of the labels is that of the list of values.
func inferLabelEncoder(n *Node) ([]Fact, error) {
	facts := likeFirst(n)
	facts[0].DType = tensor.Undefined
	for name, dt := range map[string]tensor.DType{
		"values_strings": tensor.String, "values_int64s": tensor.Int64, "values_floats": tensor.Float32,
		"classes_strings": tensor.Int64,
	} {
		if _, ok := n.Attrs[name]; ok {
			facts[0].DType = dt
		}
	}
	if t := n.Attrs["values_tensor"].Tensor; t != nil {
		facts[0].DType = t.DType
	}
	if n.Version < 2 && n.DType(0) == tensor.Int64 {
		facts[0].DType = tensor.String
	}
	return facts, nil
}

func inferCategoryMapper(n *Node) ([]Fact, error) {
	facts := likeFirst(n)
	facts[0].DType = tensor.String
	if n.DType(0) == tensor.String {
		facts[0].DType = tensor.Int64
	}
	return facts, nil
}

func inferOneHotEncoder(n *Node) ([]Fact, error) {
	shape, ok := n.Shape(0)
	if !ok {
		return []Fact{Unknown(tensor.Float32)}, nil
	}
	count := len(n.Attrs.Ints("cats_int64s")) + len(n.Attrs["cats_strings"].Strs)
	return []Fact{Of(tensor.Float32, append(slices.Clone(shape), int64(count))...)}, nil
}

func inferArrayFeatureExtractor(n *Node) ([]Fact, error) {
	shape, ok := n.Shape(0)
	index, okIndex := n.Shape(1)
	if !ok || !okIndex || len(shape) == 0 {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	count, err := tensor.Count(index)
	if err != nil {
		return nil, err
	}
	rows := slices.Clone(shape[:len(shape)-1])
	if len(rows) == 0 {
		rows = []int64{1}
	}
	return []Fact{Of(n.DType(0), append(rows, count)...)}, nil
}

// rowsOf is the number of samples: a vector is one.
func rowsOf(n *Node) (int64, bool) {
	shape, ok := n.Shape(0)
	switch {
	case !ok || len(shape) == 0:
		return 0, false
	case len(shape) == 1:
		return 1, true
	}
	return shape[0], true
}

func inferFeatureVectorizer(n *Node) ([]Fact, error) {
	rows, ok := rowsOf(n)
	if !ok {
		return []Fact{Unknown(tensor.Float32)}, nil
	}
	columns := int64(0)
	for _, d := range n.Attrs.Ints("inputdimensions") {
		columns += d
	}
	return []Fact{Of(tensor.Float32, rows, columns)}, nil
}

// inferRegressor: a column for each target; one where the attribute that
// counts them has no name.
func inferRegressor(attr string) func(*Node) ([]Fact, error) {
	return func(n *Node) ([]Fact, error) {
		rows, ok := rowsOf(n)
		if !ok {
			return []Fact{Unknown(tensor.Float32)}, nil
		}
		return []Fact{Of(tensor.Float32, rows, n.Attrs.Int(attr, 1))}, nil
	}
}

func inferTreeEnsemble(n *Node) ([]Fact, error) {
	rows, ok := rowsOf(n)
	if !ok {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	return []Fact{Of(n.DType(0), rows, n.Attrs.Int("n_targets", 1))}, nil
}

// inferClassifier gives labels and scores; scored says that every class has
// one score.
func inferClassifier(scored bool) func(*Node) ([]Fact, error) {
	return func(n *Node) ([]Fact, error) {
		dt, classes := tensor.Int64, len(n.Attrs["classlabels_strings"].Strs)
		if classes > 0 {
			dt = tensor.String
		} else {
			classes = len(n.Attrs.Ints("classlabels_ints")) + len(n.Attrs.Ints("classlabels_int64s"))
		}
		rows, ok := rowsOf(n)
		if !ok {
			return []Fact{Unknown(dt), Unknown(tensor.Float32)}, nil
		}
		labels := Of(dt, rows)
		if !scored || classes == 0 {
			return []Fact{labels, Unknown(tensor.Float32)}, nil
		}
		return []Fact{labels, Of(tensor.Float32, rows, int64(classes))}, nil
	}
}
