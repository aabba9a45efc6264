package compact_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"onnxcompress/depgraph"
	"onnxcompress/graph/op"
	"onnxcompress/internal/modeltext"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestSmall holds the promise on small graphs that other systems fail on or
// get wrong without a word, one for each construct, and compares the families
// of groups and the pinned axes with the golden file.
func TestSmall(t *testing.T) {
	path := filepath.Join("testdata", "small.txt")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var golden strings.Builder
	cases := strings.Split(string(b), "== ")[1:]
	if len(cases) < 20 {
		t.Fatalf("%s has %d graphs", path, len(cases))
	}
	for _, text := range cases {
		name, rest, _ := strings.Cut(text, "\n")
		graph, want, _ := strings.Cut(rest, "--\n")
		t.Run(name, func(t *testing.T) {
			got := small(t, graph)
			fmt.Fprintf(&golden, "== %s\n%s--\n%s\n", name, graph, got)
			if want := strings.TrimSpace(want) + "\n"; got != want && !*update {
				t.Errorf("found\n%swant\n%s", got, want)
			}
		})
	}
	if *update {
		if err := os.WriteFile(path, []byte(golden.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// small cuts a graph in several ways and lists its families.
func small(t *testing.T, text string) string {
	t.Helper()
	opset := int64(17)
	if _, err := fmt.Sscanf(text, "opset %d\n", &opset); err == nil {
		_, text, _ = strings.Cut(text, "\n")
	}
	p, err := modeltext.Parse(text, opset, 1)
	if err != nil {
		t.Fatal(err)
	}
	var list string
	for seed := range uint64(8) {
		tr := newTrial(t, p, seed)
		tr.rng = rand.New(rand.NewPCG(seed, 0x736d616c))
		if len(tr.graph.Groups) > 0 {
			tr.run()
		}
		list = families(tr.graph)
	}
	return list
}

// families lists, for each family, how many groups it has and which axes of
// which weights they take; and for each other axis what pins it.
func families(g *depgraph.Graph) string {
	axes := make([][]string, len(g.Families))
	for _, w := range g.Weights {
		for axis, size := range g.Witness.Values[w.Value.ID].Shape {
			r := op.In(w.Slot, axis)
			if !g.Prunable(w.Node, r) {
				continue
			}
			seen := map[int]bool{}
			g.Spread(w.Node, r, make([]float64, size), func(group int, _ float64) {
				for _, f := range g.Groups[group].Families {
					if !seen[f] {
						seen[f] = true
						axes[f] = append(axes[f], fmt.Sprintf("%s/%d", w.Value.Name, axis))
					}
				}
			})
		}
	}
	var lines []string
	for f, list := range axes {
		slices.Sort(list)
		lines = append(lines, fmt.Sprintf("%d groups: %s\n", len(g.Families[f].Groups), strings.Join(slices.Compact(list), " ")))
	}
	slices.Sort(lines)
	var pins []string
	for _, p := range g.Pinned {
		pins = append(pins, fmt.Sprintf("pinned %s/%d: %v\n", p.Value, p.Axis, p.Reason))
	}
	slices.Sort(pins)
	return strings.Join(lines, "") + strings.Join(slices.Compact(pins), "")
}
