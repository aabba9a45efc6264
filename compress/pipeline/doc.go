// Package pipeline is one whole run: a model is loaded, its groups are found,
// scored and cut to a target or as far as its outputs allow, and the compact
// model gets its name once onnxruntime has agreed with it.
package pipeline
