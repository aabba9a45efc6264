package pipeline

import (
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"onnxcompress/onnx"
)

// Origin is what made a run.
type Origin struct {
	// Version is that of the program.
	Version string
	// Command is the command that gives this result wherever it runs, and goes
	// into the model: without what names outputs or only changes what is told.
	Command string
	// Line is the command as it was given, for the report.
	Line string
}

// provenance are the names of what a model is told of how it was made, in their
// order, after the prefix.
const provenance = "compress."

// stamped tells a candidate's model how it was made and returns what it costs.
// The size counts what it was told, also of the metric that may be to come.
func (r *run) stamped(m *onnx.Model) (Measures, error) {
	after, err := Measure(m, r.Shapes)
	if err != nil {
		return after, err
	}
	if r.rated() {
		// All metrics are written in as many bytes.
		before, none := r.report.Before, 0.0
		before.Metric, after.Metric = &none, &none
		err = r.stamp(m, before, after)
		after.Metric = nil
	} else {
		err = r.stamp(m, r.report.Before, after)
	}
	after.Bytes = m.Size()
	return after, err
}

// stamp writes the provenance of a model into its metadata: the same for the
// same run. What the metadata said before stays; what an earlier run wrote is
// numbered, from 1 for the first.
func (r *run) stamp(m *onnx.Model, before, after Measures) error {
	if r.digest == "" {
		var err error
		if r.digest, err = r.subject.Model.Digest(); err != nil {
			return err
		}
	}
	method := r.Method
	if r.Whole {
		method = "simplify"
	}
	target := ""
	if r.Target != nil && !r.Whole {
		target = r.Target.String()
	}
	name := ""
	if before.Metric != nil {
		name = metricOf(r.measured())
	}
	entries := [][2]string{
		{"version", r.Origin.Version},
		{"source_sha256", r.digest},
		{"method", method},
		{"target", target},
		{"seed", strconv.FormatInt(r.Seed, 10)},
		{"macs_before", strconv.FormatInt(before.MACs, 10)},
		{"macs_after", strconv.FormatInt(after.MACs, 10)},
		{"params_before", strconv.FormatInt(before.Params, 10)},
		{"params_after", strconv.FormatInt(after.Params, 10)},
		{"metric", name},
		{"metric_before", metric(before.Metric)},
		{"metric_after", metric(after.Metric)},
		{"command", r.Origin.Command},
	}
	m.Proto.MetadataProps = told(r.subject.Model.Proto.GetMetadataProps(), entries)
	return nil
}

// metric writes a number in eight characters; nothing for one that is not known.
func metric(v *float64) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf("%.6f", min(max(*v, -99999), 999999))[:8]
}

// told are metadata with these entries, and with the entries of those names that
// were there before under the next free number. Entries without a text are left
// out.
func told(before []*onnx.StringStringEntryProto, entries [][2]string) []*onnx.StringStringEntryProto {
	own := map[string]bool{}
	for _, e := range entries {
		own[provenance+e[0]] = true
	}
	run := 1
	for _, e := range before {
		number, name, _ := strings.Cut(strings.TrimPrefix(e.GetKey(), provenance), ".")
		if n, err := strconv.Atoi(number); err == nil && n > 0 && n < 1<<30 && own[provenance+name] {
			run = max(run, n+1)
		}
	}
	var after []*onnx.StringStringEntryProto
	for _, e := range before {
		e = proto.CloneOf(e)
		if own[e.GetKey()] {
			e.Key = proto.String(fmt.Sprintf("%s%d.%s", provenance, run, strings.TrimPrefix(e.GetKey(), provenance)))
		}
		after = append(after, e)
	}
	for _, e := range entries {
		if e[1] != "" {
			after = append(after, &onnx.StringStringEntryProto{Key: proto.String(provenance + e[0]), Value: proto.String(strings.ToValidUTF8(e[1], "\uFFFD"))})
		}
	}
	return after
}
