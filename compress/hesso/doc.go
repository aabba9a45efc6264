// Package hesso drives groups to zero by the hybrid scheme of HESSO (Chen et
// al., 2024): in each of a number of periods the least important groups are
// chosen, and shrink linearly to zero while gradients still move them. With CRIC,
// groups are scored along the way to zero before the first period, so that none
// goes that turns out to be indispensable only then.
//
// Which groups go is chosen for the user's target, which is met exactly after the
// last period; until then every period revises what is left of the choice.
package hesso
