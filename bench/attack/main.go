//go:build linux

// Command attack measures what others notice while one address floods limn: how late the answers to a person are who
// reads and writes, beside the same person's a moment before.
//
// limn runs as it is delivered, with a Postgres of its own. The attacker is a process of its own at another loopback
// address and at the lowest priority, because on a real attack its processors are not the server's.
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// main stays on the first thread: servers end when the thread that started them does.
func init() { runtime.LockOSThread() }

func main() {
	limn := flag.String("limn", "bin/limn", "the limn to measure")
	rounds := flag.Int("rounds", 3, "how many rounds")
	phase := flag.Duration("phase", 8*time.Second, "how long each phase is")
	only := flag.String("only", "", "only this attack")
	by := flag.String("attack", "", "be the attacker")
	url := flag.String("url", "", "whom the attacker attacks")
	flag.Parse()
	err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 20_000, Max: 20_000})
	if err == nil && *by != "" {
		err = attack(*by, *url)
	} else if err == nil {
		err = compare(*limn, *rounds, *phase, *only)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench-attack:", err)
		os.Exit(1)
	}
}

// compare has each attack between two quiet phases, in each round, and prints the medians.
func compare(limn string, rounds int, phase time.Duration, only string) error {
	s, err := start(limn)
	if err != nil {
		return err
	}
	defer s.stop()
	v, err := newVictim(s.url)
	if err != nil {
		return err
	}
	v.watch(phase / 2) // until all is warm
	fmt.Printf("%-12s %10s %10s %10s %10s %8s   a person's p50 and p99 without and under attack, in ms; the median of %d rounds\n", "attack", "p50", "p50 under", "p99", "p99 under", "p99 by", rounds)
	for _, a := range attacks {
		if only != "" && a.name != only {
			continue
		}
		var lines []figures
		for range rounds {
			before := v.watch(phase)
			end, err := s.attackedBy(a.name)
			if err != nil {
				return err
			}
			under := v.watch(phase)
			end()
			after := v.watch(phase)
			quiet := quantiles{(before.p50 + after.p50) / 2, (before.p99 + after.p99) / 2, before.failed + after.failed}
			lines = append(lines, figures{quiet, under})
		}
		slices.SortFunc(lines, func(a, b figures) int { return cmp.Compare(a.ratio(), b.ratio()) })
		f := lines[len(lines)/2]
		fmt.Printf("%-12s %10.1f %10.1f %10.1f %10.1f %8.2f", a.name, ms(f.quiet.p50), ms(f.under.p50), ms(f.quiet.p99), ms(f.under.p99), f.ratio())
		if failed := f.quiet.failed + f.under.failed; failed > 0 {
			fmt.Printf("   %d were not answered well", failed)
		}
		fmt.Println()
	}
	return nil
}

type figures struct{ quiet, under quantiles }

func (f figures) ratio() float64 { return float64(f.under.p99) / float64(f.quiet.p99) }

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// A server is limn as a process.
type server struct {
	url string
	dir string
	cmd *exec.Cmd
}

func start(limn string) (*server, error) {
	dir, err := os.MkdirTemp("/tmp", "limn-attack-")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o755); err != nil { // Postgres's user has to reach it
		return nil, err
	}
	log, err := os.Create(dir + "/log")
	if err != nil {
		return nil, err
	}
	defer log.Close()
	s := &server{dir: dir, cmd: exec.Command(limn)}
	s.cmd.Stderr = log
	s.cmd.Env = append(os.Environ(), "LIMN_LISTEN=127.0.0.1:0", "LIMN_DATA_DIR="+dir+"/data", "LIMN_LIMITS=on", "LIMN_DATABASE_URL=")
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if _, err := fmt.Fscanf(out, "limn is at %s\n", &s.url); err != nil {
		s.stop()
		return nil, fmt.Errorf("limn does not start; its log is %s/log: %w", dir, err)
	}
	go io.Copy(io.Discard, out)
	return s, nil
}

func (s *server) stop() {
	s.cmd.Process.Signal(syscall.SIGTERM)
	s.cmd.Wait()
	os.RemoveAll(s.dir)
}

// attackedBy starts an attacker, and returns when it has begun.
func (s *server) attackedBy(name string) (end func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("nice", "-n", "19", self, "-attack", name, "-url", s.url)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if _, err := fmt.Fscanln(out, new(string)); err != nil {
		return nil, fmt.Errorf("the attacker %s has not begun: %w", name, err)
	}
	return func() {
		cmd.Process.Kill()
		cmd.Wait()
	}, nil
}

// A victim reads and writes at a steady pace, and is answered late or not.
type victim struct {
	url, token string
	http       http.Client
	written    []string
	count      int
}

const (
	victimRate = 80   // requests a second
	highlights = 1000 // on pages that everybody reads, before anything begins
	pages      = 20
)

func newVictim(url string) (*victim, error) {
	v := &victim{url: url, http: http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	var session struct{ Token string }
	if err := v.ask("POST", "/accounts", `{"name":"Ada"}`, &session); err != nil {
		return nil, err
	}
	v.token = session.Token
	for n := range highlights {
		if err := v.write(n % pages); err != nil {
			return nil, err
		}
		time.Sleep(time.Second / 90) // her own limit
	}
	return v, nil
}

func (v *victim) write(page int) error {
	var made struct{ ID string }
	note := strings.Repeat("what somebody thinks of it. ", 20)
	err := v.ask("POST", "/highlights", fmt.Sprintf(`{"url":"https://%d.invalid/","group":"public","note":%q}`, page, note), &made)
	if err == nil && len(v.written) < highlights {
		v.written = append(v.written, made.ID)
	}
	return err
}

func (v *victim) ask(method, path, body string, into any) error {
	request, err := http.NewRequest(method, v.url+"/api/v1"+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return err
	}
	if v.token != "" {
		request.Header.Set("Authorization", "Bearer "+v.token)
	}
	response, err := v.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= 300 {
		return fmt.Errorf("%s %s is answered %d: %s", method, path, response.StatusCode, answer)
	}
	if into != nil {
		return json.Unmarshal(answer, into)
	}
	return nil
}

type quantiles struct {
	p50, p99 time.Duration
	failed   int
}

// watch has the victim ask at its pace, whether or not the answers come, and says how long they took since each was due.
func (v *victim) watch(phase time.Duration) (q quantiles) {
	type outcome struct {
		late time.Duration
		err  error
	}
	n := int(phase.Seconds() * victimRate)
	outcomes := make(chan outcome, n)
	begun := time.Now()
	for i := range n {
		due := begun.Add(time.Duration(i) * time.Second / victimRate)
		time.Sleep(time.Until(due))
		v.count++
		kind := v.count
		go func() {
			var err error
			switch page := kind % pages; kind % 4 {
			case 0:
				err = v.ask("POST", "/highlights", fmt.Sprintf(`{"url":"https://victim-%d.invalid/","group":"public","note":"a thought"}`, page), nil)
			case 1:
				err = v.ask("GET", "/highlights/"+v.written[kind%len(v.written)], "", nil)
			default:
				err = v.ask("GET", fmt.Sprintf("/highlights?url=https://%d.invalid/", page), "", nil)
			}
			outcomes <- outcome{time.Since(due), err}
		}()
	}
	var all []time.Duration
	for range n {
		o := <-outcomes
		all = append(all, o.late)
		if o.err != nil {
			q.failed++
		}
	}
	slices.Sort(all)
	q.p50, q.p99 = all[len(all)/2], all[len(all)*99/100]
	return q
}
