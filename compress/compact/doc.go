// Package compact carries a cut out: Mask writes the zeros of the removed
// groups into the original model, Model builds the model without them. For
// every model and every cut the two compute the same.
package compact
