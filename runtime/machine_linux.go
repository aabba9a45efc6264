package runtime

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// machineMemory is the memory in bytes that this process can have.
func machineMemory() int64 {
	var info unix.Sysinfo_t
	most := int64(fallbackMemory)
	if err := unix.Sysinfo(&info); err == nil {
		most = int64(uint64(info.Totalram) * uint64(info.Unit))
	}
	// A container may be given less.
	if b, err := os.ReadFile("/sys/fs/cgroup/memory.max"); err == nil {
		if given, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64); err == nil {
			most = min(most, given)
		}
	}
	return most
}
