package main

import (
	"path"
	"path/filepath"
	"slices"
)

// What the quick form trains and measures on: so many images of each part.
const quickTrain, quickTest = 10_000, 2_000

// fillQuick lists the experiments of the quick form: small models, one seed, two
// epochs on a part of the images.
func (s *suite) fillQuick() error {
	part := file{path: path.Join(s.folder, "fashion-mnist"), make: firstImages(filepath.Join(s.shared, "data", "fashion-mnist"), quickTrain, quickTest)}
	s.data = []file{part}
	for _, r := range []reach{{"resnet8_fashion", 1, true, true, true}, {"lenet5_fashion", 1, false, false, false}} {
		m, err := s.quickSubject(r.model, part)
		if err != nil {
			return err
		}
		s.compressed(m, r)
	}
	digits, err := s.subject("resnet8_digits", 1)
	if err != nil {
		return err
	}
	s.compressed(digits, reach{})
	scratch, err := s.quickSubject("resnet8_fashion_bn", part)
	if err != nil {
		return err
	}
	s.fromScratch(scratch, once)
	s.superResolution(20)
	fashion, err := s.quickSubject("lenet5_fashion", part)
	if err != nil {
		return err
	}
	fashion.epochs = 6
	s.sparseLeNet(fashion, []float64{0.9, 0.975, 0.99})
	return nil
}

// quickSubject is a trained model with a part of its images.
func (s *suite) quickSubject(name string, part file) (subject, error) {
	m, err := s.subject(name, 1)
	if err != nil {
		return m, err
	}
	m.epochs, m.data = 2, slices.Clone(m.data)
	for i, word := range m.data {
		if word == "--data" || word == "--val" {
			m.data[i+1] = part.path
		}
	}
	return m, nil
}
