package pipeline

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"onnxcompress/compress"
)

// Quantity is what a target counts.
type Quantity int

// The quantities of targets.
const (
	MACs Quantity = iota
	Params
	Size
	Latency
	Sparsity
)

func (q Quantity) String() string {
	return [...]string{"MACs", "parameters", "size", "latency", "sparsity"}[q]
}

// Target is what has to remain of a model, or for Sparsity the share of groups
// that has to go.
type Target struct {
	Quantity Quantity
	// Share is of the original; 0 where Amount is given instead, in MACs,
	// parameters, bytes or seconds.
	Share, Amount float64
}

// units are the suffixes of absolute amounts.
var units = map[Quantity]map[string]float64{
	MACs:   {"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12},
	Params: {"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "b": 1e9},
	Size: {
		"": 1, "b": 1, "k": 1e3, "kb": 1e3, "m": 1e6, "mb": 1e6, "g": 1e9, "gb": 1e9,
		"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30,
	},
	Latency: {
		"ns": time.Nanosecond.Seconds(), "us": time.Microsecond.Seconds(), "µs": time.Microsecond.Seconds(),
		"ms": time.Millisecond.Seconds(), "s": 1,
	},
}

// ParseTarget reads a target as users write it: a share (50%, 0.5) or, but for
// Sparsity, an amount (5M, 3MB, 8ms). A bare number up to 1 is a share.
func ParseTarget(q Quantity, s string) (Target, error) {
	number := strings.TrimRight(s, "%abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZµ ")
	unit := strings.TrimSpace(s[len(number):])
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return Target{}, fmt.Errorf("target %s %q is not a number", q, s)
	}
	t, err := target(q, v, unit)
	if err != nil {
		return Target{}, fmt.Errorf("target %s %q: %w", q, s, err)
	}
	return t, nil
}

func target(q Quantity, v float64, unit string) (Target, error) {
	if unit == "%" {
		v, unit = v/100, ""
		if v > 1 {
			return Target{}, errors.New("more than all")
		}
	}
	switch {
	case v < 0, v == 0 && q != Sparsity:
		return Target{}, errors.New("must be more than 0")
	case unit == "" && v <= 1:
		if q == Sparsity && v == 1 {
			return Target{}, errors.New("not all groups can go")
		}
		return Target{Quantity: q, Share: v}, nil
	case q == Sparsity:
		return Target{}, errors.New("want a share below 1")
	}
	scale, ok := units[q][strings.ToLower(unit)]
	if !ok {
		return Target{}, fmt.Errorf("unit %q is not known", cmp.Or(unit, "none"))
	}
	return Target{Quantity: q, Amount: v * scale}, nil
}

// ParseShare reads a share as 2%, 0.02 or 0.5.
func ParseShare(s string) (float64, error) {
	number, percent := strings.CutSuffix(s, "%")
	v, err := strconv.ParseFloat(number, 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v >= 0 && v <= 1) {
		return 0, fmt.Errorf("%q is no share: want 2%% or 0.02", s)
	}
	return v, nil
}

// of is the target in the quantity's own unit for a model of that size.
func (t Target) of(before Measures) float64 {
	if t.Share == 0 && t.Quantity != Sparsity {
		return t.Amount
	}
	return t.Share * before.quantity(t.Quantity)
}

// String is the target as a report shows it.
func (t Target) String() string {
	if t.Amount == 0 {
		return fmt.Sprintf("%.4g %% of %s", 100*t.Share, t.Quantity)
	}
	return fmt.Sprintf("%.4g %s", t.Amount, [...]string{"MACs", "parameters", "bytes", "s of latency", ""}[t.Quantity])
}

// choosing is the target that compress.Choose is given. plain is the model that
// loses no group: what the meter does not count of it stays whatever is cut.
func (t Target) choosing(before, plain Measures, counted compress.Size) compress.Target {
	value := t.of(before)
	switch t.Quantity {
	case Params:
		return compress.Target{Measure: compress.Params, Value: value - float64(plain.Params-counted.Params)}
	case Size:
		return compress.Target{Measure: compress.Bytes, Value: value - float64(plain.Bytes-counted.Bytes)}
	case Sparsity:
		return compress.Target{Measure: compress.Sparsity, Value: t.Share}
	}
	return compress.Target{Measure: compress.MACs, Value: value}
}
