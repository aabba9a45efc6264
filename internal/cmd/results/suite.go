package main

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"onnxcompress/internal/trained"
)

// suite is what is run and shown together.
type suite struct {
	experiments []*experiment
	peers       []trained.Peer
	// hours is what all of it may take.
	hours float64
	// quick says that it is the quick form.
	quick bool

	shared, folder string
	models         []trained.Model
	data           []file
}

// The ways that a page speaks of. The rest are methods by their names.
const (
	automatic = "auto"
	unlabeled = "no labels"
	equal     = "at equal MACs"
	whole     = "whole"
	unshrunk  = "not shrunk"
	masks     = "scl"
	ramp      = "gradual-weights"
)

// baselines are the methods that others are to be ahead of.
var baselines = []string{"magnitude", "taylor", "random"}

// sparsities are the shares of weights that go in section 4.
var sparsities = []float64{0.9, 0.95, 0.975, 0.99, 0.995}

// published marks those of the peers that trained: the reference.
const published = "hesso"

// newSuite lists the experiments on what lies in shared.
func newSuite(shared string, quick bool) (*suite, error) {
	models, err := trained.Models(shared)
	if err != nil {
		return nil, err
	}
	peers, err := trained.Peers(shared)
	if err != nil {
		return nil, err
	}
	peers = slices.DeleteFunc(peers, func(p trained.Peer) bool { return !strings.HasPrefix(p.Method, published) })
	s := &suite{shared: shared, models: models, folder: "bin/results", hours: 4, peers: peers}
	if quick {
		s.quick, s.folder, s.hours, s.peers = true, "bin/results/quick", 0.25, nil
		return s, s.fillQuick()
	}
	return s, s.fill()
}

// subject is a model that experiments are made on.
type subject struct {
	name   string
	epochs int
	seeds  int
	input  func(seed int) file
	// data are the flags that say what it is trained and measured on.
	data []string
}

// subject finds a trained model.
func (s *suite) subject(name string, seeds int) (subject, error) {
	for _, m := range s.models {
		if m.Name == name {
			data := filepath.ToSlash(m.Data)
			flags := append([]string{"--data", data, "--val", data}, m.Flags()...)
			return subject{name, m.Epochs, seeds, shipped(filepath.ToSlash(m.Path)), flags}, nil
		}
	}
	return subject{}, fmt.Errorf("%s/models: there is no %s.onnx", s.shared, name)
}

// add makes an experiment on a subject that brings it to a share of its MACs.
func (s *suite) add(section int, m subject, way string, left float64, args ...string) *experiment {
	return s.append(section, m, way, left, slices.Concat(m.data, []string{"--target-macs", percent(left)}, m.limit(), args))
}

// limit is the flag for how long a subject is trained.
func (m subject) limit() []string {
	return []string{"--epochs", strconv.Itoa(m.epochs)}
}

func (s *suite) append(section int, m subject, way string, left float64, args []string) *experiment {
	e := &experiment{section: section, model: m.name, way: way, left: left, seeds: m.seeds, input: m.input, args: args, folder: s.folder}
	s.experiments = append(s.experiments, e)
	return e
}

// find is the experiment in a place of the page, nil if there is none.
func (s *suite) find(model, way string, left float64) *experiment {
	for _, e := range s.experiments {
		if e.model == model && e.way == way && e.left == left {
			return e
		}
	}
	return nil
}

// trials are those of all experiments, in the order in which they are run.
func (s *suite) trials() []trial {
	var all []trial
	for _, e := range s.experiments {
		all = append(all, e.trials()...)
	}
	return all
}

// check holds what a page relies on: no two trials have one place or one file.
func (s *suite) check() error {
	stems, commands := map[string]bool{}, map[string]bool{}
	for _, t := range s.trials() {
		if stems[t.stem()] || commands[t.command()] {
			return fmt.Errorf("%s is there twice", t.title())
		}
		stems[t.stem()], commands[t.command()] = true, true
	}
	if len(stems) == 0 {
		return errors.New("there are no experiments")
	}
	return nil
}

// start is a file that is made for trials to begin with.
func (s *suite) start(name string, seed int) string {
	return path.Join(s.folder, "start", fmt.Sprintf("%s-seed-%d.onnx", name, seed))
}
