package main

import (
	"strings"
	"testing"
)

func TestPage(t *testing.T) {
	rounds := []reading{
		{train: 100, infer: 300, memory: 1 << 27, torchTrain: 50, torchInfer: 400, torchMemory: 1 << 28, ort: 600},
		{train: 120, infer: 300, memory: 1 << 27, torchTrain: 40, torchInfer: 400, torchMemory: 1 << 28, ort: 600},
		{train: 90, infer: 300, memory: 1 << 27, torchTrain: 90, torchInfer: 400, torchMemory: 1 << 28, ort: 600},
	}
	alone := []reading{{train: 100, infer: 300, memory: 1 << 27, ort: 600}}
	tests := []struct {
		name string
		page page
		want []string
	}{
		{"all", page{machine: "processor", threads: 2, torch: "2.0", rows: []row{{net{"a", 8}, rounds}}}, []string{
			"processor", "PyTorch is 2.0", "| a | 8 | 100 | 50 | 2.00 | 128 | 256 | 0.50 |", "| a | 8 | 300 | 600 | 0.50 | 400 | 0.75 |",
		}},
		{"without PyTorch", page{missing: "it is not installed", rows: []row{{net{"a", 8}, alone}}}, []string{
			"PyTorch was not measured: it is not installed.", "| a | 8 | 100 |  |  | 128 |  |  |", "| a | 8 | 300 | 600 | 0.50 |  |  |",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			text := test.page.String()
			for _, want := range test.want {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in\n%s", want, text)
				}
			}
		})
	}
}
