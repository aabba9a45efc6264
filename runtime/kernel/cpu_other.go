//go:build noasm || !(amd64 || arm64)

package kernel

// levels are those that this processor has, the best first.
func levels() []*level { return []*level{definition} }

// pause is a hint that a thread is waiting for another.
func pause() {}
