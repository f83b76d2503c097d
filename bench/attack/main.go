//go:build linux

// Command attack measures what others notice while one address floods limn: how late the answers to a person are who
// reads and writes, beside the same person's a moment before.
//
// limn runs as it is delivered, with a Postgres of its own. The attacker is a process of its own at another loopback
// address and at the lowest priority, because on a real attack its processors are not the server's. What it takes of them
// all the same is seen while it attacks a server that refuses everything (wall.go), and the person goes on asking limn.
package main

import (
	"bytes"
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
	only := flag.String("only", "", "only these attacks, with commas between them")
	refuse := flag.Bool("wall", false, "be the server that refuses everything")
	by := flag.String("attack", "", "be the attacker")
	url := flag.String("url", "", "whom the attacker attacks")
	flag.Parse()
	err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 20_000, Max: 20_000})
	switch {
	case err != nil:
	case *by != "":
		err = attack(*by, *url)
	case *refuse:
		err = wall()
	default:
		err = compare(*limn, *rounds, *phase, *only)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench-attack:", err)
		os.Exit(1)
	}
}

// compare has each attack on limn and on the wall, with a quiet phase before each and after, in each round, and prints
// the medians.
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
	wall, end, err := startWall()
	if err != nil {
		return err
	}
	defer end()
	v.watch(phase / 2) // until all is warm
	fmt.Printf("A person's p50 and p99 in ms: quiet; while the wall is attacked; while limn is, and by how much that is more. Medians of %d rounds.\n", rounds)
	fmt.Printf("%-12s %12s %12s %12s %14s %14s\n", "attack", "quiet", "the wall", "limn", "than quiet", "than the wall")
	for _, a := range attacks {
		if only != "" && !slices.Contains(strings.Split(only, ","), a.name) {
			continue
		}
		var all []figures
		for range rounds {
			before := v.watch(phase)
			floor, err := v.watchAttack(a.name, wall, phase)
			if err != nil {
				return err
			}
			between := v.watch(phase)
			under, err := v.watchAttack(a.name, s.url, phase)
			if err != nil {
				return err
			}
			after := v.watch(phase)
			all = append(all, figures{mean(before, between, after), floor, under})
		}
		print(a.name, all)
	}
	return nil
}

type figures struct{ quiet, wall, limn quantiles }

func print(attack string, all []figures) {
	middle := func(of func(f figures) float64) float64 {
		var list []float64
		for _, f := range all {
			list = append(list, of(f))
		}
		slices.Sort(list)
		return list[len(list)/2]
	}
	fmt.Printf("%-12s", attack)
	for _, part := range []func(f figures) quantiles{
		func(f figures) quantiles { return f.quiet },
		func(f figures) quantiles { return f.wall },
		func(f figures) quantiles { return f.limn },
	} {
		fmt.Printf(" %5.1f %6.1f", middle(func(f figures) float64 { return ms(part(f).p50) }), middle(func(f figures) float64 { return ms(part(f).p99) }))
	}
	fmt.Printf(" %14.2f %14.2f",
		middle(func(f figures) float64 { return float64(f.limn.p99) / float64(f.quiet.p99) }),
		middle(func(f figures) float64 { return float64(f.limn.p99) / float64(f.wall.p99) }))
	failed := 0
	for _, f := range all {
		failed += f.quiet.failed + f.wall.failed + f.limn.failed
	}
	if failed > 0 {
		fmt.Printf("   %d were not answered well", failed)
	}
	fmt.Println()
}

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

// beside starts this program once more, at the lowest priority, and returns the first word that it says: it has begun.
func beside(arguments ...string) (says string, end func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	cmd := exec.Command("nice", append([]string{"-n", "19", self}, arguments...)...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	if _, err := fmt.Fscanln(out, &says); err != nil {
		return "", nil, fmt.Errorf("%q has not begun: %w", arguments, err)
	}
	return says, func() {
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

func mean(all ...quantiles) (m quantiles) {
	for _, q := range all {
		m.p50 += q.p50 / time.Duration(len(all))
		m.p99 += q.p99 / time.Duration(len(all))
		m.failed += q.failed
	}
	return m
}

// watchAttack is watch while somebody is attacked.
func (v *victim) watchAttack(name, url string, phase time.Duration) (quantiles, error) {
	_, end, err := beside("-attack", name, "-url", url)
	if err != nil {
		return quantiles{}, err
	}
	defer end()
	return v.watch(phase), nil
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
