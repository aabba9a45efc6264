package op

import (
	"errors"
	"fmt"
	"strings"

	"onnxcompress/graph/tensor"
)

// grams are the runs of words that TfIdfVectorizer counts.
type grams struct {
	// column is where each is counted, by its words, and weight what its
	// counts are multiplied by.
	column map[string]int64
	weight map[string]float64
}

// key joins words to what is looked up by; each is preceded by its length.
func key(words []string) string {
	var b strings.Builder
	for _, w := range words {
		fmt.Fprintf(&b, "%d:%s", len(w), w)
	}
	return b.String()
}

func gramsOf(n *Node) (*grams, error) {
	g := &grams{column: map[string]int64{}, weight: map[string]float64{}}
	pool := n.Attrs["pool_strings"].Strs
	for _, x := range n.Attrs.Ints("pool_int64s") {
		pool = append(pool, fmt.Sprint(x))
	}
	counts, columns, weights := n.Attrs.Ints("ngram_counts"), n.Attrs.Ints("ngram_indexes"), n.Attrs["weights"].Floats
	next := 0
	for i, start := range counts {
		end, size := int64(len(pool)), i+1
		if i+1 < len(counts) {
			end = counts[i+1]
		}
		if start < 0 || end < start || end > int64(len(pool)) || (end-start)%int64(size) != 0 {
			return nil, errors.New("ngram_counts do not divide the pool")
		}
		for at := start; at < end; at += int64(size) {
			if next >= len(columns) || len(weights) > 0 && next >= len(weights) || columns[next] < 0 {
				return nil, errors.New("ngram_indexes do not fit the pool")
			}
			k := key(pool[at : at+int64(size)])
			g.column[k], g.weight[k] = columns[next], 1
			if len(weights) > 0 {
				g.weight[k] = float64(weights[next])
			}
			next++
		}
	}
	return g, nil
}

func forwardTfIdf(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if err := present(in, 1); err != nil {
		return nil, err
	}
	facts, err := inferTfIdf(given(n, in))
	if err != nil {
		return nil, err
	}
	g, err := gramsOf(n)
	if err != nil {
		return nil, err
	}
	document, err := written(in[0])
	if err != nil {
		return nil, err
	}
	shape := facts[0].Shape
	if !facts[0].Known || len(shape) > 2 {
		return nil, fmt.Errorf("counts words of rank 1 or 2, not of shape %v", in[0].Shape)
	}
	columns, length := shape[len(shape)-1], int(in[0].Shape[in[0].Rank()-1])
	out, err := alloc(tensor.Float32, shape)
	if err != nil {
		return nil, err
	}
	for r := range product(shape[:len(shape)-1]) {
		row := document[int(r)*length : int(r+1)*length]
		for k, count := range g.count(n, row) {
			switch n.Attrs.Str("mode", "TF") {
			case "IDF":
				count = g.weight[k]
			case "TFIDF":
				count *= g.weight[k]
			}
			out.Set(int(r*columns+g.column[k]), count)
		}
	}
	return []*tensor.Tensor{out}, nil
}

// written are the words of a document, numbers as text.
func written(t *tensor.Tensor) ([]string, error) {
	list := make([]string, t.Len())
	if t.DType == tensor.String {
		for i, s := range t.Strings {
			list[i] = string(s)
		}
		return list, nil
	}
	v := t.AsInt64s()
	if v == nil && t.Len() > 0 {
		return nil, fmt.Errorf("cannot count words of %v", t.DType)
	}
	for i, x := range v {
		list[i] = fmt.Sprint(x)
	}
	return list, nil
}

// count finds how often each known run of words is in a row, its words next to
// each other or as far apart as may be skipped.
func (g *grams) count(n *Node, row []string) map[string]float64 {
	counts := map[string]float64{}
	first, last := n.Attrs.Int("min_gram_length", 1), n.Attrs.Int("max_gram_length", 1)
	for size := max(first, 1); size <= min(last, int64(len(row))); size++ {
		skips := choose(size == 1, 0, min(n.Attrs.Int("max_skip_count", 0), int64(len(row))))
		for step := int64(1); step <= skips+1; step++ {
			for start := int64(0); start+(size-1)*step < int64(len(row)); start++ {
				gram := make([]string, size)
				for i := range gram {
					gram[i] = row[start+int64(i)*step]
				}
				k := key(gram)
				if _, known := g.column[k]; known {
					counts[k]++
				}
			}
		}
	}
	return counts
}
