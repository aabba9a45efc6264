package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// standIn makes the test binary the program that trials run.
const standIn = "RESULTS_TEST_STAND_IN"

func TestMain(m *testing.M) {
	if os.Getenv(standIn) != "" {
		if err := pretend(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// pretend does as the program does: it wants its input, writes its outputs, and
// fails where it is told to. Each run leaves a line in runs.
func pretend(args []string) error {
	value := func(flag string) string {
		if i := slices.Index(args, flag); i >= 0 {
			return args[i+1]
		}
		return ""
	}
	if slices.Contains(args, "--fail") {
		return errors.New("first line\nas it was told")
	}
	if _, err := os.Stat(args[0]); err != nil {
		return err
	}
	runs, err := os.OpenFile("runs", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	fmt.Fprintln(runs, args[0], value("--seed"))
	report := `{"pinned": [{"value": "w"}], "method": "auto", "before": {"macs": 100, "params": 10, "metric": 0.9}, "after": {"macs": 50, "params": 5, "metric": 0.91}}`
	return errors.Join(runs.Close(), os.WriteFile(value("-o"), []byte("model"), 0o666), os.WriteFile(value("--json"), []byte(report), 0o666))
}

// ran lists what has been run.
func ran(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("runs")
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}
