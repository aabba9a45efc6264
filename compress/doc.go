// Package compress scores the zero-invariant groups of a model, chooses those
// that go, and builds the model without them.
package compress
