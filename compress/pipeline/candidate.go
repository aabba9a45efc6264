package pipeline

import (
	"context"
	"errors"
	"fmt"

	"onnxcompress/compress"
	"onnxcompress/compress/compact"
	"onnxcompress/graph/pass"
	"onnxcompress/onnx"
)

// candidate is one way to compress the model.
type candidate struct {
	choice  compress.Choice
	weights compact.Weights
	model   *onnx.Model
	// full is the full-size model after a training; nil without.
	full *onnx.Model
	// fast says that the model meets a target of latency.
	fast bool
	// given is how many groups of the original went before a training, in which
	// weights that were shared may be several, and so may groups. 0 where the
	// training chose.
	given int
}

// removed is how many groups of the original have gone.
func (c *candidate) removed() int {
	if c.given > 0 {
		return c.given
	}
	return c.choice.Cut.Len
}

// chooser finds what goes for a target, and what becomes of the weights that
// stay.
type chooser func(ctx context.Context, t compress.Target, l compress.Limits) (compress.Choice, compact.Weights, error)

// candidate compresses to a target. A node that cannot be narrowed yet costs
// the groups that touch it, not the run.
func (r *run) candidate(ctx context.Context, choose chooser, t compress.Target) (*candidate, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		limits := compress.Limits{RoundTo: r.RoundTo, MinKept: r.MinKept, Keep: r.keep}
		choice, weights, err := choose(ctx, t, limits)
		if err != nil {
			return nil, err
		}
		c := &candidate{choice: choice, weights: weights}
		c.model, err = compact.Model(r.subject.Graph, choice.Cut, weights)
		if err == nil {
			return r.simplify(c)
		}
		var node *compact.NodeError
		if !errors.As(err, &node) || !r.spare(node) {
			return nil, Fail(Unsupported, "%s: %w", r.Input, err)
		}
		if r.Target != nil && r.report.Groups.Prunable == 0 {
			return nil, Fail(Unsupported, "%s: nothing can be pruned: %w", r.Input, err)
		}
	}
}

// whole is the candidate that loses nothing.
func (r *run) whole() (*candidate, error) {
	g := r.subject.Graph
	choice := compress.Choice{Cut: g.NewCut(), Size: compress.SizeOf(g), Met: true}
	m, err := compact.Model(g, choice.Cut, nil)
	if err != nil {
		return nil, Fail(Unsupported, "%s: %w", r.Input, err)
	}
	return r.simplify(&candidate{choice: choice, model: m})
}

// simplify rewrites a candidate's model without what it can do without: what
// was of no use before, and what the cut left nothing to do for.
func (r *run) simplify(c *candidate) (*candidate, error) {
	passes := pass.Simplify()
	if r.FoldBatchNorm {
		passes = append(passes, pass.BatchNorms)
	}
	if err := pass.Run(c.model, passes...); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: cannot be simplified: %w", r.Input, err), c.model.Close())
	}
	return c, nil
}

// spare keeps the groups that touch a node, and reports whether that changes
// anything.
func (r *run) spare(e *compact.NodeError) bool {
	before := len(r.keep)
	groupsOf(r.subject.Graph, e.Node, every, r.keep)
	spared := len(r.keep) - before
	if spared == 0 {
		return false
	}
	r.report.Unsupported = append(r.report.Unsupported, UnsupportedNode{e.Node.Label(), onnx.OneLine(e.Err), spared})
	r.count()
	return true
}

// masked is the full-size model that the candidate's must equal: with the
// candidate's weights, of which the slices that go are zero.
func (c *candidate) masked(s *Subject) (*onnx.Model, error) {
	g := s.Graph
	if c.full != nil {
		return c.full.Clone(), nil
	}
	if len(c.weights) == 0 {
		return compact.Mask(s.Model, g, c.choice.Cut)
	}
	zeroed := compact.Weights{}
	for _, w := range g.Weights {
		t, err := silenced(g, c.choice.Cut, w, c.weights[w])
		if err != nil {
			return nil, err
		}
		if t != nil {
			zeroed[w] = t
		}
	}
	return compact.Model(g, g.NewCut(), zeroed)
}

// close gives the candidate's models up.
func (c *candidate) close() error {
	if c.full == nil {
		return c.model.Close()
	}
	return errors.Join(c.model.Close(), c.full.Close())
}
