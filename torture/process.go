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

// A process is one that is killed, paused and started again. It keeps its address.
type process struct {
	command    func() *exec.Cmd // says a line once it serves
	address    string
	log        *os.File
	unexpected func(state string) // is told when it ends by itself

	mu     sync.Mutex
	cmd    *exec.Cmd
	ended  chan struct{}
	wanted bool // it is not to end
}

func newProcess(address, logName string, unexpected func(state string), command func() *exec.Cmd) (*process, error) {
	log, err := os.Create(logName)
	if err != nil {
		return nil, err
	}
	return &process{command: command, address: address, log: log, unexpected: unexpected}, nil
}

// freeAddress is one at which nobody listens.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// start starts the process and returns when it serves.
func (p *process) start() error {
	cmd := p.command()
	cmd.Stderr = p.log
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
		p.mu.Lock()
		wanted := p.wanted
		p.mu.Unlock()
		if wanted {
			p.unexpected(fmt.Sprintf("%s: %s, its log is %s", p.address, cmd.ProcessState, p.log.Name()))
		}
	}()
	if err := <-started; err != nil {
		<-ended
		return fmt.Errorf("start what writes the log %s: %w", p.log.Name(), err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cmd, p.ended, p.wanted = cmd, ended, true
	return nil
}

// signal sends a signal; SIGSTOP and SIGCONT pause it.
func (p *process) signal(s syscall.Signal) error { return p.cmd.Process.Signal(s) }

// end sends the signal that is to end the process and waits until it has.
func (p *process) end(s syscall.Signal) {
	p.mu.Lock()
	running := p.wanted
	p.wanted = false
	p.mu.Unlock()
	if running {
		p.signal(s)
		<-p.ended
	}
}

func (p *process) close() {
	p.end(syscall.SIGKILL)
	p.log.Close()
}
