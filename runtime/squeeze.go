package runtime

import (
	"math/rand/v2"
	"slices"
)

// squeezes is how often buffers are laid out anew to come within a limit.
const squeezes = 500

// squeezed is an arena of no more floats than a limit, where one is found. It
// changes the order in which buffers are laid out: one that ends at the top, drawn
// at random, goes before one that is in its way, or changes places with it, and
// that stays so where the arena does not grow.
func squeezed(buffers []*buffer, limit int64) (int64, error) {
	order := largestFirst(buffers)
	size, err := stacked(order)
	rng := rand.New(rand.NewPCG(1, uint64(len(buffers))))
	for range squeezes {
		if err != nil || size <= limit {
			return size, err
		}
		top := draw(rng, order, func(b *buffer) bool { return b.offset+rounded(b.floats) == size })
		b := order[top]
		before := draw(rng, order[:top], func(c *buffer) bool { return c.first <= b.last && b.first <= c.last })
		if before < 0 {
			continue
		}
		next := slices.Clone(order)
		if rng.IntN(2) == 0 {
			next[top], next[before] = next[before], b
		} else {
			next = slices.Insert(slices.Delete(next, top, top+1), before, b)
		}
		switch now, err := stacked(next); {
		case err == nil && now <= size:
			order, size = next, now
		default:
			size, err = stacked(order)
		}
	}
	return size, err
}

// draw is the place of one of the buffers that suit, -1 where none does.
func draw(rng *rand.Rand, buffers []*buffer, suits func(*buffer) bool) int {
	at, seen := -1, 0
	for i, b := range buffers {
		if suits(b) {
			if seen++; rng.IntN(seen) == 0 {
				at = i
			}
		}
	}
	return at
}
