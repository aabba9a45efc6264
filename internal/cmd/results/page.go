package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"onnxcompress/internal/markdown"
)

const head = "# Compressed and trained\n\n" +
	"Written by `make results%s`, which goes on where it was stopped. Every row is a command of the program, run from the\n" +
	"root of the repository on the models and data of `../shared`; the commands of each section stand below it, with the\n" +
	"wall time of the whole process and the seed. `go run ./internal/cmd/results%s -prepare` makes the models and data\n" +
	"below `%s` that some begin with.\n\n" +
	"Accuracies are top-1 in per cent on the whole test set, which nothing was chosen by; where there are several seeds,\n" +
	"mean and standard deviation. MACs and parameters are shares of the original's in per cent. Compact and engine are the\n" +
	"largest relative errors in onnxruntime: of the compact model against the original with zeros in the place of what\n" +
	"went, and of this module's engine against onnxruntime.\n"

// part says what the quick form leaves out.
const part = "\nThis is the quick form. Of Fashion-MNIST it knows the first %d images to train on, and the first %d to test on.\n"

// page is the text of the results as far as they are there.
func (s *suite) page(kept *store) (string, error) {
	var text strings.Builder
	if s.quick {
		fmt.Fprintf(&text, head+part, " QUICK=1", " -quick", s.folder, quickTrain, quickTest)
	} else {
		fmt.Fprintf(&text, head, "", "", s.folder)
	}
	goals, err := s.goals(kept)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(&text, "\n%s\n\n## Goals\n\n%s", s.progress(kept), goals)
	for i, sec := range sections {
		body, err := sec.body(s, kept)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&text, "\n## %d. %s\n\n%s\n", i+1, sec.title, sec.preface)
		if body.Len() > 0 {
			fmt.Fprintf(&text, "\n%s", body)
		}
		text.WriteString(s.commands(kept, i+1))
	}
	return text.String(), nil
}

// progress says how much of the suite is there, in what time and on what machine.
func (s *suite) progress(kept *store) string {
	done, wall, machines := 0, 0.0, []string{}
	for _, t := range s.trials() {
		if r, ok := kept.get(t.command()); ok {
			done, wall = done+1, wall+r.Wall
			if !slices.Contains(machines, r.Machine) {
				machines = append(machines, r.Machine)
			}
		}
	}
	if done == 0 {
		machines = []string{"none yet"}
	}
	return fmt.Sprintf("Rows: %d of %d; time: %s; machine: %s.", done, len(s.trials()), duration(wall), strings.Join(machines, " and "))
}

func duration(seconds float64) string {
	minutes := int(math.Round(seconds / 60))
	return fmt.Sprintf("%d h %02d min", minutes/60, minutes%60)
}

// section is a part of the page.
type section struct {
	title, preface string
	body           func(*suite, *store) (*markdown.Table, error)
}

var sections = []section{
	{
		"Trained models, to a share of their MACs",
		"After no more epochs than the original was trained for. `auto` is the method that the program chooses; magnitude, taylor\n" +
			"and random are trained alike after their cut; without labels, the original's outputs are all that is learnt from. The\n" +
			"reference is HESSO of only_train_once with PyTorch on the same models, as `../shared/models/peers.json` has it; rows at\n" +
			"equal MACs have no more epochs than that.",
		func(s *suite, kept *store) (*markdown.Table, error) { return s.table(kept, 1) },
	},
	{
		"From scratch in one run",
		"An export with random weights is trained and compressed at once, and not fine-tuned; the compact architectures that come\n" +
			"out are trained alone from other random weights for the same epochs. Whole is the full model, trained alike.",
		func(s *suite, kept *store) (*markdown.Table, error) { return s.table(kept, 2) },
	},
	{
		"Super-resolution",
		"CARN x2 of the zoo, trained from random weights on crops of CBSD68, and compressed from there. PSNR in dB on Set5, and\n" +
			"of what came out on Set14.",
		func(s *suite, kept *store) (*markdown.Table, error) { return s.table(kept, 3) },
	},
	{
		"Weights that learn whether they stay",
		"SCL against gradual magnitude, for the same epochs; sparsity is the share of weights that are zero. The column MACs is\n" +
			"what is left for dense arithmetic once channels without connections are cut out.",
		(*suite).sparsityTable,
	},
	{
		"Shrinking while it is trained",
		"The run to 25 % of the MACs with and without: once channels have gone, a smaller net takes the place of the full one.",
		(*suite).paceTable,
	},
	{
		"What was written is what was trained",
		"The largest errors of all rows, by model: in onnxruntime, the compact model against the original with zeros; and the\n" +
			"engine that trained against onnxruntime. Both are to be below 1e-4.",
		(*suite).errorTable,
	},
}

// table is that of sections that have a line for each experiment.
func (s *suite) table(kept *store, number int) (*markdown.Table, error) {
	scale, format, worth := 100.0, "%.2f", "accuracy"
	if number == 3 {
		scale, worth = 1, "PSNR"
	}
	t := &markdown.Table{Text: 2, Head: []string{
		"model", "way", "epochs", "seeds", "target", worth + " before", "after", "change", "MACs", "parameters", "seconds", "compact", "engine",
	}}
	last := ""
	for _, e := range s.experiments {
		if e.section != number {
			continue
		}
		if last != e.model {
			s.addPeers(t, number, last)
			last = e.model
		}
		f, ok, err := kept.figures(e)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		change := ""
		if len(f.before) > 0 {
			change = signed(scale * (f.after.mean() - f.before.mean()))
		}
		t.Add(e.model, e.way, unlessZero(f.epochs), strconv.Itoa(len(f.wall)), number100(e.left), f.before.scaled(format, scale), f.after.scaled(format, scale),
			change, f.macs.scaled("%.1f", 100), f.params.scaled("%.1f", 100), f.wall.scaled("%.0f", 1), power(f.compact), power(f.engine))
	}
	s.addPeers(t, number, last)
	return t, nil
}

// addPeers appends the reference's figures for a model.
func (s *suite) addPeers(t *markdown.Table, number int, model string) {
	if number != 1 {
		return
	}
	for _, p := range s.peersOf(model) {
		t.Add(p.Model, "reference", strconv.Itoa(p.Epochs), "1", "", fmt.Sprintf("%.2f", 100*p.Before), fmt.Sprintf("%.2f", 100*p.After),
			signed(100*(p.After-p.Before)), fmt.Sprintf("%.1f", 100*p.MACs), fmt.Sprintf("%.1f", 100*p.Params), fmt.Sprintf("%.0f", p.Seconds), "", "")
	}
}

// commands lists the commands of a section that have run, and counts the others.
func (s *suite) commands(kept *store, number int) string {
	var lines []string
	missing := 0
	for _, t := range s.trials() {
		if t.section != number {
			continue
		}
		if r, ok := kept.get(t.command()); ok {
			lines = append(lines, fmt.Sprintf("    %s  # seed %d, %.0f s\n", r.Command, r.Seed, r.Wall))
		} else {
			missing++
		}
	}
	text := ""
	if len(lines) > 0 {
		text = "\n" + strings.Join(lines, "")
	}
	if missing > 0 {
		text += fmt.Sprintf("\nNot run yet: %d.\n", missing)
	}
	return text
}

func signed(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return fmt.Sprintf("%+.2f", v)
}

func number100(share float64) string { return number(100 * share) }

func unlessZero(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// power is the power of ten above a number, for figures of which more would change
// from machine to machine; nothing where there is no number.
func power(v float64) string {
	switch {
	case math.IsNaN(v):
		return ""
	case math.IsInf(v, 0):
		return "not finite"
	case v == 0:
		return "0"
	}
	return fmt.Sprintf("< 1e%d", int(math.Floor(math.Log10(v)))+1)
}
