//go:build noasm || !amd64

package kernel

// vectorLevels are the sets that this processor runs, the best first.
func vectorLevels() []*vectors { return []*vectors{&vectorsGo} }
