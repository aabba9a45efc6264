package runtime

import "math/rand/v2"

// patience is how many times buffers are laid out anew for a smaller arena before
// that is given up.
const patience = 150

// squeezed is an arena of no more floats than a limit, where one is found. It
// changes the order in which buffers are laid out: one that ends at the top, drawn
// at random, goes before one that is in its way, or changes places with it, and
// that stays so where the arena does not grow.
func squeezed(buffers []*buffer, limit int64) (int64, error) {
	order := largestFirst(buffers)
	size, err := stacked(order)
	if err != nil {
		return 0, err
	}
	places, next := make([]int64, len(buffers)), make([]*buffer, len(buffers))
	rng := rand.New(rand.NewPCG(1, uint64(len(buffers))))
	for idle := 0; size > limit && idle < patience; idle++ {
		for i, b := range buffers {
			places[i] = b.offset
		}
		copy(next, order)
		exchange(rng, next, size)
		now, err := stacked(next)
		if err == nil && now <= size {
			if now < size {
				idle = 0
			}
			order, next, size = next, order, now
			continue
		}
		for i, b := range buffers {
			b.offset = places[i]
		}
	}
	return size, nil
}

// exchange moves one of the buffers that end at the top.
func exchange(rng *rand.Rand, order []*buffer, top int64) {
	at := draw(rng, order, func(b *buffer) bool { return b.offset+rounded(b.floats) == top })
	b := order[at]
	before := draw(rng, order[:at], func(c *buffer) bool { return c.first <= b.last && b.first <= c.last })
	switch {
	case before < 0:
	case rng.IntN(2) == 0:
		order[at], order[before] = order[before], b
	default:
		copy(order[before+1:at+1], order[before:at])
		order[before] = b
	}
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
