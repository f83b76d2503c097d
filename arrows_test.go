package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// arrows says which of limn's packages each may import; tests may import more. main, which wires them, may import all.
var arrows = map[string][]string{
	"limn/server":              {"limn/extension", "limn/live", "limn/verify", "limn/export", "limn/intake", "limn/storage", "limn/xpath"},
	"limn/live":                {"limn/storage"},
	"limn/verify":              {"limn/storage", "limn/xpath"},
	"limn/export":              {"limn/storage", "limn/xpath"},
	"limn/intake":              {"limn/export", "limn/storage", "limn/xpath"},
	"limn/storage":             {"limn/migrations", "limn/xpath"},
	"limn/storage/storagetest": {"limn/storage"},
	"limn/migrations":          {},
	"limn/xpath":               {},
	"limn/extension":           {},
	"limn/torture":             {"limn/storage"},
	"limn/bench/attack":        {},
	"limn/bench/stream":        {},
	"limn/release":             {"limn/extension"},
}

func TestPackagesImportAlongTheArrows(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("list the packages: %v", err)
	}

	for packages := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := packages.Decode(&p); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		allowed, known := arrows[p.ImportPath]
		if !known && p.ImportPath != "limn" {
			t.Errorf("%s has no arrows: say in arrows_test.go and CONTRIBUTING.md what it may import", p.ImportPath)
		}
		for _, path := range p.Imports {
			switch {
			case path == "limn/storage/storagetest":
				t.Errorf("%s imports %s, which is for tests", p.ImportPath, path)
			case known && strings.HasPrefix(path, "limn/") && !slices.Contains(allowed, path):
				t.Errorf("%s imports %s, which is not among its arrows %v", p.ImportPath, path, allowed)
			}
		}
	}
}
