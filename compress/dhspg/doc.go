// Package dhspg drives groups to zero by the dual half-space projected gradient
// of OTOv2 (Chen et al., ICLR 2023): after a warm-up, groups are told redundant
// by a saliency, their weights are pushed towards zero along directions in which
// the loss descends as well, and a group that a step would carry across the
// half-space of its own weights is set to zero.
//
// Which groups go is chosen for the user's target, which the method therefore
// meets exactly: what the half-spaces have not taken by a deadline is shrunk.
package dhspg
