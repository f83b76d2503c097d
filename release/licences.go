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

// licences are the terms of all that limn is made of, in one text, as most of them ask for, and by the paths of modules what they
// are called in SPDX's list. A module without terms, or with some that nobody has looked at, is an error: it may not be passed on.
func licences(modules []*debug.Module) (text []byte, names map[string][]string, err error) {
	var all bytes.Buffer
	fmt.Fprintln(&all, "limn is made of these, each under its own terms. limn's are in LICENSE.")
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, nil, fmt.Errorf("find Go: %w", err)
	}
	names = map[string][]string{}
	if names[standardLibrary], err = addLicences(&all, "Go, its standard library", strings.TrimSpace(string(root))); err != nil {
		return nil, nil, err
	}
	folders, err := foldersOf(modules)
	if err != nil {
		return nil, nil, err
	}
	for _, m := range modules {
		if names[m.Path], err = addLicences(&all, m.Path+" "+m.Version, folders[m.Path]); err != nil {
			return nil, nil, err
		}
	}
	return all.Bytes(), names, nil
}

func addLicences(w io.Writer, what, folder string) (names []string, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("look for the terms of %s: %w", what, err)
	}
	for _, e := range entries {
		if e.IsDir() || !isLicence(e.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(w, "\n\n==== %s: %s ====\n\n%s\n", what, e.Name(), bytes.TrimSpace(text))
		names = append(names, namesOf(string(text))...)
	}
	if names == nil {
		return nil, fmt.Errorf("%s has no terms, or others than those that are known", what)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// knownTerms are what licences say that may be passed on with limn.
var knownTerms = []struct{ name, says string }{
	{"Apache-2.0", "Apache License Version 2.0"},
	{"BSD-3-Clause", "endorse or promote products derived from this software"},
	{"MIT", "Permission is hereby granted, free of charge, to any person obtaining a copy"},
	{"MPL-2.0", "terms of the Mozilla Public License, v. 2.0"},
}

// namesOf are the licences that a text holds, by their names in SPDX's list. Some hold several.
func namesOf(text string) (names []string) {
	text = strings.Join(strings.Fields(text), " ")
	for _, t := range knownTerms {
		if strings.Contains(text, t.says) {
			names = append(names, t.name)
		}
	}
	return names
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
