//go:build linux

package main

import (
	"os"
	"os/exec"
)

// An instance is a limn of its own process.
type instance struct{ *process }

func newInstance(limn, database, bus, logName string, unexpected func(state string)) (*instance, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	p, err := newProcess(address, logName, unexpected, func() *exec.Cmd {
		cmd := exec.Command(limn)
		cmd.Env = append(os.Environ(), "LIMN_LISTEN="+address, "LIMN_DATABASE_URL="+database, "LIMN_LIMITS=off", "LIMN_BUS="+bus)
		return cmd
	})
	return &instance{p}, err
}

func (i *instance) url() string { return "http://" + i.address }
