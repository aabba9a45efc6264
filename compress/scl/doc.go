// Package scl learns which connections of a net are worth having, by the sparse
// connectivity learning of Tang et al. (Automatic Sparse Connectivity Learning for
// Neural Networks, IEEE TNNLS 34(10), 2023). Every weight of a product is
// multiplied with a step function of a mask variable that is trained along with
// it, by gradients that a surrogate of the step lets through, against a price on
// the number of connections.
//
// The method is written from the paper's abstract. What that leaves open (the axis
// and the norm by which gradients of masks are normalised, how connections are
// counted, and when masks freeze) is an option, and the defaults are this
// package's own. Two things are added: the price may be controlled so that a
// sparsity is met exactly, and units that are left without connections are taken
// out of the net.
package scl
