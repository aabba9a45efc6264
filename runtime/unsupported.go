package runtime

import (
	"fmt"
	"slices"
	"strings"

	"onnxcompress/graph"
)

// Unsupported is the error of a model that uses operators the engine does not
// have.
type Unsupported struct {
	// Operators are their names, sorted; those of other domains as
	// "domain.Type".
	Operators []string
}

// Error implements error.
func (u *Unsupported) Error() string {
	return fmt.Sprintf("the engine does not have %s", strings.Join(u.Operators, ", "))
}

// supported reports all operators of a graph, and of the graphs within it, that
// cannot be run.
func supported(g *graph.Graph) error {
	missing := map[string]bool{}
	if err := collect(g, missing, 0); err != nil {
		return err
	}
	if len(missing) == 0 {
		return nil
	}
	u := &Unsupported{}
	for name := range missing {
		u.Operators = append(u.Operators, name)
	}
	slices.Sort(u.Operators)
	return u
}

// deepest is how far graphs may lie within each other.
const deepest = 64

func collect(g *graph.Graph, missing map[string]bool, depth int) error {
	if depth > deepest {
		return fmt.Errorf("graphs lie more than %d deep within each other", deepest)
	}
	for _, n := range g.Nodes {
		if n.Function {
			body, err := n.Call()
			if err != nil {
				return err
			}
			if err := collect(body, missing, depth+1); err != nil {
				return err
			}
			continue
		}
		if n.Spec == nil || n.Spec.Forward == nil && n.Spec.Compile == nil {
			missing[operator(n)] = true
		}
		for _, a := range n.Proto.GetAttribute() {
			if a.GetG() == nil {
				continue
			}
			body, err := n.Body(a.GetName())
			if err != nil {
				return err
			}
			if err := collect(body, missing, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// operator is the name of a node's operator with its domain.
func operator(n *graph.Node) string {
	name := n.Proto.GetOpType()
	if d := n.Proto.GetDomain(); d != "" && d != "ai.onnx" {
		name = d + "." + name
	}
	return name
}
