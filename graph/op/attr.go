package op

import "onnxcompress/graph/tensor"

// Attr is one decoded attribute; only the field of its type is set. Graph is
// true for a subgraph, whose content operators do not see. Run evaluates it: it
// is given the subgraph's inputs and gives its outputs, in order. Who executes a
// model sets it, and sees to the outer values that the subgraph reads; it is nil
// otherwise. Gives is what the subgraph declares of its outputs, as far as it
// does; free dimensions have size 0.
type Attr struct {
	Int    int64
	Float  float32
	Str    string
	Ints   []int64
	Floats []float32
	Strs   []string
	Tensor *tensor.Tensor
	Graph  bool
	Gives  []Fact
	Run    func(args []*tensor.Tensor) ([]*tensor.Tensor, error)
}

// Attrs are a node's attributes by name.
type Attrs map[string]Attr

// Int returns an integer attribute, or def where it is absent.
func (a Attrs) Int(name string, def int64) int64 {
	if v, ok := a[name]; ok {
		return v.Int
	}
	return def
}

// Float returns a float attribute, or def where it is absent.
func (a Attrs) Float(name string, def float32) float32 {
	if v, ok := a[name]; ok {
		return v.Float
	}
	return def
}

// Str returns a string attribute, or def where it is absent.
func (a Attrs) Str(name, def string) string {
	if v, ok := a[name]; ok {
		return v.Str
	}
	return def
}

// Ints returns a list attribute, nil where it is absent.
func (a Attrs) Ints(name string) []int64 { return a[name].Ints }
