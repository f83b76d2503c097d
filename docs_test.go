package main

import (
	"cmp"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	gocmp "github.com/google/go-cmp/cmp"
)

// documents are what people read who use limn.
func documents(t *testing.T) []string {
	t.Helper()
	guides, err := filepath.Glob("docs/*.md")
	if err != nil || len(guides) == 0 {
		t.Fatalf("there are no docs: %v", err)
	}
	return append(guides, "README.md")
}

// A block is a fenced piece of a document.
type block struct{ kind, text string }

var fence = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")

func blocks(t *testing.T, document string) (list []block) {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range fence.FindAllStringSubmatch(string(text), -1) {
		list = append(list, block{found[1], found[2]})
	}
	return list
}

// What a document shows as sh is what a person can type who has read so far: it runs, in order, in a folder with no more than
// what they have saved from elsewhere, beside a limn that has just been started. A stream, which has no end, begins.
func TestCommandsInTheDocsRun(t *testing.T) {
	for _, document := range documents(t) {
		var script strings.Builder
		for _, b := range blocks(t, document) {
			if b.kind == "sh" {
				script.WriteString(b.text)
			}
			for _, stream := range endless.FindAllStringSubmatch(b.text, -1) {
				fmt.Fprintf(&script, "read -r line < <(%s --fail -s); [ \"$line\" ]\n", stream[1])
			}
		}
		if script.Len() == 0 {
			continue
		}
		t.Run(document, func(t *testing.T) {
			environment := []string{"LIMN_DATA_DIR=" + dataDir(t), "LIMN_FETCH_ALLOW=127.0.0.0/8:*"}
			p := startLimn(t, environment...)
			folder := t.TempDir()
			self := command(t, nil, environment...)
			if err := os.WriteFile(filepath.Join(folder, "limn"), []byte("#!/bin/sh\nexec '"+self.Path+"' \"$@\"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			here := strings.TrimPrefix(p.url, "http://")
			text := strings.NewReplacer("127.0.0.1:8080", here, "localhost:8080", here).Replace(script.String())
			shell := exec.Command("bash", "-euo", "pipefail", "-c", text)
			shell.Dir = t.TempDir()
			if err := os.WriteFile(filepath.Join(shell.Dir, "hypothesis.json"), []byte(fromHypothesis), 0o600); err != nil {
				t.Fatal(err)
			}
			shell.Env = append(self.Env, "PATH="+folder+":"+os.Getenv("PATH"))

			if out, err := shell.CombinedOutput(); err != nil {
				t.Errorf("%v: %s\n%s", err, out, text)
			}
		})
	}
}

// endless is a stream that a document shows.
var endless = regexp.MustCompile(`(?m)^\$ (curl -N [^#\n]*)`)

// fromHypothesis is what its API answers.
const fromHypothesis = `{"total":1,"rows":[{"id":"a1","created":"2024-05-01T10:00:00.000000+00:00","updated":"2024-05-01T10:00:00.000000+00:00",
	"user":"acct:ada@hypothes.is","uri":"https://example.org/tides","text":"True?","tags":[],"group":"__world__",
	"permissions":{"read":["group:__world__"]},"target":[{"source":"https://example.org/tides","selector":[{"type":"TextQuoteSelector","exact":"The moon"}]}]}]}`

// What cannot be run here is shown as console, each command after its prompt: those of limn and of make are there, with their
// flags. Other kinds are no commands.
func TestCommandsThatAreShownExist(t *testing.T) {
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range documents(t) {
		for _, b := range blocks(t, document) {
			for line := range strings.Lines(b.text) {
				line = strings.TrimSpace(line)
				typed, prompted := strings.CutPrefix(line, "$ ")
				if !prompted {
					typed, prompted = strings.CutPrefix(line, "# ")
				}
				if b.kind != "console" || !prompted {
					continue
				}
				typed, _, _ = strings.Cut(typed, " #")
				words := strings.Fields(typed)
				for len(words) > 0 && strings.Contains(words[0], "=") {
					words = words[1:]
				}
				switch words[0] {
				case "limn":
					if err := understands(words[1:]); err != nil {
						t.Errorf("%s: %s: %v", document, typed, err)
					}
				case "make":
					if !strings.Contains(string(makefile), "\n"+words[1]+":") {
						t.Errorf("%s: there is no make %s", document, words[1])
					}
				}
			}
		}
	}
}

// understands parses a command line as limn does.
func understands(arguments []string) error {
	var cli commands
	parser, err := kong.New(&cli, kong.Exit(func(int) {}))
	if err != nil {
		return err
	}
	for i, a := range arguments {
		if strings.HasSuffix(a, ".backup") || strings.HasSuffix(a, ".json") { // it has to be there
			arguments[i] = "README.md"
		}
	}
	_, err = parser.Parse(arguments)
	return err
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// Links between documents lead somewhere.
func TestLinksInTheDocsLeadSomewhere(t *testing.T) {
	for _, document := range documents(t) {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range link.FindAllStringSubmatch(string(text), -1) {
			target, err := url.Parse(found[1])
			if err != nil || target.Scheme != "" {
				continue
			}
			file := filepath.Join(filepath.Dir(document), cmp.Or(target.Path, filepath.Base(document)))
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: %s leads nowhere", document, found[1])
			}
		}
	}
}

// The index leads to every document.
func TestIndexHasEveryDocument(t *testing.T) {
	index, err := os.ReadFile("docs/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range documents(t) {
		if name := filepath.Base(document); name != "README.md" && !strings.Contains(string(index), "]("+name+")") {
			t.Errorf("docs/README.md does not lead to %s", name)
		}
	}
}

// The settings that people are told of are those that limn reads, and the README has them in the same words.
func TestSettingsAreAllDescribed(t *testing.T) {
	source, err := os.ReadFile("config.go")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	described, read := map[string]bool{}, map[string]bool{}
	var table strings.Builder
	for _, s := range settings {
		for _, name := range s.Names {
			described[name] = true
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", strings.Join(s.Names, "`, `"), s.Default, s.Text)
	}
	for _, found := range regexp.MustCompile(`"((?:LIMN|OTEL)_[A-Z_]+)"`).FindAllStringSubmatch(string(source), -1) {
		read[found[1]] = true
	}
	if diff := gocmp.Diff(read, described); diff != "" {
		t.Errorf("what is read (-) and what is described (+) differ:\n%s", diff)
	}
	if !strings.Contains(string(readme), "| --- | --- | --- |\n"+table.String()+"\n") {
		t.Errorf("the README's table of settings is another. It should be:\n%s", table.String())
	}
}

// What is said to be there unless something is set is what limn takes.
func TestSettingsHaveTheValuesThatAreSaid(t *testing.T) {
	said := map[string]string{"HOME": "/home/ada"}
	for _, s := range settings {
		if value := strings.Trim(s.Default, "`"); !strings.Contains(value, " ") && value != "empty" {
			said[s.Names[0]] = value
		}
	}
	unset, err := readConfig(environ())
	if err != nil {
		t.Fatal(err)
	}
	set, err := readConfig(func(name string) string { return said[name] })
	if err != nil || !reflect.DeepEqual(set, unset) {
		t.Errorf("with what is said it is %+v, and without %+v: %v", set, unset, err)
	}
}
