package connection

import (
	"math"

	"onnxcompress/compress/train"
)

// Keep are scores by which exactly count connections are live: the ones of the
// highest scores, the first of them in order where scores are equal, and none of
// those that are not open, which have a 0 there. If fewer are open, all those are.
func Keep(scores, open train.Arrays, count int) train.Arrays {
	var all []float32
	for v, list := range scores {
		for i, x := range list {
			if open[v][i] != 0 {
				all = append(all, x)
			}
		}
	}
	count = min(max(count, 0), len(all))
	least, above := float32(math.Inf(1)), 0
	if count > 0 {
		least = Least(all, len(all)-count)
		for _, x := range all {
			if x > least {
				above++
			}
		}
	}
	equal := count - above
	kept := make(train.Arrays, len(scores))
	for v, list := range scores {
		if list == nil {
			continue
		}
		kept[v] = make([]float32, len(list))
		for i, x := range list {
			kept[v][i] = -1
			if open[v][i] == 0 || x < least || count == 0 || x == least && equal == 0 {
				continue
			}
			if x == least {
				equal--
			}
			kept[v][i] = 1
		}
	}
	return kept
}

// Least is the number that rank others of a list are at most as large as, from
// 0; no number may be NaN. The list keeps its order.
func Least(list []float32, rank int) float32 {
	var counts [1 << 16]int32
	for _, x := range list {
		counts[ordered(x)>>16]++
	}
	high, rank := bucket(&counts, rank)
	counts = [1 << 16]int32{}
	for _, x := range list {
		if key := ordered(x); key>>16 == high {
			counts[key&0xffff]++
		}
	}
	low, _ := bucket(&counts, rank)
	return unordered(high<<16 | low)
}

// bucket finds that of the number of a rank, and the rank within it.
func bucket(counts *[1 << 16]int32, rank int) (at uint32, rest int) {
	for rank >= int(counts[at]) {
		rank -= int(counts[at])
		at++
	}
	return at, rank
}

// ordered numbers floats in their order, both zeros alike.
func ordered(x float32) uint32 {
	bits := math.Float32bits(x + 0)
	if bits>>31 != 0 {
		return ^bits
	}
	return bits | 1<<31
}

func unordered(key uint32) float32 {
	if key>>31 != 0 {
		return math.Float32frombits(key &^ (1 << 31))
	}
	return math.Float32frombits(^key)
}
