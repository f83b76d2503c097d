package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"limn/storage/storagetest"
)

// TestMain lets the test binary be limn itself, so that tests can start and kill it as a process.
func TestMain(m *testing.M) {
	if os.Getenv("LIMN_TEST_RUN_MAIN") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// A process is a limn that a test has started.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	url   string
	log   *bytes.Buffer
	ended chan struct{}
}

// command is a limn that is not started yet, with an environment of its own.
func command(t *testing.T, args []string, environment ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(environment, "LIMN_TEST_RUN_MAIN=1", "LIMN_LISTEN=127.0.0.1:0", "PATH="+os.Getenv("PATH"), "HOME="+t.TempDir())
	return cmd
}

// startLimn starts limn and waits until it says where it is.
func startLimn(t *testing.T, environment ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: command(t, nil, environment...), log: &bytes.Buffer{}, ended: make(chan struct{})}
	p.cmd.Stderr = p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	first, err := lines.ReadString('\n')
	go func() {
		io.Copy(io.Discard, lines)
		p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.ended
	})
	if err != nil {
		<-p.ended
		t.Fatalf("limn did not start: %s", p.log)
	}
	p.url = strings.TrimSpace(strings.TrimPrefix(first, "limn is at "))
	return p
}

// stop sends a signal and waits for the end.
func (p *process) stop(signal os.Signal) *os.ProcessState {
	p.t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		p.t.Fatalf("limn does not end: %s", p.log)
	}
	return p.cmd.ProcessState
}

func (p *process) post(path, token, body string) map[string]any {
	p.t.Helper()
	request, err := http.NewRequest("POST", p.url+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	return p.answer(request)
}

func (p *process) get(path, token string) map[string]any {
	p.t.Helper()
	request, err := http.NewRequest("GET", p.url+"/api/v1"+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	return p.answer(request)
}

func (p *process) answer(request *http.Request) (object map[string]any) {
	p.t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	if err := json.Unmarshal(body, &object); err != nil || response.StatusCode >= 300 {
		p.t.Fatalf("%s: %d: %s", request.URL, response.StatusCode, body)
	}
	return object
}

// dataDir is a folder that Postgres's user can reach, whoever runs the test.
func dataDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "limn-main-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "data")
}

// Whatever was acknowledged is there after the process was killed, and the next start works.
func TestKilledServerHasEverything(t *testing.T) {
	dir := dataDir(t)
	p := startLimn(t, "LIMN_DATA_DIR="+dir)
	token, _ := p.post("/accounts", "", `{"name":"Ada"}`)["token"].(string)
	made := p.post("/highlights", token, `{"url":"`+p.url+`/demo","note":"kept"}`)

	p.stop(syscall.SIGKILL)
	again := startLimn(t, "LIMN_DATA_DIR="+dir)

	if h := again.get("/highlights/"+made["id"].(string), token); h["note"] != "kept" {
		t.Errorf("after the restart it is %v", h)
	}
}

// A stream that is open does not keep the server from stopping.
func TestSignalStopsTheServer(t *testing.T) {
	for _, signal := range []os.Signal{syscall.SIGINT, syscall.SIGTERM} {
		p := startLimn(t, "LIMN_DATABASE_URL="+storagetest.URL(t))
		stream, err := http.Get(p.url + "/api/v1/stream?url=https://example.org/")
		if err != nil {
			t.Fatal(err)
		}
		state := p.stop(signal)
		if state.ExitCode() != 0 {
			t.Errorf("%v: limn ended with %v: %s", signal, state, p.log)
		}
		if _, err := io.Copy(io.Discard, stream.Body); err != nil {
			t.Errorf("%v: the stream was cut, not ended: %v", signal, err)
		}
		stream.Body.Close()
	}
}

// Whoever follows when an instance is told to stop goes on at the next one exactly after the last event, with what happened meanwhile.
func TestStreamsGoOnAfterARestart(t *testing.T) {
	url := storagetest.URL(t)
	stopped, other := startLimn(t, "LIMN_DATABASE_URL="+url), startLimn(t, "LIMN_DATABASE_URL="+url)
	token, _ := other.post("/accounts", "", `{"name":"Ada"}`)["token"].(string)
	mark := func(note string) {
		other.post("/highlights", token, `{"url":"https://example.org/","group":"public","note":"`+note+`"}`)
	}
	mark("before")
	streams := make([]*bufio.Reader, 20)
	lasts := make([]string, len(streams))
	seen := make([]map[string]bool, len(streams))
	for i := range streams {
		streams[i], seen[i] = stopped.follow(t, ""), map[string]bool{}
		lasts[i] = untilEvent(t, streams[i], "live", "", seen[i])
	}

	if state := stopped.stop(syscall.SIGTERM); state.ExitCode() != 0 {
		t.Errorf("limn ended with %v: %s", state, stopped.log)
	}
	for i, s := range streams {
		lasts[i] = cmp.Or(untilEvent(t, s, "", "", seen[i]), lasts[i])
	}
	mark("meanwhile")
	again := startLimn(t, "LIMN_DATABASE_URL="+url)

	for i := range streams {
		once := map[string]bool{}
		untilEvent(t, again.follow(t, lasts[i]), "highlight", `"note":"meanwhile"`, once)
		for event := range once {
			if seen[i][event] {
				t.Errorf("stream %d is sent again: %s", i, event)
			}
		}
	}
}

// follow opens a stream after an event.
func (p *process) follow(t *testing.T, last string) *bufio.Reader {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), "GET", p.url+"/api/v1/stream?url=https://example.org/", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Last-Event-ID", last)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return bufio.NewReader(response.Body)
}

// untilEvent reads up to an event with a name and something in its data, or to the end if the name is empty. It returns the last id,
// and notes the highlights that it reads.
func untilEvent(t *testing.T, stream *bufio.Reader, name, part string, seen map[string]bool) (last string) {
	t.Helper()
	var event string
	for {
		line, err := stream.ReadString('\n')
		if err == io.EOF && name == "" {
			return last
		}
		if err != nil {
			t.Fatalf("the stream has ended before %s: %v", name, err)
		}
		switch field, value, _ := strings.Cut(strings.TrimSpace(line), ": "); field {
		case "id":
			last = value
		case "event":
			event = value
		case "data":
			if event == "highlight" {
				seen[value] = true
			}
			if event == name && strings.Contains(value, part) {
				return last
			}
		}
	}
}

// However many start at once on a new database, its schema is made once, and each of them serves.
func TestInstancesStartTogether(t *testing.T) {
	url := storagetest.URL(t)
	started := make(chan *process, 3)
	for range cap(started) {
		go func() { started <- startLimn(t, "LIMN_DATABASE_URL="+url) }()
	}
	var processes []*process
	for range cap(started) {
		processes = append(processes, <-started)
	}
	token, _ := processes[0].post("/accounts", "", `{"name":"Ada"}`)["token"].(string)
	for _, p := range processes {
		if me := p.get("/me", token); me["name"] != "Ada" {
			t.Errorf("%s knows %v", p.url, me)
		}
	}
}

// What keeps limn from starting is said in one line.
func TestStartIsRefusedWithASentence(t *testing.T) {
	dir := dataDir(t)
	startLimn(t, "LIMN_DATA_DIR="+dir)
	for name, c := range map[string]struct {
		environment string
		says        string
	}{
		"a second server on one folder": {"LIMN_DATA_DIR=" + dir, "another limn is using"},
		"a wrong value":                 {"LIMN_SIGNUP=maybe", "LIMN_SIGNUP must be"},
		"no database there":             {"LIMN_DATABASE_URL=postgres://127.0.0.1:1/limn", "LIMN_DATABASE_URL"},
	} {
		out, err := command(t, nil, c.environment).CombinedOutput()
		if err == nil || !strings.Contains(string(out), c.says) || strings.Count(string(out), "\n") != 1 {
			t.Errorf("%s: %v: %s", name, err, out)
		}
	}
}

func TestExtensionIsWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "extension")
	if out, err := command(t, []string{"extension", dir, "--server", "https://limn.example.org"}).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	manifest, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil || !strings.Contains(string(manifest), `"manifest_version": 3`) {
		t.Errorf("the manifest is %s (%v)", manifest, err)
	}
	for _, server := range []string{"javascript:1", ""} {
		if out, err := command(t, []string{"extension", dir, "--server", server}).CombinedOutput(); err == nil {
			t.Errorf("%q is taken for a server: %s", server, out)
		}
	}
}

// Where nobody can sign up, the first account comes from the command line.
func TestAccountIsMadeOnTheCommandLine(t *testing.T) {
	environment := []string{"LIMN_DATA_DIR=" + dataDir(t), "LIMN_SIGNUP=closed"}
	out, err := command(t, []string{"account", "Ada"}, environment...).Output()
	if err != nil {
		t.Fatal(err)
	}

	p := startLimn(t, environment...)

	if me := p.get("/me", strings.TrimSpace(string(out))); me["name"] != "Ada" {
		t.Errorf("the account is %v", me)
	}
}

// A command joins the Postgres of the limn that runs.
func TestAccountIsMadeWhileLimnRuns(t *testing.T) {
	environment := []string{"LIMN_DATA_DIR=" + dataDir(t), "LIMN_SIGNUP=closed"}
	p := startLimn(t, environment...)

	out, err := command(t, []string{"account", "Ada"}, environment...).Output()
	if err != nil {
		t.Fatal(err)
	}

	if me := p.get("/me", strings.TrimSpace(string(out))); me["name"] != "Ada" {
		t.Errorf("the account is %v", me)
	}
}

// Whoever runs the server answers for what is public: sees what was flagged, and erases it for all who look at it.
func TestPublicIsModeratedOnTheCommandLine(t *testing.T) {
	environment := []string{"LIMN_DATABASE_URL=" + storagetest.URL(t)}
	p := startLimn(t, environment...)
	token := p.post("/accounts", "", `{"name":"Ada"}`)["token"].(string)
	make := func(group string) string {
		return p.post("/highlights", token, `{"url":"http://page.invalid/","note":"spam","group":"`+group+`"}`)["id"].(string)
	}
	spam, spared, private := make("public"), make("public"), make("me")
	reply := p.post("/highlights/"+spared+"/replies", token, `{"note":"more spam"}`)["id"].(string)
	request, err := http.NewRequest("POST", p.url+"/api/v1/highlights/"+spam+"/flags", strings.NewReader(`{"reason":"look\u001b[2J"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	if answer, err := http.DefaultClient.Do(request); err != nil || answer.StatusCode != http.StatusNoContent || answer.Body.Close() != nil {
		t.Fatalf("it is flagged with %v, %v", answer, err)
	}
	run := func(arguments ...string) string {
		t.Helper()
		out, err := command(t, arguments, environment...).CombinedOutput()
		if err != nil {
			return "failed: " + string(out)
		}
		return string(out)
	}

	if flags := run("flags"); strings.Count(flags, "\n") != 1 || !strings.Contains(flags, spam+` http://page.invalid/ flagged by "Ada": "look\x1b[2J"`) {
		t.Errorf("the flags are %q", flags)
	}
	for _, id := range []string{spam, reply} {
		if out := run("erase", id); out != "" {
			t.Errorf("it says %q", out)
		}
	}
	for _, id := range []string{spam, reply, private, "01a1fe7c-22b5-785b-8605-f3d87c542fcb"} {
		if out := run("erase", id); !strings.Contains(out, "nothing that is public has this id") {
			t.Errorf("%s: it says %q", id, out)
		}
	}
	if flags := run("flags"); flags != "" {
		t.Errorf("afterwards the flags are %q", flags)
	}
	if items, _ := p.get("/highlights?url=http://page.invalid/", token)["items"].([]any); len(items) != 2 {
		t.Errorf("%d highlights are left, want two", len(items))
	}
}

// Who reads the log learns nothing of what anybody reads, writes, or signs in with.
func TestLogTellsNothingOfPeople(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) { testLog(t, format) })
	}
}

func testLog(t *testing.T, format string) {
	p := startLimn(t, "LIMN_DATABASE_URL="+storagetest.URL(t), "LIMN_LOG="+format)
	token, _ := p.post("/accounts", "", `{"name":"Secretive Ada","password":"secret password"}`)["token"].(string)
	request, err := http.NewRequest("POST", p.url+"/api/v1/highlights", strings.NewReader(
		`{"url":"http://secret-host.invalid/secret-path","title":"secret title","note":"secret note","tags":["secret tag"]}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Prefer", "wait=10")
	p.answer(request)
	p.post("/verify", "", `{"url":"http://secret-host.invalid/secret-path"}`)
	if answer, err := http.Get(p.url + "/api/v1/highlights?q=secret&token=" + token); err != nil || answer.Body.Close() != nil {
		t.Fatal(err)
	}

	p.stop(syscall.SIGTERM)

	for _, text := range []string{"ecret", token, token[5:]} {
		if strings.Contains(p.log.String(), text) {
			t.Errorf("the log has %q: %s", text, p.log)
		}
	}
	if !strings.Contains(p.log.String(), "a page cannot be read") {
		t.Errorf("the log does not say that a page cannot be read: %s", p.log)
	}
	for line := range strings.Lines(p.log.String()) {
		if json.Valid([]byte(line)) != (format == "json") {
			t.Errorf("a line is no %s: %s", format, line)
		}
	}
}
