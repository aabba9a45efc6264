// Package obs removes channels as optimal brain surgery does, without training:
// a group's score is how much the outputs of the products that read its
// channels change once the weights that stay are fitted anew, and what is chosen
// is compensated by that fit, layer after layer, on what the compressed model
// itself computes.
//
// With x the patches of a product on calibration samples, H = E[(x-µ)(x-µ)ᵀ]+λ
// their damped covariance and S the columns of a group, the least change of
// y = Wx+b is
//
//	tr(W_S ([H⁻¹]_SS)⁻¹ W_Sᵀ)
//
// where the other columns become W - W_S ([H⁻¹]_SS)⁻¹ [H⁻¹]_S and the bias
// follows the mean. It is measured in units of tr(W H Wᵀ), how much the output
// varies at all, so that it means the same in every layer.
package obs
