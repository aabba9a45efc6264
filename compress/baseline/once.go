package baseline

import (
	"encoding/json"

	"onnxcompress/compress/saliency"
	"onnxcompress/compress/train"
)

// Once is a train.Method that removes all groups at once: in the first step, or
// where gradients must be seen, as soon as there were enough of them.
type Once struct {
	Rating
	once
}

// once is what a run goes on from.
type once struct {
	Ended bool          `json:"ended"`
	Seen  saliency.Sums `json:"seen"`
}

// NewOnce is a method at its start.
func NewOnce(r Rating) *Once { return &Once{Rating: r} }

// Observe implements train.Method: groups go before anything moves.
func (o *Once) Observe(s *train.Step) error {
	if o.Ended {
		return nil
	}
	choice := 0
	if o.By == Taylor {
		choice = max(min(o.Batches, s.Total)-1, 0)
	}
	o.see(s, &o.Seen, choice)
	if s.N < choice {
		return nil
	}
	groups, err := o.choose(s, &o.Seen)
	if err != nil {
		return err
	}
	s.Remove(groups...)
	s.Net.SilenceGradients()
	o.once = once{Ended: true}
	return nil
}

// Move implements train.Method.
func (o *Once) Move(*train.Step) error { return nil }

// Done implements train.Method.
func (o *Once) Done() bool { return o.Ended }

// State implements train.Method.
func (o *Once) State() any { return &o.once }

// Restore implements train.Method.
func (o *Once) Restore(b []byte) error {
	o.once = once{}
	return json.Unmarshal(b, &o.once)
}
