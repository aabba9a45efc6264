package pipeline

import (
	"fmt"
)

// Row is one quantity of both models as people read it.
type Row struct{ Name, Before, After, Remains string }

// Fact is one line about a run.
type Fact struct{ Name, Text string }

// Rows compares the models before and after.
func (r *Report) Rows() []Row {
	b, a := r.Before, r.After
	rows := []Row{
		{"size", bytesOf(b.Bytes), bytesOf(a.Bytes), remains(a.Bytes, b.Bytes)},
		{"MACs", amount(b.MACs), amount(a.MACs), remains(a.MACs, b.MACs)},
		{"parameters", amount(b.Params), amount(a.Params), remains(a.Params, b.Params)},
		{"nodes", fmt.Sprint(b.Nodes), fmt.Sprint(a.Nodes), remains(int64(a.Nodes), int64(b.Nodes))},
	}
	if b.Latency != nil && a.Latency != nil {
		rows = append(rows, Row{"latency", ms(*b.Latency), ms(*a.Latency), fmt.Sprintf("%.1f %%", 100**a.Latency / *b.Latency)})
	}
	if b.Metric != nil && a.Metric != nil {
		before, after := Metric{Name: r.Metric, Value: *b.Metric}, Metric{Name: r.Metric, Value: *a.Metric}
		rows = append(rows, Row{before.Label(), before.Text(), after.Text(), before.change(after.Value)})
	}
	return rows
}

// Facts are what there is to say besides Rows.
func (r *Report) Facts() []Fact {
	var facts []Fact
	if r.Whole {
		facts = append(facts, Fact{"time", fmt.Sprintf("%.1f s", r.Seconds)})
	} else {
		facts = append(facts, r.choice()...)
	}
	if v := r.Validation; v != nil {
		facts = append(facts, Fact{"validation", fmt.Sprintf("equals the %s model within %.1e on %d batches in onnxruntime", r.reference(), float64(v.MaxRelError), v.Inputs)})
	} else {
		facts = append(facts, Fact{"validation", "not done"})
	}
	if r.Data != "" {
		facts = append(facts, Fact{"data", r.Data})
	}
	if f := r.Fidelity; f != nil {
		on := "given"
		if f.Synthetic {
			on = "random"
		}
		facts = append(facts, Fact{"fidelity", fmt.Sprintf("%v, on %d %s samples", f, f.Samples, on)})
	}
	for _, u := range r.Unsupported {
		facts = append(facts, Fact{"unsupported", fmt.Sprintf("%s: %s; %d groups stay", u.Node, u.Reason, u.Groups)})
	}
	return facts
}

// reference is the model that the result was compared with.
func (r *Report) reference() string {
	if r.Whole {
		return "original"
	}
	return "masked"
}

// choice says what was asked for and what went.
func (r *Report) choice() []Fact {
	facts := []Fact{
		{"groups", fmt.Sprintf("%d removed of %d, %d prunable, which touch %.1f %% of the MACs", r.Groups.Removed, r.Groups.Total, r.Groups.Prunable, 100*r.PrunableMACs)},
		{"method", fmt.Sprintf("%s, seed %d, %.1f s", r.Method, r.Seed, r.Seconds)},
	}
	if r.Target != nil {
		facts = append(facts, Fact{"target", r.Target.String()})
	}
	if c := r.Connections; c != nil {
		facts = append(facts, Fact{"connections", fmt.Sprintf("%d of %d are left, in %.4g of %.4g multiplications; what is written does %d of them", c.Live, c.Total, c.LiveMACs, c.MACs, r.After.MACs)})
	}
	return facts
}

func remains(after, before int64) string { return fmt.Sprintf("%.1f %%", 100*share(after, before)) }

func ms(v float64) string { return fmt.Sprintf("%.3g ms", v) }

func bytesOf(n int64) string { return scaled(float64(n), "B") }

func amount(n int64) string { return scaled(float64(n), "") }

// scaled writes a number with four digits and a decimal prefix.
func scaled(v float64, unit string) string {
	prefixes := []string{"", "k", "M", "G", "T"}
	if unit == "" {
		prefixes[1] = "K"
	}
	i := 0
	for ; v >= 1000 && i+1 < len(prefixes); i++ {
		v /= 1000
	}
	if i == 0 {
		return fmt.Sprintf("%.0f %s", v, unit)
	}
	return fmt.Sprintf("%.4g %s%s", v, prefixes[i], unit)
}
