package main

import (
	"fmt"
	"path"
	"strconv"
	"strings"
)

// experiment is one command of the program, run once for each seed.
type experiment struct {
	section int
	// model, way and left are its place in the page: what is compressed, how, and
	// which share of the MACs (in section 4 of the weights) is to be left.
	model, way string
	left       float64
	// verb is the subcommand, empty for the bare form.
	verb  string
	seeds int
	// input is the model that a seed starts from.
	input func(seed int) file
	// args are flags; those that name the seed and the outputs come after them.
	args []string
	// found is the experiment whose compact architecture this one trains, nil where it
	// has the model's own.
	found *experiment
	// folder is where outputs go.
	folder string
}

// file is a file that trials read. make writes it where it is not there; one
// without is shipped. Where it is made of what a trial leaves, that must come before.
type file struct {
	path string
	of   *trial
	make func(path string) error
}

// shipped is a file that is there.
func shipped(path string) func(int) file { return func(int) file { return file{path: path} } }

// trial is an experiment with one seed: a row of the results.
type trial struct {
	*experiment
	seed int
}

func (e *experiment) trials() []trial {
	list := make([]trial, e.seeds)
	for i := range list {
		list[i] = trial{e, i}
	}
	return list
}

// stem is the name of a trial's files without its ending.
func (t trial) stem() string {
	name := fmt.Sprintf("%s %s %s seed %d", t.model, t.way, number(100*t.left), t.seed)
	return path.Join(t.folder, strings.ReplaceAll(strings.ReplaceAll(name, ",", ""), " ", "-"))
}

// output is the model that a trial writes, and report what it says.
func (t trial) output() string { return t.stem() + ".onnx" }
func (t trial) report() string { return t.stem() + ".json" }

// words are the arguments of the program.
func (t trial) words() []string {
	var words []string
	if t.verb != "" {
		words = append(words, t.verb)
	}
	words = append(words, t.input(t.seed).path)
	words = append(words, t.args...)
	if t.verb == "" {
		words = append(words, "--seed", strconv.Itoa(t.seed), "-o", t.output(), "--force", "--progress", "plain")
	}
	return append(words, "--json", t.report())
}

// command is how a trial is run from the root of the repository, and the key that
// it is known by.
func (t trial) command() string { return "bin/compress " + strings.Join(t.words(), " ") }

// title is what a trial is called while it runs.
func (t trial) title() string {
	return fmt.Sprintf("%d %s, %s, %s %%, seed %d", t.section, t.model, t.way, number(100*t.left), t.seed)
}

// number writes a number without needless digits.
func number(v float64) string { return strconv.FormatFloat(v, 'g', 5, 64) }

// percent is a share as flags take it.
func percent(share float64) string { return number(100*share) + "%" }
