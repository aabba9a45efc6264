//go:build noasm || !amd64

package kernel

var stripLevels map[string]*strips
