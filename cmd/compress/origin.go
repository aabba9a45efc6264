package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"onnxcompress/compress/pipeline"
	"onnxcompress/internal/config"
)

// aside are the flags that make no difference to what is in a result: where it
// goes, what is told of it, how it is come by.
var aside = map[string]bool{
	"output": true, "masked-output": true, "force": true, "keep-best": true, "dry-run": true, "no-validate": true,
	"json": true, "report": true, "verbose": true, "quiet": true, "progress": true, "ort-lib": true,
	"checkpoint": true, "checkpoint-interval": true, "resume": true,
}

// commandLine annotates the root with the arguments that the program was given.
const commandLine = "line"

// origin says what made a run. Its command has the settings wherever they came
// from, and of files the names without the folders, which are nobody's business
// and differ where the result does not.
func origin(c *cobra.Command, model string) pipeline.Origin {
	parts := []string{c.CommandPath(), quoted(filepath.Base(model))}
	for _, s := range config.Differing(c.Flags()) {
		if aside[s.Flag] {
			continue
		}
		for _, v := range s.Values {
			if _, err := os.Stat(v); err == nil {
				v = filepath.Base(v)
			}
			word := "--" + s.Flag + "=" + v
			if v == c.Flags().Lookup(s.Flag).NoOptDefVal {
				word = "--" + s.Flag
			}
			parts = append(parts, quoted(word))
		}
	}
	return pipeline.Origin{Version: moduleVersion(), Command: strings.Join(parts, " "), Line: c.Root().Annotations[commandLine]}
}

// joined is a command line that gives these arguments.
func joined(args []string) string {
	parts := []string{"compress"}
	for _, a := range args {
		parts = append(parts, quoted(a))
	}
	return strings.Join(parts, " ")
}

// quoted is a word as a shell takes it.
func quoted(word string) string {
	plain := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || strings.ContainsRune("-_=+:,./%@", r)
	}
	if word != "" && strings.TrimFunc(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
