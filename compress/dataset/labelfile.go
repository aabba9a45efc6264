package dataset

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// labelFile reads the labels that lie in a folder of images without
// sub-folders: labels.txt has one a line, in the order of the images' names, and
// labels.csv the name of an image and its label. Labels are numbers, or names
// that are numbered in order.
func labelFile(in *imageFiles, dir string) (truth, error) {
	name := path.Join(dir, "labels.txt")
	data, err := readFile(in.tree, name)
	if errors.Is(err, fs.ErrNotExist) {
		name = path.Join(dir, "labels.csv")
		data, err = readFile(in.tree, name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return truth{}, nil
	}
	if err != nil {
		return truth{}, err
	}
	var labels []string
	if strings.HasSuffix(name, ".txt") {
		labels = strings.Fields(strings.ReplaceAll(strings.TrimSpace(string(data)), "\n", " "))
		if lines := strings.Count(strings.TrimSpace(string(data)), "\n") + 1; lines != len(labels) {
			return truth{}, fmt.Errorf("%s: %d labels in %d lines: want one a line", name, len(labels), lines)
		}
	} else if labels, err = labelTable(string(data), in.files); err != nil {
		return truth{}, fmt.Errorf("%s: %w", name, err)
	}
	if len(labels) != len(in.files) {
		return truth{}, fmt.Errorf("%s: %d images, but %d labels", name, len(in.files), len(labels))
	}
	return labelsOf(labels, name)
}

// labelTable finds the label of each image in lines of a name and a label.
func labelTable(text string, files []string) ([]string, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = 2
	rows, err := r.ReadAll()
	if err != nil {
		return nil, err
	}
	of := map[string]string{}
	for _, row := range rows {
		of[path.Base(row[0])] = strings.TrimSpace(row[1])
	}
	labels := make([]string, len(files))
	for i, f := range files {
		l, ok := of[path.Base(f)]
		if !ok {
			return nil, fmt.Errorf("has no label for %s", f)
		}
		labels[i] = l
	}
	return labels, nil
}

// labelsOf reads labels as numbers if all are, and else as names of classes.
func labelsOf(text []string, from string) (truth, error) {
	t := truth{from: from}
	for _, s := range text {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return named(text, slices.Compact(slices.Sorted(slices.Values(text))), from), nil
		}
		if n < 0 {
			return t, fmt.Errorf("%s: label %d: want a class number", from, n)
		}
		t.label = append(t.label, n)
	}
	return t, nil
}
