//go:build linux

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A system is a server that is measured, as a process.
type system struct {
	cmd    *exec.Cmd
	url    string
	token  string // of limn's account; empty: another server
	reader string // the token of the viewers who come; empty: nobody in particular
	dir    string
	run    int // tells the pages of one run from another's
	http   http.Client
}

// start starts one of the servers and returns when it serves.
func start(name, limn string) (*system, error) {
	s := &system{http: http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s.cmd = exec.Command(self, "-serve", name)
	s.cmd.Stderr = os.Stderr
	if name == "limn" {
		if s.dir, err = os.MkdirTemp("/tmp", "limn-bench-"); err != nil {
			return nil, err
		}
		if err := os.Chmod(s.dir, 0o755); err != nil { // Postgres's user has to reach it
			return nil, err
		}
		s.cmd = exec.Command(limn)
		log, err := os.Create(s.dir + "/log")
		if err != nil {
			return nil, err
		}
		defer log.Close()
		s.cmd.Stderr = log
		s.cmd.Env = append(os.Environ(), "LIMN_LISTEN=127.0.0.1:0", "LIMN_DATA_DIR="+s.dir+"/data", "LIMN_LIMITS=off", "LIMN_DATABASE_URL=")
	}
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewReader(out)
	first, err := lines.ReadString('\n')
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("it did not start: %w", err)
	}
	go io.Copy(io.Discard, lines) // until the process ends
	words := strings.Fields(first)
	s.url = words[len(words)-1]
	if name == "limn" {
		s.token, err = s.signUp("Bench")
	}
	return s, err
}

// signUp makes an account, and returns its token.
func (s *system) signUp(name string) (token string, err error) {
	var made struct{ Token string }
	err = s.post("/api/v1/accounts", "", fmt.Sprintf(`{"name":%q}`, name), &made)
	return made.Token, err
}

// post asks limn for something, as the account of a token.
func (s *system) post(path, token, body string, made any) error {
	request, err := http.NewRequest("POST", s.url+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	if token == "" {
		request.Header.Del("Authorization")
	}
	response, err := s.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		return fmt.Errorf("%s: answered %d", path, response.StatusCode)
	}
	return json.NewDecoder(response.Body).Decode(made)
}

func (s *system) stop() {
	s.cmd.Process.Signal(syscall.SIGTERM)
	s.cmd.Wait()
	if s.dir != "" {
		os.RemoveAll(s.dir)
	}
}

// page is the address of a page of limn's own, which it reads to check the notes without asking another server.
func (s *system) page(n int) string { return fmt.Sprintf("%s/demo?%d-%d", s.url, s.run, n) }

// path is where a page's stream is.
func (s *system) path(page int) string {
	if s.token == "" {
		return fmt.Sprintf("/pages/%d-%d", s.run, page)
	}
	return "/api/v1/stream?url=" + url.QueryEscape(s.page(page))
}

// publish puts a note on a page. The others are sent what limn makes of it, so that all deliver as many bytes.
func (s *system) publish(page int, note string) error {
	body := fmt.Sprintf(`{"url":%q,"group":"public","note":%q}`, s.page(page), note)
	target := s.url + "/api/v1/highlights"
	if s.token == "" {
		body, target = fmt.Sprintf(highlight, note), s.url+s.path(page)
	}
	request, err := http.NewRequest("POST", target, bytes.NewReader([]byte(body)))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	response, err := s.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	io.Copy(io.Discard, response.Body)
	if response.StatusCode >= 300 {
		return fmt.Errorf("publish: answered %d", response.StatusCode)
	}
	return nil
}

const highlight = `{"id":"01990000-0000-7000-8000-000000000000","page":{"id":"00000000-0000-8000-8000-000000000000","url":"http://127.0.0.1:8080/demo?1-1","title":"Every page has a margin"},` +
	`"group":"public","author":{"id":"01990000-0000-7000-8000-000000000000","name":"Bench"},"ranges":[],"color":"yellow","note":%q,"tags":[],` +
	`"replies":0,"check":{"state":"pending","reason":"","checked_at":null,"ranges":null},"seq":1000,"version":1,` +
	`"created_at":"2026-01-01T00:00:00.000000Z","updated_at":"2026-01-01T00:00:00.000000Z"}`

// memory is what the process itself holds, in KB; limn's Postgres is another process.
func (s *system) memory() int {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kb, _ := strconv.Atoi(strings.Fields(rest + " 0")[0])
	return kb
}

// cpu is the processor time that the process has used, in µs: what /proc counts as utime and stime, without the
// rounding to ticks of 10 ms.
func (s *system) cpu() float64 {
	const scheduled = 2 // CPUCLOCK_SCHED; clock_getcpuclockid(3) makes the clock's name of a process like this
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^s.cmd.Process.Pid<<3|scheduled), &t); err != nil {
		return 0
	}
	return float64(t.Nano()) / 1000
}

// awaitQuiet waits until the process has done nothing to speak of for a second.
func (s *system) awaitQuiet() {
	for range 30 {
		before := s.cpu()
		time.Sleep(time.Second)
		if s.cpu()-before <= 20_000 {
			return
		}
	}
}
