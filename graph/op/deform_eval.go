package op

import (
	"errors"
	"slices"

	"onnxcompress/graph/tensor"
)

// deformation is a DeformConv node with the numbers of its inputs.
type deformation struct {
	sampler
	x, w, offsets, mask []float64
	win                 windows
	out                 []int64
	// channels and shares are the channels and the groups of them that have
	// offsets of their own.
	channels, shares, data, places, taps int
}

func forwardDeformConv(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	seen, facts, err := settled(n, in, inferDeformConv)
	if err != nil {
		return nil, err
	}
	lists, err := allReals(in)
	if err != nil {
		return nil, err
	}
	shape, kernel, out := in[0].Shape, in[1].Shape, facts[0].Shape
	win, err := windowsOf(seen, shape[2:], kernel[2:])
	if err != nil {
		return nil, err
	}
	d := &deformation{
		sampler: sampler{weights: linearWeights, outside: nothing},
		x:       lists[0], w: lists[1], offsets: operand(lists, 2), mask: operand(lists, 4), win: win, out: out,
		channels: int(shape[1]), shares: int(n.Attrs.Int("offset_group", 1)),
		data: int(product(shape[2:])), places: int(product(out[2:])), taps: int(product(kernel[2:])),
	}
	for _, size := range shape[2:] {
		d.sizes = append(d.sizes, int(size))
	}
	if err := d.check(operand(lists, 3)); err != nil {
		return nil, err
	}
	y, patch := biased(out, operand(lists, 3)), make([]float64, d.channels*d.taps)
	groups, count := int(n.Attrs.Int("group", 1)), int(out[1])
	each := len(patch) / groups
	for b := range int(out[0]) {
		for p := range d.places {
			d.read(patch, b, p)
			for m := range count {
				sum := 0.0
				for k, w := range d.w[m*each:][:each] {
					sum += w * patch[m/(count/groups)*each+k]
				}
				y[(b*count+m)*d.places+p] += sum
			}
		}
	}
	return result(&facts[0], y)
}

func (d *deformation) check(bias []float64) error {
	if err := holds(bias, d.out[1], "the bias"); err != nil {
		return err
	}
	each := d.out[0] * int64(d.shares*d.taps*d.places)
	switch {
	case d.shares < 1 || d.shares > d.channels || d.channels%d.shares != 0:
		return errors.New("offset_group does not divide the channels")
	case int64(len(d.offsets)) != each*int64(len(d.sizes)):
		return errors.New("the offsets do not fit kernel and output")
	}
	return holds(d.mask, each, "the mask")
}

// read samples what the taps find at place p of sample b: for every channel
// the numbers of all taps.
func (d *deformation) read(patch []float64, b, p int) {
	rank, each := len(d.sizes), d.channels/d.shares
	place := make([]float64, rank)
	for share := range d.shares {
		for tap := range d.taps {
			row := (b*d.shares+share)*d.taps + tap
			d.start(place, p, tap)
			for axis := range place {
				place[axis] += d.offsets[(row*rank+axis)*d.places+p]
				place[axis] = max(min(place[axis], float64(d.sizes[axis]+1)), -2)
			}
			factor := 1.0
			if d.mask != nil {
				factor = d.mask[row*d.places+p]
			}
			for c := share * each; c < (share+1)*each; c++ {
				patch[c*d.taps+tap] = factor * d.at(d.x[(b*d.channels+c)*d.data:][:d.data], place)
			}
		}
	}
}

// start is where a tap would lie without an offset.
func (d *deformation) start(place []float64, p, tap int) {
	for axis := range slices.Backward(place) {
		out, kernel := int(d.out[2+axis]), int(d.win.kernel[axis])
		place[axis] = float64(int64(p%out)*d.win.strides[axis] - d.win.before[axis] + int64(tap%kernel)*d.win.dilations[axis])
		p, tap = p/out, tap/kernel
	}
}
