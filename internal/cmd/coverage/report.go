package main

import (
	"fmt"
	"math"
	"strings"
)

const preface = "# What can be pruned, and what the native engine computes\n\n" +
	"Written by `make coverage`; do not edit. For every model of the zoo: does it load, and is it equal after saving; how\n" +
	"many groups there are and what share of the MACs they touch; what remains of the MACs after `--method magnitude\n" +
	"--no-train --no-compensate --round-to 1 --target-macs 50%` and how far the compact model is from the masked one, on\n" +
	"three batches in onnxruntime; how many of five cuts by `--method random --target-sparsity 0.3` hold, and the largest\n" +
	"error of those. Done means 50 % ± 2 points within 1e-4. Where that is not reached, the operator that pins most.\n\n" +
	"The last column but one is `--engine native` against onnxruntime on the same inputs: the largest difference of an\n" +
	"output over its largest magnitude, or the operators that the engine does not have. 1e-4 is what is asked for, and\n" +
	"1e-3 of recurrent and very deep networks, whose random weights magnify the last bit. Where the error is larger than\n" +
	"1e-4, how far onnxruntime's own outputs move when every third input element moves by its last bit: a model whose\n" +
	"outputs are that uncertain tells no engine from another.\n\n"

// report is the whole page.
func report(results []result) string {
	var b strings.Builder
	b.WriteString(preface)
	summary(&b, results)
	b.WriteString("\n| model | round trip | groups | prunable MACs | remain | error | random | error | native | |\n|---|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range results {
		fmt.Fprintf(&b, "| %s | %s | %d | %s | %s | %s | %d of %d | %s | %s | %s |\n",
			r.name, trip(r), r.groups, percent(r.prunable), remains(r.half), deviation(r.half), r.randomDone(), seeds, deviation(r.random[:]...), escape(r.native.String()), escape(r.obstacle))
	}
	return b.String()
}

// summary counts, for each source and for all, the models that are done.
func summary(b *strings.Builder, results []result) {
	type count struct{ models, trips, half, random, near, far, uncertain, further, unsupported int }
	all, sources, order := count{}, map[string]*count{}, []string{}
	for _, r := range results {
		c := sources[r.source]
		if c == nil {
			c = &count{}
			sources[r.source], order = c, append(order, r.source)
		}
		for _, c := range []*count{c, &all} {
			c.models++
			c.trips += one(r.roundTrip)
			c.half += one(r.half.err == nil)
			c.random += one(r.randomDone() == seeds)
			c.near += one(r.native.within(near))
			c.far += one(!r.native.within(near) && r.native.within(far))
			asMuch := r.native.within(uncertain * r.native.moved)
			c.uncertain += one(!r.native.within(far) && asMuch)
			c.further += one(!r.native.within(far) && !asMuch && len(r.native.unsupported) == 0)
			c.unsupported += one(len(r.native.unsupported) > 0)
		}
	}
	b.WriteString("| | models | equal after saving | 50 % of MACs | all random cuts | native within 1e-4 | within 1e-3 | as uncertain in onnxruntime | further apart | unsupported |\n" +
		"|---|---|---|---|---|---|---|---|---|---|\n")
	line := func(name string, c count) {
		share := func(n int) string { return fmt.Sprintf("%d (%s)", n, percent(float64(n)/float64(c.models))) }
		fmt.Fprintf(b, "| %s | %d | %d | %s | %s | %s | %d | %d | %d | %d |\n", name, c.models, c.trips,
			share(c.half), share(c.random), share(c.near), c.far, c.uncertain, c.further, c.unsupported)
	}
	for _, source := range order {
		line(source, *sources[source])
	}
	line("all", all)
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func trip(r result) string {
	switch {
	case !r.loads:
		return "does not load"
	case r.roundTrip:
		return "equal"
	}
	return "differs"
}

func percent(v float64) string { return fmt.Sprintf("%.1f %%", 100*v) }

func remains(o outcome) string {
	if o.remains == 0 {
		return ""
	}
	return percent(o.remains)
}

// deviation is the largest error of the outcomes that hold, as a power of ten:
// more of it would change from machine to machine.
func deviation(outcomes ...outcome) string {
	worst, any := 0.0, false
	for _, o := range outcomes {
		if o.err == nil {
			worst, any = max(worst, o.worst), true
		}
	}
	switch {
	case !any:
		return ""
	case worst == 0:
		return "0"
	}
	return power(worst)
}

// power is the power of ten above a number.
func power(v float64) string { return fmt.Sprintf("< 1e%d", int(math.Floor(math.Log10(v)))+1) }

func escape(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
