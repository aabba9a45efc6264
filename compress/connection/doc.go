// Package connection knows the single weights of the products of a net, one of
// which is one connection between an input and an output feature: it counts them,
// masks them, and finds the groups that nothing is left of once connections are
// masked, so that a net that was made sparse can be made small, too.
package connection
