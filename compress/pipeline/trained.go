package pipeline

import (
	"errors"
	"fmt"
	"slices"

	"onnxcompress/compress"
	"onnxcompress/compress/compact"
	"onnxcompress/compress/connection"
	"onnxcompress/depgraph"
	"onnxcompress/graph"
	"onnxcompress/graph/pass"
	"onnxcompress/onnx"
)

// candidate makes models of the trained net.
func (t *training) candidate() (*candidate, error) {
	cut := t.net.Cut()
	c := &candidate{choice: compress.Choice{Cut: cut, Size: compress.SizeWithout(t.net.Graph, cut)}, given: t.beginning.Given}
	if slices.Contains(sparse, t.Method) {
		count := connection.Of(t.net)
		t.report.Connections = &count
	}
	var err error
	c.full = t.net.Full()
	if t.net.Pending() {
		c.model, err = t.rebuilt(c.full)
	} else {
		c.model = t.net.Model()
	}
	if err != nil {
		return nil, errors.Join(err, c.full.Close())
	}
	for _, m := range []*onnx.Model{c.model, c.full} {
		if err := t.settled(m); err != nil {
			return nil, errors.Join(err, c.model.Close(), c.full.Close())
		}
	}
	return c, nil
}

// rebuilt cuts the groups that have gone out of the full model, where the net
// could not follow what becomes of each weight.
func (t *training) rebuilt(full *onnx.Model) (*onnx.Model, error) {
	g, err := graph.Import(full)
	if err != nil {
		return nil, err
	}
	dg := depgraph.Build(graph.Analyze(g, t.Shapes))
	if len(dg.Groups) != len(t.net.Graph.Groups) {
		return nil, fmt.Errorf("the trained model has %d groups, where the original has %d", len(dg.Groups), len(t.net.Graph.Groups))
	}
	cut := dg.NewCut()
	for group := range dg.Groups {
		if t.net.Gone(group) {
			cut.Add(group)
		}
	}
	return compact.Model(dg, cut, nil)
}

// settled takes back what was added to a model for the training.
func (t *training) settled(m *onnx.Model) error {
	if t.added {
		if err := pass.Withdraw(m, t.output); err != nil {
			return err
		}
	}
	if t.freed {
		tighten(m, t.subject.Model)
	}
	passes := pass.Simplify()
	if t.inserted || t.FoldBatchNorm {
		passes = append(passes, pass.BatchNorms)
	}
	return pass.Run(m, passes...)
}
