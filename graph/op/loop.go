package op

// enough is the number of elements that are worth a part of their own.
const enough = 1 << 13

// shared returns a function that has body compute [0, n) in pieces, on all
// workers of the frame's pool. cost is what one of the n costs in elements. What
// body computes of one piece must not depend on others.
func shared(n, cost int, body func(f *Frame, worker, lo, hi int)) func(*Frame) {
	grain := max(enough/max(cost, 1), 1)
	parts := (n + grain - 1) / grain
	if parts <= 1 {
		return func(f *Frame) {
			if n > 0 {
				body(f, 0, 0, n)
			}
		}
	}
	var frame *Frame
	part := func(i, worker int) { body(frame, worker, i*grain, min((i+1)*grain, n)) }
	return func(f *Frame) {
		frame = f
		f.Pool.Run(parts, part)
		frame = nil
	}
}
