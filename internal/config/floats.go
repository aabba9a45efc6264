package config

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// floats is a list of numbers that gives back exactly what it was set to; that
// of pflag rounds to six places.
type floats struct {
	list *[]float64
	set  bool
}

// Floats is the value of a flag that takes a list of numbers. The list is set
// by the first use of the flag and grows by more.
func Floats(list *[]float64) pflag.Value { return &floats{list: list} }

// Set implements pflag.Value.
func (f *floats) Set(text string) error {
	var more []float64
	for _, part := range strings.Split(text, ",") {
		v, err := number(part)
		if err != nil {
			return err
		}
		more = append(more, v)
	}
	if !f.set {
		*f.list, f.set = nil, true
	}
	*f.list = append(*f.list, more...)
	return nil
}

func number(text string) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil {
		return 0, fmt.Errorf("%q is no number", text)
	}
	return v, nil
}

// Type implements pflag.Value.
func (f *floats) Type() string { return "floats" }

func (f *floats) String() string { return strings.Join(f.GetSlice(), ",") }

// Append implements pflag.SliceValue.
func (f *floats) Append(text string) error {
	v, err := number(text)
	if err == nil {
		*f.list = append(*f.list, v)
	}
	return err
}

// Replace implements pflag.SliceValue.
func (f *floats) Replace(texts []string) error {
	list := make([]float64, len(texts))
	for i, text := range texts {
		var err error
		if list[i], err = number(text); err != nil {
			return err
		}
	}
	*f.list, f.set = list, true
	return nil
}

// GetSlice implements pflag.SliceValue.
func (f *floats) GetSlice() []string {
	var texts []string
	if f.list != nil {
		for _, v := range *f.list {
			texts = append(texts, strconv.FormatFloat(v, 'g', -1, 64))
		}
	}
	return texts
}
