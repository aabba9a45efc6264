package op

import (
	"errors"
	"fmt"
	"math"

	"onnxcompress/graph/tensor"
)

// transforms are the last steps of models of ai.onnx.ml, which change a row of
// scores in place.
var transforms = map[string]func([]float64){
	"NONE":         func([]float64) {},
	"LOGISTIC":     func(v []float64) { each(v, sigmoid) },
	"PROBIT":       func(v []float64) { each(v, func(x float64) float64 { return math.Sqrt2 * math.Erfinv(2*x-1) }) },
	"SOFTMAX":      func(v []float64) { exponentials(v, func(float64) bool { return true }) },
	"SOFTMAX_ZERO": func(v []float64) { exponentials(v, func(x float64) bool { return math.Abs(x) > 1e-7 }) },
}

func each(v []float64, f func(float64) float64) {
	for i, x := range v {
		v[i] = f(x)
	}
}

// exponentials turns the scores that count into shares of their exponentials;
// the others stay what they are: next to nothing.
func exponentials(v []float64, counts func(float64) bool) {
	top, sum := largestOf(v), 0.0
	for i, x := range v {
		if counts(x) {
			v[i] = math.Exp(x - top)
			sum += v[i]
		} else {
			v[i] = x * math.Exp(-top)
		}
	}
	for i := range v {
		v[i] /= sum
	}
}

// transform is the one that attribute post_transform names.
func transform(n *Node) (func([]float64), error) {
	name := n.Attrs.Str("post_transform", "NONE")
	if f := transforms[name]; f != nil {
		return f, nil
	}
	return nil, fmt.Errorf("post_transform %q is not one of ONNX's", name)
}

// labelsOf are the names of the classes.
func labelsOf(n *Node) (*tensor.Tensor, error) {
	if t := attrTensor(n, "classlabels"); t != nil {
		return t, nil
	}
	return nil, errors.New("has no class labels")
}

// pair is how a score that is the only one of a row stands for two classes.
type pair uint8

const (
	// alone: there is no second score.
	alone pair = iota
	// shares: the score is the share of the second class.
	shares
	// sides: the sign of the score tells the class.
	sides
)

// split gives both classes a score.
func (p pair) split(score float64, logistic bool) []float64 {
	switch {
	case p == shares && logistic:
		return []float64{1 - sigmoid(score), sigmoid(score)}
	case p == shares:
		return []float64{1 - score, score}
	case logistic:
		return []float64{sigmoid(-score), sigmoid(score)}
	}
	return []float64{-score, score}
}

// verdicts collects the labels and scores of rows.
type verdicts struct {
	*Node
	labels *tensor.Tensor
	chosen []int64
	scores []float64
	width  int
}

// add appends a row of which class is chosen. A row of one score is made two as
// p says.
func (v *verdicts) add(class int, scores []float64, p pair) error {
	f, err := transform(v.Node)
	if err != nil {
		return err
	}
	name := v.Attrs.Str("post_transform", "NONE")
	if len(scores) == 1 && p != alone && name != "PROBIT" {
		scores = p.split(scores[0], name == "LOGISTIC")
	} else if len(scores) > 1 || name != "SOFTMAX" && name != "SOFTMAX_ZERO" {
		f(scores)
	}
	v.chosen, v.scores, v.width = append(v.chosen, int64(class)), append(v.scores, scores...), len(scores)
	return nil
}

// tensors are the two outputs of a classifier.
func (v *verdicts) tensors() ([]*tensor.Tensor, error) {
	rows := int64(len(v.chosen))
	labels, err := pick(v.labels, []int64{rows}, [][]int64{v.chosen}, nil)
	if err != nil {
		return nil, err
	}
	scores, err := ofNumbers(tensor.Float32, []int64{rows, int64(v.width)}, v.scores)
	return []*tensor.Tensor{labels, scores}, err
}

// best is the place of the largest number, the first of equal ones.
func best(v []float64) int {
	at := 0
	for i, x := range v {
		if x > v[at] {
			at = i
		}
	}
	return at
}

// linearScores are the products of rows with the coefficients of each of count
// outputs, and their intercepts.
func linearScores(n *Node, x *tensor.Tensor, count int) (scores []float64, rows int, err error) {
	v, rows, features, err := samples(x)
	if err != nil {
		return nil, 0, err
	}
	weights, bias := n.Attrs["coefficients"].Floats, n.Attrs["intercepts"].Floats
	if count < 1 || len(weights) != count*features || len(bias) > 0 && len(bias) != count {
		return nil, 0, fmt.Errorf("%d coefficients and %d intercepts for %d features and %d outputs", len(weights), len(bias), features, count)
	}
	for r := range rows {
		for o := range count {
			sum := 0.0
			for k, x := range v[r*features : (r+1)*features] {
				sum += x * float64(weights[o*features+k])
			}
			if len(bias) > 0 {
				sum += float64(bias[o])
			}
			scores = append(scores, sum)
		}
	}
	return scores, rows, nil
}

func forwardLinearRegressor(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if err := present(in, 1); err != nil {
		return nil, err
	}
	targets := int(n.Attrs.Int("targets", 1))
	scores, rows, err := linearScores(n, in[0], targets)
	if err != nil {
		return nil, err
	}
	f, err := transform(n)
	if err != nil {
		return nil, err
	}
	for r := range rows {
		f(scores[r*targets : (r+1)*targets])
	}
	return one(ofNumbers(tensor.Float32, []int64{int64(rows), int64(targets)}, scores))
}

func forwardLinearClassifier(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if err := present(in, 1); err != nil {
		return nil, err
	}
	labels, err := labelsOf(n)
	if err != nil {
		return nil, err
	}
	count := len(n.Attrs["intercepts"].Floats)
	if count == 0 {
		count = labels.Len()
	}
	scores, rows, err := linearScores(n, in[0], count)
	if err != nil {
		return nil, err
	}
	v := verdicts{Node: n, labels: labels}
	for r := range rows {
		row := scores[r*count : (r+1)*count]
		class := best(row)
		if count == 1 && labels.Len() == 2 {
			class = int(truth(row[0] > 0))
		}
		if class >= labels.Len() {
			return nil, errors.New("there are more scores than labels")
		}
		if err := v.add(class, row, choose(labels.Len() == 2, shares, alone)); err != nil {
			return nil, err
		}
	}
	return v.tensors()
}
