package tensor

// Kind says what a value is.
type Kind uint8

// The kinds of values. An optional that holds something is what it holds.
const (
	// Dense is a tensor.
	Dense Kind = iota
	// ListKind is a sequence: Items holds its elements, DType their type where
	// it is known, and Shape and Data nothing.
	ListKind
	// AbsentKind is an optional that holds nothing.
	AbsentKind
)

// List returns the sequence of items, of element type dt where there are none.
func List(dt DType, items ...*Tensor) *Tensor {
	if len(items) > 0 {
		dt = items[0].DType
	}
	return &Tensor{DType: dt, Kind: ListKind, Items: items}
}

// Absent returns the optional that holds nothing.
func Absent() *Tensor { return &Tensor{Kind: AbsentKind} }
