//go:build linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// An instance is a limn of its own process. It keeps its address through every restart.
type instance struct {
	limn, database, address string
	log                     *os.File
	unexpected              func(state string) // is told when it ends by itself

	mu     sync.Mutex
	cmd    *exec.Cmd
	ended  chan struct{}
	wanted bool // it is not to end
}

func newInstance(limn, database, logName string, unexpected func(state string)) (*instance, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // a port that nobody has
	if err != nil {
		return nil, err
	}
	defer l.Close()
	log, err := os.Create(logName)
	if err != nil {
		return nil, err
	}
	return &instance{limn: limn, database: database, address: l.Addr().String(), log: log, unexpected: unexpected}, nil
}

func (i *instance) url() string { return "http://" + i.address }

// start starts the process and returns when it serves.
func (i *instance) start() error {
	cmd := exec.Command(i.limn)
	cmd.Env = append(os.Environ(), "LIMN_LISTEN="+i.address, "LIMN_DATABASE_URL="+i.database, "LIMN_LIMITS=off")
	cmd.Stderr = i.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true} // Ctrl-C is for the checker alone
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	started, ended := make(chan error), make(chan struct{})
	go func() { // on one thread, because Pdeathsig fires when the thread that forked ends
		runtime.LockOSThread()
		defer close(ended)
		err := cmd.Start()
		if err != nil {
			started <- err
			return
		}
		lines := bufio.NewReader(out)
		_, err = lines.ReadString('\n') // where it is, once it serves
		started <- err
		io.Copy(io.Discard, lines)
		cmd.Wait()
		i.mu.Lock()
		wanted := i.wanted
		i.mu.Unlock()
		if wanted {
			i.unexpected(fmt.Sprintf("%s: %s, its log is %s", i.address, cmd.ProcessState, i.log.Name()))
		}
	}()
	if err := <-started; err != nil {
		<-ended
		return fmt.Errorf("start limn, whose log is %s: %w", i.log.Name(), err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.cmd, i.ended, i.wanted = cmd, ended, true
	return nil
}

// signal sends a signal; SIGSTOP and SIGCONT pause it.
func (i *instance) signal(s syscall.Signal) error { return i.cmd.Process.Signal(s) }

// end sends the signal that is to end the process and waits until it has.
func (i *instance) end(s syscall.Signal) {
	i.mu.Lock()
	running := i.wanted
	i.wanted = false
	i.mu.Unlock()
	if running {
		i.signal(s)
		<-i.ended
	}
}

func (i *instance) close() {
	i.end(syscall.SIGKILL)
	i.log.Close()
}
