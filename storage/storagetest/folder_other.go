//go:build !linux

package storagetest

import "os"

// newFolder makes the folder of this process's Postgres.
func newFolder() (string, error) { return os.MkdirTemp("", "limn-test-") }
