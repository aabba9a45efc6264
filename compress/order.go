package compress

import (
	"container/heap"
	"iter"
	"slices"
)

// inOrder gives the units in the order in which they are to go, while what it
// gave before may have gone.
func (c *chooser) inOrder() iter.Seq[unit] {
	if !c.limits.PerCost || c.target.Measure == Sparsity {
		return slices.Values(c.units)
	}
	return c.byCost
}

// byCost gives the unit of the least score per saving. What a unit saves only
// shrinks as others go, so that its place in the queue is never too late: one
// whose price has risen is put back.
func (c *chooser) byCost(yield func(unit) bool) {
	q := make(queue, len(c.units))
	for i, u := range c.units {
		q[i] = priced{u, c.price(u), i}
	}
	heap.Init(&q)
	for len(q) > 0 {
		top := q[0]
		if now := c.price(top.unit); now > top.price && len(q) > 1 {
			q[0].price = now
			heap.Fix(&q, 0)
			continue
		}
		heap.Pop(&q)
		if !yield(top.unit) {
			return
		}
	}
}

// price is the score of a unit over what it saves now.
func (c *chooser) price(u unit) float64 {
	before := c.remains()
	c.take(u)
	saved := before - c.remains()
	c.giveBack(u)
	const little = 1e-9 // of nothing saved the price is high and finite
	return u.score * float64(len(u.groups)) / max(saved, little)
}

// priced is a unit in the queue; place keeps units of one price in order.
type priced struct {
	unit
	price float64
	place int
}

type queue []priced

func (q queue) Len() int { return len(q) }

func (q queue) Less(i, j int) bool {
	if q[i].price != q[j].price {
		return q[i].price < q[j].price
	}
	return q[i].place < q[j].place
}

func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

func (q *queue) Push(x any) { *q = append(*q, x.(priced)) }

func (q *queue) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	*q = (*q)[:last]
	return x
}
