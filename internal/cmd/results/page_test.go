package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"onnxcompress/internal/trained"
)

var update = flag.Bool("update", false, "write the golden page anew")

// sample is a suite with all sections, on models that are nowhere.
func sample() *suite {
	s := &suite{shared: "shared", folder: "out", hours: 4, peers: []trained.Peer{
		{Method: "hesso", Model: "a", Epochs: 2, Before: 0.9, After: 0.89, MACs: 0.5577, Params: 0.24, Seconds: 200},
	}}
	a := subject{name: "a", epochs: 3, seeds: 2, input: shipped("a.onnx"), data: []string{"--data", "d"}}
	s.compressed(a, reach{lowest: true, compared: true, paced: true})
	s.fromScratch(a, once[:1])
	s.superResolution(5)
	s.sparseLeNet(a, []float64{0.9, 0.975})
	return s
}

// said is what the program would say of a trial, some of them nothing.
func said(t trial) (report map[string]any, ok bool) {
	after := map[string]float64{
		automatic: 0.91, unlabeled: 0.88, equal: 0.9, "magnitude": 0.87, "taylor": 0.92, unshrunk: 0.905,
		whole: 0.93, once[0]: 0.9, aloneAfter(once[0]): 0.89, masks: 0.86, ramp: 0.85, onSet14: 29,
	}
	worth, ok := after[t.way]
	if !ok || t.way == unlabeled && t.seed == 1 {
		return nil, false
	}
	worth += 0.01 * float64(t.seed)
	if t.section == 3 {
		worth += 30
	}
	if t.verb != "" {
		return map[string]any{"metric": worth - 30}, true
	}
	measures := func(share, metric float64) map[string]any {
		return map[string]any{"macs": 1e6 * share, "params": 1e5 * share * share, "metric": metric}
	}
	left := t.left
	if t.found != nil {
		left = 1
	}
	report = map[string]any{
		"before": measures(1, 0.9), "after": measures(left, worth), "curve": []any{map[string]any{"epoch": 3}},
		"validation": map[string]any{"max_rel_error": 2e-7, "engine_rel_error": 3e-6 * float64(1+t.seed)},
	}
	if t.way == once[0] {
		report["validation"] = map[string]any{"max_rel_error": nil, "engine_rel_error": 2e-4}
	}
	return report, true
}

func keep(t *testing.T, s *suite) *store {
	t.Helper()
	kept := &store{at: map[string]int{}}
	for i, x := range s.trials() {
		report, ok := said(x)
		if !ok {
			continue
		}
		text, err := json.Marshal(report)
		if err != nil {
			t.Fatal(err)
		}
		kept.put(record{x.command(), x.seed, float64(100 + i), "processor, 2 cores", text})
	}
	return kept
}

func TestPage(t *testing.T) {
	s := sample()
	if err := s.check(); err != nil {
		t.Fatal(err)
	}
	got, err := s.page(keep(t, s))
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "page.md")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the page is not %s:\n%s", golden, got)
	}
}

// TestEmpty writes a page without a single row.
func TestEmpty(t *testing.T) {
	got, err := sample().page(&store{at: map[string]int{}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Rows: 0 of", "| SCL: ahead of gradual magnitude from 97 % sparsity up | not measured |", "Not run yet: 8."} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestStat(t *testing.T) {
	nan := math.NaN()
	for _, test := range []struct {
		stat stat
		want string
	}{
		{nil, ""},
		{stat{nan}, ""},
		{stat{0.5}, "50.0"},
		{stat{0.5, 0.52, 0.54}, "52.0 ± 2.0"},
	} {
		if got := test.stat.scaled("%.1f", 100); got != test.want {
			t.Errorf("%v: %q, want %q", test.stat, got, test.want)
		}
	}
}

func TestPower(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 2e-7: "< 1e-6", math.Inf(1): "not finite", 1.5: "< 1e1"} {
		if got := power(v); got != want {
			t.Errorf("%g: %q, want %q", v, got, want)
		}
	}
	if got := fmt.Sprintf("%s,%s,%s,%s", power(math.NaN()), exact(math.NaN()), exact(0), exact(2e-7)); got != ",,0,2.0e-07" {
		t.Errorf("%q", got)
	}
}
