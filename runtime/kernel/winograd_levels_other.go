//go:build noasm || !amd64

package kernel

var winogradLevels map[string][]transforms
