package main_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestEveryDependencySaysWhyItIsHere(t *testing.T) {
	const page = "docs/adr/0041-dependencies.md"
	reasons, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(goModules(t), npmPackages(t)...) {
		if !strings.Contains(string(reasons), "| `"+name+"` |") {
			t.Errorf("%s has no line for %s: say in it what the dependency is for", page, name)
		}
	}
}

// goModules are the modules and tools that go.mod asks for itself.
func goModules(t *testing.T) (names []string) {
	t.Helper()
	out, err := exec.Command("go", "mod", "edit", "-json").Output()
	if err != nil {
		t.Fatalf("read go.mod: %v", err)
	}
	var file struct {
		Require []struct {
			Path     string
			Indirect bool
		}
		Tool []struct{ Path string }
	}
	if err := json.Unmarshal(out, &file); err != nil {
		t.Fatal(err)
	}
	for _, module := range file.Require {
		if !module.Indirect {
			names = append(names, module.Path)
		}
	}
	for _, tool := range file.Tool {
		names = append(names, tool.Path)
	}
	return names
}

func npmPackages(t *testing.T) (names []string) {
	t.Helper()
	text, err := os.ReadFile("extension/package.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Dependencies, DevDependencies map[string]string }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, list := range []map[string]string{file.Dependencies, file.DevDependencies} {
		for name := range list {
			names = append(names, name)
		}
	}
	return names
}
