package main

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// Nothing that limn is built from is kept out of the image's build.
func TestImageIsBuiltFromAllThatThereIs(t *testing.T) {
	ignored, err := os.ReadFile(".dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	list := exec.Command("go", "list", "-deps", "-f", `{{if .Module}}{{if .Module.Main}}{{$dir := .Dir}}
{{range .GoFiles}}{{$dir}}/{{.}}
{{end}}{{range .EmbedFiles}}{{$dir}}/{{.}}
{{end}}{{end}}{{end}}`, ".")
	list.Env = append(os.Environ(), "GOOS=linux")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}

	files := append(strings.Fields(string(out)), filepath.Join(root, "go.mod"), filepath.Join(root, "go.sum"))

	for _, file := range files {
		name, err := filepath.Rel(root, file)
		if err != nil {
			t.Fatal(err)
		}
		for pattern := range strings.Lines(string(ignored)) {
			if pattern = strings.TrimSpace(pattern); isIgnored(pattern, filepath.ToSlash(name)) {
				t.Errorf(".dockerignore has %s, which keeps %s out", pattern, name)
			}
		}
	}
}

// isIgnored tells whether a line of .dockerignore means a file or a folder above it. Those with ** name one folder or
// file, wherever it is.
func isIgnored(pattern, name string) bool {
	for ; name != "."; name = path.Dir(name) {
		subject := name
		rest, anywhere := strings.CutPrefix(pattern, "**/")
		if anywhere {
			subject = path.Base(name)
		}
		if matched, _ := path.Match(rest, subject); matched {
			return true
		}
	}
	return false
}
