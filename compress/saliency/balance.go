package saliency

import (
	"cmp"
	"slices"

	"onnxcompress/compress"
	"onnxcompress/depgraph"
)

// balanced are scores by rank: the share of all groups that score lower, drawn by
// a part towards the share of the group's family that does. Scores of different
// layers hardly compare, and ranks in families keep any of them from being
// emptied. Groups that have gone rank lowest, so that what a family has lost
// counts.
func balanced(g *depgraph.Graph, s compress.Scores, gone func(group int) bool, part float64) compress.Scores {
	all := make([]int, len(s))
	for group := range all {
		all[group] = group
	}
	scores, families := make(compress.Scores, len(s)), make([]int, len(s))
	for _, f := range g.Families {
		rank(f.Groups, s, gone, func(group int, lower float64) {
			scores[group] += lower
			families[group]++
		})
	}
	rank(all, s, gone, func(group int, lower float64) {
		scores[group] = part*scores[group]/float64(max(families[group], 1)) + (1-part)*lower
	})
	return scores
}

// rank tells of each group the share of a list that scores lower.
func rank(groups []int, s compress.Scores, gone func(group int) bool, tell func(group int, lower float64)) {
	order := slices.Clone(groups)
	slices.SortStableFunc(order, func(a, b int) int {
		if x, y := gone(a), gone(b); x != y {
			if x {
				return -1
			}
			return 1
		}
		return cmp.Compare(s[a], s[b])
	})
	for i, group := range order {
		tell(group, (float64(i)+0.5)/float64(len(order)))
	}
}
