package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
)

// licences are the terms of all that limn is made of, in one text, as most of them ask for. A module without terms is an error:
// nobody may pass it on.
func licences(modules []*debug.Module) ([]byte, error) {
	var all bytes.Buffer
	fmt.Fprintln(&all, "limn is made of these, each under its own terms. limn's are in LICENSE.")
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("find Go: %w", err)
	}
	if err := addLicences(&all, "Go, its standard library", strings.TrimSpace(string(root))); err != nil {
		return nil, err
	}
	folders, err := foldersOf(modules)
	if err != nil {
		return nil, err
	}
	for _, m := range modules {
		if err := addLicences(&all, m.Path+" "+m.Version, folders[m.Path]); err != nil {
			return nil, err
		}
	}
	return all.Bytes(), nil
}

func addLicences(w io.Writer, what, folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("look for the terms of %s: %w", what, err)
	}
	found := false
	for _, e := range entries {
		if e.IsDir() || !isLicence(e.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			return err
		}
		found = true
		fmt.Fprintf(w, "\n\n==== %s: %s ====\n\n%s\n", what, e.Name(), bytes.TrimSpace(text))
	}
	if !found {
		return fmt.Errorf("%s has no terms", what)
	}
	return nil
}

// foldersOf says where Go keeps the source of modules.
func foldersOf(modules []*debug.Module) (map[string]string, error) {
	arguments := []string{"mod", "download", "-json"}
	for _, m := range modules {
		arguments = append(arguments, m.Path+"@"+m.Version)
	}
	cmd := exec.Command("go", arguments...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("find the modules: %w", err)
	}
	folders := map[string]string{}
	for list := json.NewDecoder(bytes.NewReader(out)); ; {
		var m struct{ Path, Dir string }
		if err := list.Decode(&m); errors.Is(err, io.EOF) {
			return folders, nil
		} else if err != nil {
			return nil, fmt.Errorf("find the modules: %w", err)
		}
		folders[m.Path] = m.Dir
	}
}

// isLicence tells the files that a module's terms ask to be passed on.
func isLicence(name string) bool {
	name = strings.ToUpper(name)
	return slices.ContainsFunc([]string{"LICENSE", "LICENCE", "COPYING", "NOTICE", "PATENTS"}, func(begin string) bool { return strings.HasPrefix(name, begin) }) &&
		!strings.HasSuffix(name, ".GO")
}
