// Command release builds everything that a release consists of, byte for byte the same on any machine with the same Go: see
// docs/releasing.md.
package main

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"limn/extension"
)

func main() {
	version := flag.String("version", "", "the release's version, such as 1.2.3-rc.1; unless said, that of the extension")
	dir := flag.String("dir", "dist/release", "the folder to write to, which is emptied")
	flag.Parse()
	if err := run(*version, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// A target is a system that there is a program for.
type target struct{ system, processor string }

var targets = []target{
	{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"},
}

// program is the name of limn on the system.
func (t target) program() string {
	if t.system == "windows" {
		return "limn.exe"
	}
	return "limn"
}

// folder is what its archive unpacks to.
func (t target) folder(version string) string {
	return "limn-" + version + "-" + t.system + "-" + t.processor
}

func (t target) archive(version string) string {
	if t.system == "windows" {
		return t.folder(version) + ".zip"
	}
	return t.folder(version) + ".tar.gz"
}

// extensionServer is whom the released extension speaks to until its settings say otherwise. A server's own /extension has that
// server's address.
const extensionServer = "http://127.0.0.1:8080"

var versionForm = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)

func run(version, dir string) error {
	version, err := versionOf(version)
	if err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
		return err
	}
	bare, err := os.MkdirTemp("", "limn-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(bare)
	programs := map[target]string{}
	for _, t := range targets {
		fmt.Println(t.archive(version))
		programs[t] = filepath.Join(bare, t.folder(version))
		if err := build(t, version, programs[t]); err != nil {
			return fmt.Errorf("build for %s: %w", t.system, err)
		}
	}
	parts, err := partsOf(slices.Collect(maps.Values(programs)))
	if err != nil {
		return fmt.Errorf("list what it is made of: %w", err)
	}
	papers, err := readPapers(os.DirFS("."))
	if err != nil {
		return err
	}
	others, licenceNames, err := licences(parts.modules)
	if err != nil {
		return err
	}
	papers["LICENSES.txt"] = packed{0o644, others}

	contents := map[string]func(io.Writer) error{
		"limn-" + version + ".cdx.json": func(w io.Writer) error { return writeSBOM(w, version, parts, licenceNames) },
		"limn-" + version + "-image.tar": func(w io.Writer) error {
			terms := map[string]packed{"LICENSE": papers["LICENSE"], "LICENSES.txt": papers["LICENSES.txt"]}
			return writeImage(w, version, linux(programs), terms)
		},
	}
	for _, browser := range []string{extension.Chrome, extension.Firefox} {
		contents["limn-"+version+"-extension-"+browser+".zip"] = func(w io.Writer) error {
			return extension.WriteZip(w, browser, extensionServer)
		}
	}
	for t, program := range programs {
		contents[t.archive(version)] = func(w io.Writer) error { return writeArchive(w, t, t.folder(version), program, papers) }
	}
	for name, content := range contents {
		if err := write(filepath.Join(dir, name), content); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return write(filepath.Join(dir, "SHA256SUMS"), func(w io.Writer) error { return writeSums(w, dir) })
}

// versionOf is the release's version, whose numbers have to be the extension's: browsers take no letters.
func versionOf(said string) (string, error) {
	extensions, err := extension.Version()
	if err != nil {
		return "", err
	}
	if said == "" {
		return extensions, nil
	}
	if numbers, _, _ := strings.Cut(said, "-"); !versionForm.MatchString(said) || numbers != extensions {
		return "", fmt.Errorf("-version must be %[1]s, as extension/package.json has it, or such as %[1]s-rc.1", extensions)
	}
	return said, nil
}

// linux are the programs that an image can hold, by their processors.
func linux(programs map[target]string) map[string]string {
	some := map[string]string{}
	for t, program := range programs {
		if t.system == "linux" {
			some[t.processor] = program
		}
	}
	return some
}

// build makes a program that says nothing of the machine, the folder and the time in which it was made.
func build(t target, version, file string) error {
	file, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-tags=nomsgpack", "-ldflags=-s -w -buildid= -X main.version="+version, "-o", file, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOOS="+t.system, "GOARCH="+t.processor, "GOAMD64=v1", "GOARM64=v8.0")
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

func write(name string, content func(io.Writer) error) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(content(file), file.Close())
}

// writeSums writes what sha256sum --check reads.
func writeSums(w io.Writer, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var lines []string
	for _, e := range entries {
		if e.Name() == "SHA256SUMS" {
			continue
		}
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		lines = append(lines, fmt.Sprintf("%x  %s\n", sha256.Sum256(content), e.Name()))
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[64:], b[64:]) })
	_, err = io.WriteString(w, strings.Join(lines, ""))
	return err
}
