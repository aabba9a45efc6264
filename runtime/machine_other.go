//go:build !linux

package runtime

// machineMemory is the memory in bytes that this process can have.
func machineMemory() int64 { return fallbackMemory }
