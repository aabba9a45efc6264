// Package scl learns which connections of a net are worth having, after Tang et
// al., "SCL: automating the learning of sparse connectivity" (IEEE TNNLS 34, 2023).
// Every weight of a product is multiplied with a step function of a mask variable
// that is trained along with it, by gradients that a surrogate of the step lets
// through, against a price on the number of connections.
//
// The method is written from the paper's abstract. What that leaves open (the axis
// and the norm by which gradients of masks are normalised, how connections are
// counted, and when) is an option. Two things are added: the price may be
// controlled so that a sparsity is met exactly, and units that are left without
// connections are taken out of the net.
package scl
