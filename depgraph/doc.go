// Package depgraph finds the zero-invariant groups of a model: sets of
// channels, wherever they occur, that can be set to zero and cut out together
// without changing what the rest computes.
//
// Every (tensor, axis, index) is a channel. Operators link the channels of
// their inputs and outputs; what links connect is one group. A group is free
// unless an operator pins one of its channels, and every pin has a reason.
package depgraph
