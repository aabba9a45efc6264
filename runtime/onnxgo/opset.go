package onnxgo

// newest is the opset whose meanings onnx-go knows; in the next Softmax is
// another.
const newest = 12

// A change is a form of an operator that tells opsets apart.
type change struct {
	operator string
	// attribute is one that the operator had no more, or had first, in other
	// opsets; empty where the number of inputs tells, or the operator itself.
	attribute      string
	least, most    int   // inputs, where there is no attribute; 0 for any number
	oldest, latest int64 // the opsets that have the form; 0 for no bound
}

var changes = []change{
	{operator: "BatchNormalization", attribute: "spatial", latest: 8},
	{operator: "Clip", attribute: "max", latest: 10},
	{operator: "Clip", attribute: "min", latest: 10},
	{operator: "Dropout", attribute: "ratio", latest: 11},
	{operator: "Pad", attribute: "pads", latest: 10},
	{operator: "Resize", least: 1, most: 2, latest: 10},
	{operator: "Scatter", latest: 10},
	{operator: "Slice", attribute: "starts", latest: 9},
	{operator: "TopK", attribute: "k", latest: 9},
	{operator: "Upsample", latest: 9},
	{operator: "Upsample", attribute: "scales", latest: 8},
	{operator: "ReduceSum", least: 2, oldest: 13},
	{operator: "Split", least: 2, oldest: 13},
	{operator: "Squeeze", least: 2, oldest: 13},
	{operator: "Unsqueeze", least: 2, oldest: 13},
	{operator: "ReduceL1", least: 2, oldest: 18},
	{operator: "ReduceL2", least: 2, oldest: 18},
	{operator: "ReduceLogSum", least: 2, oldest: 18},
	{operator: "ReduceLogSumExp", least: 2, oldest: 18},
	{operator: "ReduceMax", least: 2, oldest: 18},
	{operator: "ReduceMean", least: 2, oldest: 18},
	{operator: "ReduceMin", least: 2, oldest: 18},
	{operator: "ReduceProd", least: 2, oldest: 18},
	{operator: "ReduceSumSquare", least: 2, oldest: 18},
	{operator: "LayerNormalization", oldest: 17},
	{operator: "Gelu", oldest: 20},
}

// opsetOf is the newest opset that knows the forms of all operations, and at
// most the newest that onnx-go knows unless one asks for more.
func opsetOf(operations []*operation) int64 {
	oldest, latest := int64(1), int64(newest)
	for _, o := range operations {
		for _, c := range changes {
			if !c.tells(o) {
				continue
			}
			oldest = max(oldest, c.oldest)
			if c.latest > 0 {
				latest = min(latest, c.latest)
			}
		}
	}
	return max(oldest, latest)
}

func (c *change) tells(o *operation) bool {
	if c.operator != o.name {
		return false
	}
	if c.attribute != "" {
		_, ok := o.attributes[c.attribute]
		return ok
	}
	return len(o.in) >= c.least && (c.most == 0 || len(o.in) <= c.most)
}
