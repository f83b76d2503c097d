package storage

import (
	"fmt"
	"os"
	"strings"
)

// PrivateMemory is the setting of a private Postgres for how much memory it keeps tables and indexes in: an eighth of what there is, and
// at least what it would have without.
func PrivateMemory() string {
	const least, most = 128, 1024 // MiB
	return fmt.Sprintf("shared_buffers=%dMB", min(max(memory()>>23, least), most))
}

// memory is how many bytes the machine has, or the container; 0: that is not known.
func memory() (bytes int64) {
	machine, _ := os.ReadFile("/proc/meminfo")
	_, rest, _ := strings.Cut(string(machine), "MemTotal:")
	fmt.Sscan(rest, &bytes)
	bytes <<= 10 // it is in kB
	for _, limit := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		var most int64
		text, _ := os.ReadFile(limit)
		if _, err := fmt.Sscan(string(text), &most); err == nil {
			bytes = min(bytes, most)
		}
	}
	return bytes
}
