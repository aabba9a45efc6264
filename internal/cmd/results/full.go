package main

import (
	"math"
	"slices"

	"onnxcompress/internal/trained"
)

// reach says what section 1 does with a model.
type reach struct {
	model string
	seeds int
	// lowest adds a target of 10 %, compared the baselines at 25 %, and paced what
	// section 5 asks: the run at 25 % without shrinking.
	lowest, compared, paced bool
}

// fill lists the experiments of the whole form.
func (s *suite) fill() error {
	for _, r := range []reach{
		{"vgg16bn_cifar10", 1, true, true, true},
		{"resnet20_cifar10", 1, false, false, false},
		{"vit_fashion", 1, false, false, false},
		{"resnet8_fashion", 3, true, true, true},
		{"lenet5_fashion", 3, false, false, false},
	} {
		m, err := s.subject(r.model, r.seeds)
		if err != nil {
			return err
		}
		s.compressed(m, r)
	}
	for _, r := range []struct {
		model   string
		seeds   int
		methods []string
	}{{"resnet8_fashion_bn", 3, once}, {"vgg16bn_cifar10_bn", 1, once[:1]}} {
		m, err := s.subject(r.model, r.seeds)
		if err != nil {
			return err
		}
		s.fromScratch(m, r.methods)
	}
	s.superResolution(1000)
	fashion, err := s.subject("lenet5_fashion", 3)
	if err != nil {
		return err
	}
	fashion.epochs = 6
	s.sparseLeNet(fashion, sparsities)
	vgg, err := s.subject("vgg16bn_cifar10", 1)
	if err != nil {
		return err
	}
	vgg.epochs = 4
	s.sparse(vgg, sparsities)
	return nil
}

// compressed are the experiments of section 1 on one model, and of section 5, next
// to the run that they are compared with, since the pace of machines drifts.
func (s *suite) compressed(m subject, r reach) {
	s.add(1, m, automatic, 0.5)
	s.add(1, m, automatic, 0.25)
	if r.paced {
		one := m
		one.seeds = 1
		s.add(5, one, unshrunk, 0.25, "--no-shrink")
	}
	if r.lowest {
		s.add(1, m, automatic, 0.1)
	}
	s.add(1, m, unlabeled, 0.5, "--labels", "none")
	for _, p := range s.peersOf(m.name) {
		same := m
		same.epochs, same.seeds = min(m.epochs, p.Epochs), 1
		s.add(1, same, equal, p.MACs)
	}
	if r.compared {
		for _, method := range baselines {
			s.add(1, m, method, 0.25, "--method", method)
		}
	}
}

func (s *suite) peersOf(model string) []trained.Peer {
	return slices.DeleteFunc(slices.Clone(s.peers), func(p trained.Peer) bool { return p.Model != model })
}

// once are the methods that train and compress in one run.
var once = []string{"dhspg", "hesso"}

// fromScratch are the experiments of section 2: an export with random weights is
// trained whole, trained and compressed at once, and the compact architectures that
// this finds are trained alone from other random weights.
func (s *suite) fromScratch(m subject, methods []string) {
	trained := m.input(0).path
	m.input = func(seed int) file {
		return file{path: s.start(m.name, seed), make: redrawn(trained, seed)}
	}
	s.add(2, m, whole, 1, "--from-scratch")
	for _, method := range methods {
		e := s.add(2, m, method, 0.5, "--from-scratch", "--method", method)
		alone := m
		alone.input = func(seed int) file {
			of := trial{e, seed}
			return file{path: s.start(m.name+"-"+method, seed), of: &of, make: redrawn(of.output(), seed+1000)}
		}
		x := s.append(2, alone, aloneAfter(method), 0.5, slices.Concat(m.data, []string{"--target-macs", "100%"}, m.limit(), []string{"--from-scratch"}))
		x.found = e
	}
}

// aloneAfter is the way of training an architecture alone that a method has found.
func aloneAfter(method string) string { return "alone, found by " + method }

// superResolution are the experiments of section 3.
func (s *suite) superResolution(epochs int) {
	photos := s.shared + "/data/sr/"
	m := subject{
		name: "carn_x2", epochs: epochs, seeds: 1, data: []string{"--data", photos + "train", "--val", photos + "Set5"},
		input: func(int) file { return file{path: s.start("carn_x2", 0), make: unpackedCARN(s.shared)} },
	}
	full := s.add(3, m, whole, 1, "--from-scratch")
	smaller := m
	smaller.input = left(full)
	compact := s.add(3, smaller, automatic, 0.25)
	for _, e := range []*experiment{full, compact} {
		tested := m
		tested.input = left(e)
		s.append(3, tested, onSet14, e.left, []string{"--data", photos + "Set14"}).verb = "eval"
	}
}

// onSet14 is the way of measuring what an experiment of section 3 has left.
const onSet14 = "on Set14"

// left is what an experiment leaves.
func left(e *experiment) func(int) file {
	return func(seed int) file {
		of := trial{e, seed}
		return file{path: of.output(), of: &of}
	}
}

// sparseLeNet are the experiments of section 4 on a LeNet-300-100 with random
// weights, on the data of a subject.
func (s *suite) sparseLeNet(m subject, shares []float64) {
	m.name = "lenet_300_100"
	m.input = func(seed int) file {
		return file{path: s.start(m.name, seed), make: lenet300(seed)}
	}
	s.sparse(m, shares, "--from-scratch", "--batch-size", "256", "--optimizer", "sgd", "--lr", "0.1", "--weight-decay", "0")
}

// sparse are the experiments of section 4 on one model.
func (s *suite) sparse(m subject, shares []float64, args ...string) {
	for _, gone := range shares {
		for _, method := range []string{masks, ramp} {
			s.append(4, m, method, math.Round(1e6*(1-gone))/1e6, slices.Concat(m.data, []string{"--target-sparsity", percent(gone)}, m.limit(), []string{"--method", method}, args))
		}
	}
}
