package op

import (
	"math"
	"slices"
)

// Scores is what happens to the products of queries and keys on the way to their
// shares: they are multiplied by Scale, and then masked.
type Scores struct {
	Scale float64
	// Hides is how input 3, of booleans, hides scores; nil where it is added to
	// them.
	Hides *Hiding
	// Mends says that shares which are no numbers become zeros.
	Mends bool
}

// Spelled is the meaning of attention that is spelled out in several nodes. Its
// node has the queries for input 0, stacks of matrices with a query in each row,
// the keys for input 1, one in each column, the values for input 2, and for input
// 3 the mask, where there is one.
func Spelled(s Scores) *Spec {
	return &Spec{
		Compile: s.compile,
		Reads: func(n *Node, i int, l Lie) bool {
			again := *n
			again.Places = make([]Place, len(n.In))
			for k := range n.In {
				if again.Places[k] = n.place(k); k == i {
					again.Places[k].Lie = l
				}
			}
			return s.serves(&again)
		},
		Writes: func(n *Node, l Lie) bool {
			again := *n
			again.OutLie = &l
			return s.serves(&again)
		},
	}
}

func (s Scores) serves(n *Node) bool {
	r, err := s.compile(n)
	return err == nil && r != nil
}

func (s Scores) compile(n *Node) (*Routine, error) {
	q, keys, v, out := n.In[0].Shape, n.In[1].Shape, n.In[2].Shape, n.Out[0].Shape
	rank := len(out)
	if !floats(n, 0, 1, 2) || min(len(q), len(keys), len(v)) < 2 || product(q)*product(keys)*product(v) == 0 {
		return nil, nil
	}
	batch := out[:rank-2]
	scored, err := Broadcast(q[:len(q)-2], keys[:len(keys)-2])
	if err != nil || !slices.Equal(padded(scored, len(batch)), batch) {
		return nil, err
	}
	hold := newHolding(n, 0, 1, 2)
	at := len(keys) - 2
	k := slices.Clone(keys)
	k[at], k[at+1] = k[at+1], k[at]
	lie := hold.places[1].Lie
	lie.Steps = slices.Clone(lie.Steps)
	lie.Steps[at], lie.Steps[at+1] = lie.Steps[at+1], lie.Steps[at]
	queries, okQ := newLayered(q, hold.places[0].Lie, true)
	turned, okK := newLayered(k, lie, true)
	values, okV := newLayered(v, hold.places[2].Lie, true)
	to, okOut := newLayered(out, n.outLie(), true)
	if !okQ || !okK || !okV || !okOut {
		return nil, nil
	}
	var mask *masking
	if n.Has(3) {
		var ok bool
		shape := append(slices.Clone(batch), queries.rows, turned.rows)
		if mask, ok = newMasking(n, 3, n.In[3].Shape, shape, s.Hides); !ok {
			return nil, nil
		}
	}
	a := newAttend(hold, batch, queries, turned, values, to, mask)
	a.scale, a.keeps = float32(s.Scale), n.Train
	if s.Mends {
		a.blind = infinite
	}
	return a.routine(), nil
}

// infinite reports whether scores with that for the largest have shares that are
// no numbers.
func infinite(most float32) bool { return math.IsNaN(float64(most - most)) }

// sharesLast: all that is summed over lies along the last axis.
func sharesLast(n *Node) bool {
	rank := n.In[0].Rank()
	drop, err := softmaxAxes(n, rank)
	return err == nil && rank > 0 && slices.Index(drop, true) == rank-1
}

// scales lets an operator of two inputs say what it scales by, where that is a
// number that does not change: by of it. second says that only input 1 may be it.
func scales(second bool, by func(float64) float64) func(*Spec) {
	return func(s *Spec) {
		s.Scales = func(n *Node) (int, float64, bool) {
			for i, f := range n.In {
				if f == nil || f.Value == nil || second && i == 0 || f.Value.Len() != 1 || !slices.Equal(n.In[1-i].Shape, n.Out[0].Shape) {
					continue
				}
				if c, ok := f.Value.Uniform(); ok {
					return 1 - i, by(c), true
				}
			}
			return 0, 0, false
		}
	}
}

// hidesWhere: one of the two that Where chooses from is always the same number.
func hidesWhere(n *Node) (int, Hiding, bool) {
	for i := 1; i < 3; i++ {
		if f := n.In[i]; f.Value != nil && floats(n, 1, 2) && slices.Equal(n.In[3-i].Shape, n.Out[0].Shape) {
			if c, ok := f.Value.Uniform(); ok {
				return 3 - i, Hiding{float32(c), i == 1}, true
			}
		}
	}
	return 0, Hiding{}, false
}
