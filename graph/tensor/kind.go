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
	// MapKind is a map: Items holds its keys and its values, two vectors.
	MapKind
)

// List returns the sequence of items, of element type dt where there are none.
func List(dt DType, items ...*Tensor) *Tensor {
	if len(items) > 0 {
		dt = items[0].DType
	}
	return &Tensor{DType: dt, Kind: ListKind, Items: items}
}

// Map returns the map of keys to values.
func Map(keys, values *Tensor) *Tensor {
	return &Tensor{DType: values.DType, Kind: MapKind, Items: []*Tensor{keys, values}}
}

// Absent returns the optional that holds nothing.
func Absent() *Tensor { return &Tensor{Kind: AbsentKind} }
