package compress

import (
	"math"
	"slices"
	"sort"

	"onnxcompress/depgraph"
)

// Measure is what a target counts.
type Measure int

// The measures of targets.
const (
	MACs Measure = iota
	Params
	Bytes
	Sparsity
)

// Target is what must remain: at most Value of Measure, or for Sparsity the
// share of groups that must go.
type Target struct {
	Measure Measure
	Value   float64
}

// Tolerance is how far below a target a model may end, as a share of the
// original, and how far above where no set of groups meets it.
const Tolerance = 0.02

// Limits bound what choosing may do.
type Limits struct {
	// RoundTo is the multiple that kept counts of a family are rounded to;
	// smaller families round to less. 1 rounds nothing.
	RoundTo int
	// MinKept is the share of every family that stays.
	MinKept float64
	// Keep are groups that must stay.
	Keep map[int]bool
	// Gone are groups that go whatever their scores; nil for none.
	Gone *depgraph.Cut
	// PerCost takes first what does the least harm for what it saves of the
	// target's measure, not what does the least harm: for scores that are
	// amounts, which a rank is not.
	PerCost bool
}

// Least is how many groups of a family of that size must stay: one at least.
func (l Limits) Least(size int) int { return max(int(math.Ceil(l.MinKept*float64(size)-1e-9)), 1) }

// Choice is a set of groups to remove.
type Choice struct {
	Cut  *depgraph.Cut
	Size Size
	// Reached is what remains by the target's measure, as Target.Value counts
	// it; Met tells whether that is within Tolerance.
	Reached float64
	Met     bool
	// RoundTo is the rounding that was kept to.
	RoundTo int
}

// Choose removes groups of the lowest scores until the target is met. Kept
// counts are rounded as far as the target allows.
func Choose(g *depgraph.Graph, s Scores, t Target, l Limits) Choice {
	var best Choice
	for round := max(l.RoundTo, 1); ; round /= 2 {
		c := newChooser(g, s, t, l, round).run()
		if best.Cut == nil || math.Abs(c.gap(t)) < math.Abs(best.gap(t)) {
			best = c
		}
		if best.Met || round <= 1 {
			return best
		}
	}
}

// gap is how far above the target the choice ends.
func (c *Choice) gap(t Target) float64 {
	if t.Measure == Sparsity {
		return t.Value - c.Reached
	}
	return c.Reached - t.Value
}

type chooser struct {
	*meter
	scores Scores
	target Target
	limits Limits
	round  int
	full   Size
	units  []unit
}

// unit is a number of groups of one family that go together, so that the
// family's kept count stays round.
type unit struct {
	groups []int
	score  float64
	family int
}

func newChooser(g *depgraph.Graph, s Scores, t Target, l Limits, round int) *chooser {
	c := &chooser{meter: newMeter(g), scores: s, target: t, limits: l, round: round}
	c.full = c.total
	for group := range g.Groups {
		if l.Gone != nil && l.Gone.Has(group) {
			c.add(group)
		}
	}
	seen := make([]bool, len(g.Groups))
	for f := range g.Families {
		c.addUnits(f, seen)
	}
	sort.SliceStable(c.units, func(i, j int) bool { return c.units[i].score < c.units[j].score })
	return c
}

// rounding is the multiple for a family of n groups.
func (c *chooser) rounding(n int) int {
	r := c.round
	switch {
	case n < 16:
		r = min(r, 1)
	case n < 32:
		r = min(r, 2)
	case n < 64:
		r = min(r, 4)
	}
	return r
}

// addUnits splits a family into units, cheapest first. The first takes the
// family down to a round count.
func (c *chooser) addUnits(family int, seen []bool) {
	groups := slices.Clone(c.g.Families[family].Groups)
	r := c.rounding(len(c.g.Families[family].Groups))
	groups = slices.DeleteFunc(groups, func(g int) bool { return seen[g] || c.limits.Keep[g] || c.cut.Has(g) })
	sort.SliceStable(groups, func(i, j int) bool { return c.scores[groups[i]] < c.scores[groups[j]] })
	kept := int(c.cut.Kept(family))
	for len(groups) > 0 {
		n := kept % r
		if n == 0 {
			n = r
		}
		if len(c.g.Groups[groups[0]].Families) > 1 {
			n = 1
		}
		if n > len(groups) {
			break
		}
		u := unit{groups: groups[:n], family: family}
		for _, g := range u.groups {
			seen[g] = true
			u.score += c.scores[g] / float64(n)
		}
		c.units = append(c.units, u)
		groups, kept = groups[n:], kept-n
	}
}

// run removes units in order of score. One that would take the model below
// the tolerance is left for smaller ones to fill the gap.
func (c *chooser) run() Choice {
	floor := c.floor()
	var skipped []unit
	for u := range c.inOrder() {
		if c.done() {
			break
		}
		if !c.allowed(u) {
			continue
		}
		before := c.remains()
		c.take(u)
		if after := c.remains(); after < floor && before > c.target.Value && c.target.Measure != Sparsity {
			c.giveBack(u)
			skipped = append(skipped, u)
		}
	}
	c.closest(skipped)
	reached := c.remains()
	choice := Choice{Cut: c.cut, Size: c.total, Reached: reached, RoundTo: c.round}
	choice.Met = choice.gap(c.target) <= Tolerance*c.whole()+1e-9 && -choice.gap(c.target) <= Tolerance*c.whole()+1e-9
	return choice
}

// closest takes a skipped unit after all where that ends nearer to the target.
func (c *chooser) closest(skipped []unit) {
	if c.done() {
		return
	}
	best, gap := -1, math.Abs(c.remains()-c.target.Value)
	for i, u := range skipped {
		if !c.allowed(u) {
			continue
		}
		c.take(u)
		if d := math.Abs(c.remains() - c.target.Value); d < gap {
			best, gap = i, d
		}
		c.giveBack(u)
	}
	if best >= 0 {
		c.take(skipped[best])
	}
}

// whole is the original by the target's measure; the tolerance is a share of
// it.
func (c *chooser) whole() float64 {
	switch c.target.Measure {
	case MACs:
		return float64(c.full.MACs)
	case Params:
		return float64(c.full.Params)
	case Bytes:
		return float64(c.full.Bytes)
	}
	return 1
}

func (c *chooser) floor() float64 { return c.target.Value - Tolerance*c.whole() }

// remains is where the model stands by the target's measure.
func (c *chooser) remains() float64 {
	switch c.target.Measure {
	case MACs:
		return float64(c.total.MACs)
	case Params:
		return float64(c.total.Params)
	case Bytes:
		return float64(c.total.Bytes)
	}
	return float64(c.cut.Len) / float64(max(len(c.g.Groups), 1))
}

func (c *chooser) done() bool {
	if c.target.Measure == Sparsity {
		return c.remains() >= c.target.Value
	}
	return c.remains() <= c.target.Value
}

// allowed reports whether every family keeps its minimum without the unit.
func (c *chooser) allowed(u unit) bool {
	taken := map[int]int64{}
	for _, g := range u.groups {
		for _, f := range c.g.Groups[g].Families {
			taken[f]++
		}
	}
	for f, n := range taken {
		if c.cut.Kept(f)-n < int64(c.limits.Least(len(c.g.Families[f].Groups))) {
			return false
		}
	}
	return true
}

func (c *chooser) take(u unit) {
	for _, g := range u.groups {
		c.add(g)
	}
}

func (c *chooser) giveBack(u unit) {
	for _, g := range u.groups {
		c.drop(g)
	}
}
