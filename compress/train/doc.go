// Package train compresses a model while it trains it: groups are driven to zero
// by a Method, and the model that is trained loses them as they get there.
//
// A Net keeps the account: the full-size graph, whose groups never change their
// numbers, its weights, and the compact model that is trained at the time. A
// Method sees the gradients and the moves of an optimiser, and decides which
// groups go. What weights the groups have in the compact model, Net tells it as
// Slices.
package train
