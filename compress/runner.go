package compress

import "onnxcompress/graph/tensor"

// Runner executes models: onnxruntime, or the native engine.
type Runner interface {
	// Open readies a serialised model.
	Open(model []byte) (Session, error)
	// OpenFile readies a model in a file, with external data beside it.
	OpenFile(path string) (Session, error)
}

// Session is one model, ready to run.
type Session interface {
	// Run computes the outputs by name from the inputs by name.
	Run(inputs map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error)
	Close() error
}

// Inputs is one batch of a model's inputs by name.
type Inputs = map[string]*tensor.Tensor
