// Package machine says what computed the figures of a page.
package machine

import (
	"os"
	"runtime"
	"slices"
	"strings"
)

// Processor is the name of the processor, with the widest vector instructions that
// the engine makes use of.
func Processor() string {
	name := runtime.GOARCH
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return name
	}
	field := func(key string) string {
		for line := range strings.Lines(string(text)) {
			if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == key {
				return strings.TrimSpace(v)
			}
		}
		return ""
	}
	if model := field("model name"); model != "" {
		name = model
	}
	flags := strings.Fields(field("flags"))
	for _, level := range []struct{ flag, name string }{{"avx512f", "AVX-512"}, {"avx2", "AVX2"}} {
		if slices.Contains(flags, level.flag) {
			return name + " with " + level.name
		}
	}
	return name
}
