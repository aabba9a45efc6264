package main

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// model is a model file to try.
type model struct {
	// source is the zip or folder it came from, name what it is called there.
	source, name string
	path         string
	// inputs is an npz of inputs for it, empty where random ones have to do.
	inputs string
}

// collect lists the models of zips and folders, sorted. Zips are unpacked into
// scratch.
func collect(sources []string, scratch string) ([]model, error) {
	var models []model
	for _, source := range sources {
		info, err := os.Stat(source)
		if err != nil {
			return nil, err
		}
		folder := source
		if !info.IsDir() {
			if folder, err = os.MkdirTemp(scratch, "models-"); err != nil {
				return nil, err
			}
			if err := unpack(source, folder); err != nil {
				return nil, fmt.Errorf("%s: %w", source, err)
			}
		}
		found, err := list(folder, source)
		if err != nil {
			return nil, err
		}
		models = append(models, found...)
	}
	if len(models) == 0 {
		return nil, errors.New("there are no models")
	}
	return models, nil
}

// list finds the models below a folder, and for each the inputs of its name in
// the folder inputs beside the source.
func list(folder, source string) ([]model, error) {
	var models []model
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".onnx" {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		m := model{source: filepath.Base(source), name: filepath.ToSlash(name), path: path}
		stem := strings.TrimSuffix(filepath.Base(path), ".onnx")
		inputs := filepath.Join(filepath.Dir(source), "inputs", stem+".npz")
		if _, err := os.Stat(inputs); err == nil {
			m.inputs = inputs
		}
		models = append(models, m)
		return nil
	})
	slices.SortFunc(models, func(a, b model) int { return strings.Compare(a.name, b.name) })
	return models, err
}

// unpack writes the files of a zip below a folder.
func unpack(path, folder string) error {
	archive, err := zip.OpenReader(path)
	if err != nil {
		return err
	}
	defer archive.Close()
	for _, f := range archive.File {
		if f.FileInfo().IsDir() {
			continue
		}
		if !filepath.IsLocal(filepath.FromSlash(f.Name)) {
			return fmt.Errorf("%q leads out of the archive", f.Name)
		}
		if err := unpackFile(f, filepath.Join(folder, filepath.FromSlash(f.Name))); err != nil {
			return err
		}
	}
	return nil
}

func unpackFile(f *zip.File, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
