package op

import (
	"errors"
	"fmt"
	"slices"

	"onnxcompress/graph/tensor"
)

const (
	holdsSequence = "holds a sequence"
	holdsOptional = "holds a value that may be absent"
)

// sequenceRows make, change and read lists of tensors. The channels of their
// elements are not followed; their shapes are, for those that read them.
var sequenceRows = map[string]*Spec{
	"SequenceEmpty":      {Infer: inferSequenceEmpty, Opaque: holdsSequence, Forward: forwardSequenceEmpty, Unfolded: every, Lists: true},
	"SequenceConstruct":  {Infer: inferSequenceConstruct, Opaque: holdsSequence, Forward: forwardSequenceConstruct, Unfolded: every, Lists: true},
	"SequenceInsert":     {Infer: inferSequenceInsert, Opaque: holdsSequence, Forward: forwardSequenceInsert, Unfolded: every, Lists: true},
	"SequenceErase":      {Infer: inferSequenceErase, Opaque: holdsSequence, Forward: forwardSequenceErase, Unfolded: every, Lists: true},
	"SequenceAt":         {Infer: inferSequenceAt, Opaque: holdsSequence, Forward: forwardSequenceAt, Unfolded: every, Lists: true},
	"SequenceLength":     {Infer: inferSequenceLength, Opaque: holdsSequence, Forward: forwardSequenceLength, Unfolded: every, Lists: true},
	"SplitToSequence":    {Infer: inferSplitToSequence, Opaque: holdsSequence, Forward: forwardSplitToSequence, Unfolded: every, Lists: true},
	"ConcatFromSequence": {Infer: inferConcatFromSequence, Opaque: holdsSequence, Forward: forwardConcatFromSequence, Unfolded: every, Lists: true},
	"Optional":           {Infer: inferOptional, Opaque: holdsOptional, Forward: forwardOptional, Unfolded: every, Lists: true},
	"OptionalGetElement": {Infer: inferOptional, Opaque: holdsOptional, Forward: forwardOptionalGet, Unfolded: every, Lists: true},
	"OptionalHasElement": {Infer: inferBool, Opaque: holdsOptional, Forward: forwardOptionalHas, Unfolded: every, Lists: true},
}

// maxItems bounds the sequences whose elements are listed.
const maxItems = 1 << 12

// sequence is the fact of a list of tensors; nil items are not known.
func sequence(items []Fact) []Fact {
	if len(items) > maxItems {
		items = nil
	}
	return []Fact{{Items: items}}
}

func inferSequenceEmpty(*Node) ([]Fact, error) { return sequence([]Fact{}), nil }

func inferSequenceConstruct(n *Node) ([]Fact, error) {
	items := make([]Fact, len(n.In))
	for i, in := range n.In {
		if in != nil {
			items[i] = *in
		}
	}
	return sequence(items), nil
}

// items are the elements of the sequence in input 0, nil where not known.
func items(n *Node) []Fact {
	if f := n.Input(0); f != nil {
		return f.Items
	}
	return nil
}

// position is the place in a list of size elements that input slot names; def
// where the node has no such input.
func position(n *Node, slot, size, def int) (at int, known bool, err error) {
	if !n.Has(slot) {
		return def, true, nil
	}
	v, ok := n.In[slot].Ints()
	if !ok || len(v) != 1 {
		return 0, false, nil
	}
	p := v[0]
	if p < 0 {
		p += int64(size)
	}
	if p < 0 || p > int64(size) {
		return 0, false, fmt.Errorf("position %d is out of range for %d elements", v[0], size)
	}
	return int(p), true, nil
}

func inferSequenceInsert(n *Node) ([]Fact, error) {
	list := items(n)
	if list == nil || !n.Has(1) {
		return sequence(nil), nil
	}
	at, known, err := position(n, 2, len(list), len(list))
	if err != nil || !known {
		return sequence(nil), err
	}
	return sequence(slices.Insert(slices.Clone(list), at, *n.In[1])), nil
}

func inferSequenceErase(n *Node) ([]Fact, error) {
	list := items(n)
	if list == nil {
		return sequence(nil), nil
	}
	at, known, err := position(n, 1, len(list), len(list)-1)
	switch {
	case err != nil || !known:
		return sequence(nil), err
	case at < 0 || at >= len(list):
		return nil, errors.New("erases an element that is not there")
	}
	return sequence(slices.Delete(slices.Clone(list), at, at+1)), nil
}

func inferSequenceAt(n *Node) ([]Fact, error) {
	list := items(n)
	if len(list) == 0 {
		return []Fact{{}}, nil
	}
	at, known, err := position(n, 1, len(list), 0)
	switch {
	case err != nil:
		return nil, err
	case known && at == len(list):
		return nil, fmt.Errorf("position %d is out of range for %d elements", at, len(list))
	case known:
		return []Fact{itemShape(&list[at])}, nil
	}
	for i := range list {
		if !list[i].Known || !slices.Equal(list[i].Shape, list[0].Shape) {
			return []Fact{Unknown(list[0].DType)}, nil
		}
	}
	return []Fact{itemShape(&list[0])}, nil
}

// itemShape is an element without its content, which has been out of sight.
func itemShape(f *Fact) Fact {
	if !f.Known {
		return Unknown(f.DType)
	}
	return Of(f.DType, f.Shape...)
}

func inferSequenceLength(n *Node) ([]Fact, error) {
	out := Of(tensor.Int64)
	if list := items(n); list != nil {
		out.Value = tensor.FromInt64s(nil, []int64{int64(len(list))})
	}
	return []Fact{out}, nil
}

func inferSplitToSequence(n *Node) ([]Fact, error) {
	shape, ok := n.Shape(0)
	if !ok {
		return sequence(nil), nil
	}
	axis, err := Axis(n.Attrs.Int("axis", 0), len(shape))
	if err != nil {
		return nil, err
	}
	sizes, known, err := pieces(n, shape[axis], maxItems)
	if err != nil || !known {
		return sequence(nil), err
	}
	list := make([]Fact, len(sizes))
	for i, size := range sizes {
		part := slices.Clone(shape)
		if part[axis] = size; !n.Has(1) && !keepsDims(n) {
			part = slices.Delete(part, axis, axis+1)
		}
		list[i] = Of(n.DType(0), part...)
	}
	return sequence(list), nil
}

// pieces are the sizes that SplitToSequence divides an axis into: as listed,
// or of one size, the last one smaller. They are not known where they are as
// many as limit.
func pieces(n *Node, size, limit int64) (sizes []int64, known bool, err error) {
	each := int64(1)
	if n.Has(1) {
		v, ok := n.In[1].Ints()
		if !ok {
			return nil, false, nil
		}
		if n.In[1].Rank() > 0 {
			return v, true, nil
		}
		if len(v) != 1 {
			return nil, false, fmt.Errorf("splits into pieces of %v", v)
		}
		each = v[0]
	}
	if each < 1 {
		return nil, false, fmt.Errorf("splits into pieces of %d", each)
	}
	if size/each >= limit {
		return nil, false, nil
	}
	for at := int64(0); at < size; at += each {
		sizes = append(sizes, min(each, size-at))
	}
	return sizes, true, nil
}

func inferConcatFromSequence(n *Node) ([]Fact, error) {
	list := items(n)
	if len(list) == 0 {
		return []Fact{{}}, nil
	}
	stacks := n.Attrs.Int("new_axis", 0) != 0
	joined := &Node{Attrs: n.Attrs, Fresh: n.Fresh}
	for i := range list {
		f := itemShape(&list[i])
		if !f.Known {
			return []Fact{f}, nil
		}
		if stacks {
			axis, err := Axis(n.Attrs.Int("axis", 0), f.Rank()+1)
			if err != nil {
				return nil, err
			}
			f.Shape = slices.Insert(slices.Clone(f.Shape), axis, 1)
		}
		joined.In = append(joined.In, &f)
	}
	return inferConcat(joined)
}

// inferOptional passes on what the value is if it is there.
func inferOptional(n *Node) ([]Fact, error) {
	f := n.Input(0)
	if f == nil {
		return []Fact{{}}, nil
	}
	out := itemShape(f)
	out.Items = f.Items
	return []Fact{out}, nil
}

func inferBool(*Node) ([]Fact, error) { return []Fact{Of(tensor.Bool)}, nil }
