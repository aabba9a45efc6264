// Package pass rewrites models: each file holds one rewrite, of one node or of
// a pattern of several, and Run repeats them until none finds anything.
//
// A rewrite keeps what the model computes, up to rounding, under every size of
// its free dimensions, and keeps the model's interface: names, order, types and
// declared shapes of inputs and outputs, opset imports, functions, metadata.
// Subgraphs and functions are left as they are.
package pass

import (
	"onnxcompress/graph"
	"onnxcompress/onnx"
)

// Pass is one rewrite.
type Pass struct {
	Name string
	// rewrite declares edits; they take effect together when it returns.
	rewrite func(*rewriter)
}

// The rewrites.
var (
	// DeadCode drops nodes, constants and declarations that no output depends
	// on.
	DeadCode = Pass{"dead code", dropDead}
	// Constants evaluates nodes that read constants only, where the result is
	// not larger than what it replaces.
	Constants = Pass{"constant folding", foldConstants}
	// Evaluation evaluates all nodes that read constants only.
	Evaluation = Pass{"constant evaluation", evaluateConstants}
	// Identities drops nodes that hand an input on as it is.
	Identities = Pass{"identity removal", dropIdentities}
	// Shapes makes constants of numbers computed from dimensions that are not
	// free, and of the target of a Reshape that has one free dimension.
	Shapes = Pass{"shape chains", foldShapes}
	// BatchNorms puts BatchNormalization into the weights before it.
	BatchNorms = Pass{"BatchNormalization folding", foldBatchNorms}
	// Sequences makes a Split of a sequence whose parts are read one by one.
	Sequences = Pass{"sequences", splitSequences}
	// Parameters makes initializers of their own of those that Identity nodes
	// copy.
	Parameters = Pass{"parameters", partParameters}
)

// Simplify are the rewrites that suit every model.
func Simplify() []Pass { return []Pass{Sequences, Constants, Identities, Shapes, DeadCode} }

// Run rewrites a model in place until no pass finds anything more. The model is
// one that graph.Import accepts.
func Run(m *onnx.Model, passes ...Pass) error {
	var r *rewriter
	for quiet := 0; quiet < len(passes); {
		for _, p := range passes {
			if r == nil {
				g, err := graph.Import(m)
				if err != nil {
					return err
				}
				r = newRewriter(g)
			}
			p.rewrite(r)
			if r.changed {
				r.commit()
				r, quiet = nil, 0
				continue
			}
			if quiet++; quiet == len(passes) {
				break
			}
		}
	}
	return nil
}

// Trainable is a copy of a model in which each parameter is an initializer of its
// own, to be closed on its own: what runtime.NewTrainer is given.
func Trainable(m *onnx.Model) (*onnx.Model, error) {
	own := m.Clone()
	if err := Run(own, Parameters); err != nil {
		_ = own.Close()
		return nil, err
	}
	return own, nil
}

// Prepare makes a model that channels can be followed through where they
// cannot be in m: what the dependency graph is built on. Nodes that it keeps
// have the names and the outputs that they have in m, and nodes that it makes
// read no constant that holds weights, so that the weights of the one are those
// of the other. It returns m itself where there is nothing to prepare, else a
// model to be closed on its own.
func Prepare(m *onnx.Model) (*onnx.Model, error) {
	if !hasSequences(m.Proto.GetGraph()) {
		return m, nil
	}
	prepared := m.Clone()
	if err := Run(prepared, Sequences); err != nil {
		_ = prepared.Close()
		return nil, err
	}
	return prepared, nil
}
