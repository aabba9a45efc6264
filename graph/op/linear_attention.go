package op

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"onnxcompress/graph/tensor"
)

// memory is how LinearAttention divides its inputs into heads: keys and values
// of a head make a matrix of that many rows and columns.
type memory struct {
	batch, steps     int64
	queries, keys    int64
	rows, columns    int64
	scale            float64
	decays, corrects bool
}

func memoryOf(n *Node) (m memory, known bool, err error) {
	q, ok := n.Shape(0)
	k, okK := n.Shape(1)
	v, okV := n.Shape(2)
	if !ok || !okK || !okV {
		return m, false, nil
	}
	m.queries, m.keys = n.Attrs.Int("q_num_heads", 0), n.Attrs.Int("kv_num_heads", 0)
	wrong := fmt.Errorf("shapes %v, %v and %v do not make %d and %d heads", q, k, v, m.queries, m.keys)
	if len(q) != 3 || len(k) != 3 || len(v) != 3 || m.keys < 1 || m.queries < 1 || m.queries%m.keys != 0 {
		return m, false, wrong
	}
	m.batch, m.steps = q[0], q[1]
	m.rows, m.columns = k[2]/m.keys, v[2]/m.keys
	if !slices.Equal(k[:2], q[:2]) || !slices.Equal(v[:2], q[:2]) || q[2] != m.queries*m.rows || k[2] != m.keys*m.rows || v[2] != m.keys*m.columns {
		return m, false, wrong
	}
	if m.scale = float64(n.Attrs.Float("scale", 0)); m.scale == 0 {
		m.scale = 1 / math.Sqrt(float64(m.rows))
	}
	switch rule := n.Attrs.Str("update_rule", "gated_delta"); rule {
	case "linear":
	case "gated":
		m.decays = true
	case "delta":
		m.corrects = true
	case "gated_delta":
		m.decays, m.corrects = true, true
	default:
		return m, false, fmt.Errorf("update_rule %q is not one of ONNX's", rule)
	}
	return m, true, nil
}

func inferLinearAttention(n *Node) ([]Fact, error) {
	state := tensor.DType(tensor.Float32)
	if n.Has(3) {
		state = n.DType(3)
	} else if n.DType(0) != tensor.Undefined {
		state = n.DType(0)
	}
	m, known, err := memoryOf(n)
	if err != nil || !known {
		return []Fact{Unknown(n.DType(0)), Unknown(state)}, err
	}
	return []Fact{Of(n.DType(0), m.batch, m.steps, m.queries*m.columns), Of(state, m.batch, m.keys, m.rows, m.columns)}, nil
}

// forwardLinearAttention writes each step's key and value into a matrix and
// reads it with the step's queries.
func forwardLinearAttention(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if err := present(in, 3); err != nil {
		return nil, err
	}
	seen := given(n, in)
	facts, err := inferLinearAttention(seen)
	if err != nil {
		return nil, err
	}
	m, _, err := memoryOf(seen)
	if err != nil {
		return nil, err
	}
	lists, err := columns(in, (*tensor.Tensor).AsFloat64s)
	if err != nil {
		return nil, err
	}
	for len(lists) < 6 {
		lists = append(lists, nil)
	}
	tokens := m.batch * m.steps
	state := lists[3]
	if state == nil {
		state = make([]float64, product(facts[1].Shape))
	}
	decay, rate := lists[4], lists[5]
	each, rates := int64(len(decay))/max(tokens, 1), int64(len(rate))/max(tokens, 1)
	switch {
	case int64(len(state)) != product(facts[1].Shape):
		return nil, errors.New("the state does not fit the heads")
	case m.decays && tokens > 0 && each != m.keys && each != m.keys*m.rows:
		return nil, errors.New("the decay does not fit the heads")
	case m.corrects && tokens > 0 && rates != 1 && rates != m.keys:
		return nil, errors.New("the update rate does not fit the heads")
	}
	out := make([]float64, product(facts[0].Shape))
	for token := range tokens {
		for head := range m.keys {
			size := m.rows * m.columns
			s := state[(token/m.steps*m.keys+head)*size:][:size]
			if m.decays {
				m.fade(s, decay[token*each:], head, each)
			}
			beta := 1.0
			if m.corrects {
				beta = rate[token*rates+head%rates]
			}
			key := lists[1][(token*m.keys+head)*m.rows:][:m.rows]
			m.write(s, key, lists[2][(token*m.keys+head)*m.columns:][:m.columns], beta)
			share := m.queries / m.keys
			for q := head * share; q < (head+1)*share; q++ {
				m.read(out[(token*m.queries+q)*m.columns:][:m.columns], s, lists[0][(token*m.queries+q)*m.rows:][:m.rows])
			}
		}
	}
	y, err := ofNumbers(facts[0].DType, facts[0].Shape, out)
	if err != nil {
		return nil, err
	}
	last, err := ofNumbers(facts[1].DType, facts[1].Shape, state)
	return []*tensor.Tensor{y, last}, err
}

// fade multiplies the rows of a matrix by the exponentials of their decays.
func (m *memory) fade(s, decay []float64, head, each int64) {
	for i := range s {
		at := head
		if each != m.keys {
			at = head*m.rows + int64(i)/m.columns
		}
		s[i] *= math.Exp(decay[at])
	}
}

// write adds the product of key and value; a rule that corrects adds what of
// the value the matrix does not give for the key yet.
func (m *memory) write(s, key, value []float64, beta float64) {
	for c := range m.columns {
		x := value[c]
		if m.corrects {
			for r := range m.rows {
				x -= s[r*m.columns+c] * key[r]
			}
		}
		for r := range m.rows {
			s[r*m.columns+c] += beta * key[r] * x
		}
	}
}

func (m *memory) read(out, s, query []float64) {
	for r, x := range query {
		for c := range out {
			out[c] += m.scale * x * s[int64(r)*m.columns+int64(c)]
		}
	}
}
