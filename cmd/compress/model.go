package main

import (
	"onnxcompress/compress"
	"onnxcompress/compress/pipeline"
	"onnxcompress/graph"
	"onnxcompress/onnx"
)

// loadGraph reads a model that keeps the rules of ONNX, for its interface; the
// function it returns gives the model up.
func loadGraph(path string) (*graph.Graph, func(), error) {
	m, err := onnx.Load(path)
	if err != nil {
		return nil, nil, &pipeline.Failure{Kind: pipeline.BadInput, Err: err}
	}
	var g *graph.Graph
	if err = m.Check(); err == nil {
		g, err = graph.Import(m)
	}
	if err != nil {
		_ = m.Close()
		return nil, nil, pipeline.Fail(pipeline.BadInput, "%s: %w", path, err)
	}
	return g, func() { _ = m.Close() }, nil
}

// model is a model file that is open in an engine.
type model struct {
	compress.Session
	graph *graph.Graph
	drop  func()
}

// openModel opens a file, after a look at the rules of ONNX: an engine says less
// clearly what is wrong with a file that breaks one.
func openModel(e compress.Runner, path string) (*model, error) {
	g, drop, err := loadGraph(path)
	if err != nil {
		return nil, err
	}
	s, err := e.OpenFile(path)
	if err != nil {
		drop()
		return nil, &pipeline.Failure{Kind: pipeline.Unsupported, Err: err}
	}
	return &model{s, g, drop}, nil
}

// close gives the model up.
func (m *model) close() {
	_ = m.Session.Close()
	m.drop()
}

// outputs names the model's outputs in order.
func (m *model) outputs() []string {
	names := make([]string, len(m.graph.Outputs))
	for i, v := range m.graph.Outputs {
		names[i] = v.Name
	}
	return names
}

// feed finds the inputs that a model is run on: those that were given, or else
// count random batches.
func (f *common) feed(e pipeline.Runner, m *model, count int) ([]compress.Inputs, error) {
	shapes, err := f.shapes()
	if err != nil {
		return nil, err
	}
	if f.inputs == "" {
		return pipeline.RandomInputs(e, m, m.graph, shapes, count, f.seed)
	}
	batches, _, err := pipeline.ReadInputs(f.inputs, pipeline.Ports(m.graph))
	return batches, err
}
