// Package saliency scores groups by their weights and by what moves them, over
// many batches of a training. The measures are those of the OTO family of
// methods; a Mix says how they are added up.
//
// Where a normalisation follows the weights that make a channel, these can be
// scaled without changing anything, so that their share of <x, gradient> is zero
// and that of the normalisation's scale and shift is left: the first order of
// what scaling the channel down would do to the loss.
package saliency
