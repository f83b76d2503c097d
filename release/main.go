// Command release builds everything that a release consists of, byte for byte the same on any machine with the same Go: see
// docs/releasing.md.
package main

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"limn/extension"
)

func main() {
	version := flag.String("version", "", "the release's version, such as 1.2.3")
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

func (t target) file() string {
	name := "limn-" + t.system + "-" + t.processor
	if t.system == "windows" {
		name += ".exe"
	}
	return name
}

// extensionServer is whom the released extension speaks to until its settings say otherwise. A server's own /extension has that
// server's address.
const extensionServer = "http://127.0.0.1:8080"

var versionForm = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)

func run(version, dir string) error {
	if !versionForm.MatchString(version) {
		return errors.New("-version must be a version such as 1.2.3 or 1.2.3-rc.1")
	}
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
		return err
	}
	for _, t := range targets {
		fmt.Println(t.file())
		if err := build(t, version, filepath.Join(dir, t.file())); err != nil {
			return fmt.Errorf("build %s: %w", t.file(), err)
		}
	}
	for _, browser := range []string{extension.Chrome, extension.Firefox} {
		err := write(filepath.Join(dir, "limn-extension-"+browser+".zip"), func(w io.Writer) error {
			return extension.WriteZip(w, browser, extensionServer)
		})
		if err != nil {
			return err
		}
	}
	programs := map[string]string{}
	for _, t := range targets {
		if t.system == "linux" {
			programs[t.processor] = filepath.Join(dir, t.file())
		}
	}
	err := write(filepath.Join(dir, "limn-image.tar"), func(w io.Writer) error { return writeImage(w, version, programs) })
	if err != nil {
		return fmt.Errorf("make the image: %w", err)
	}
	err = write(filepath.Join(dir, "limn-sbom.cdx.json"), func(w io.Writer) error {
		return writeSBOM(w, version, filepath.Join(dir, targets[0].file()))
	})
	if err != nil {
		return fmt.Errorf("list what it is made of: %w", err)
	}
	return write(filepath.Join(dir, "SHA256SUMS"), func(w io.Writer) error { return writeSums(w, dir) })
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
