package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"limn/extension"
)

// The image is what the OCI's specification says: everything it names is in it, with the digest and size that are said, down to
// the program.
func TestImageHoldsTheProgramOfEachProcessor(t *testing.T) {
	programs := map[string]string{}
	for _, processor := range []string{"amd64", "arm64"} {
		programs[processor] = filepath.Join(t.TempDir(), processor)
		if err := os.WriteFile(programs[processor], []byte("for "+processor), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var file, again bytes.Buffer
	for _, w := range []io.Writer{&file, &again} {
		if err := writeImage(w, "1.2.3", programs, map[string]packed{"LICENSE": {0o644, []byte("terms")}}); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(file.Bytes(), again.Bytes()) {
		t.Error("the same programs make another image")
	}

	blobs := map[string][]byte{}
	for files := tar.NewReader(&file); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		content, err2 := io.ReadAll(files)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		blobs[header.Name] = content
	}
	type descriptor struct {
		Digest   string
		Size     int
		Platform struct{ Architecture string }
	}
	type document struct {
		Manifests, Layers []descriptor
		Config            descriptor
	}
	read := func(d descriptor) []byte {
		t.Helper()
		content := blobs["blobs/"+strings.Replace(d.Digest, ":", "/", 1)]
		if fmt.Sprintf("sha256:%x", sha256.Sum256(content)) != d.Digest || len(content) != d.Size {
			t.Errorf("%s is %d bytes, not %d of this digest", d.Digest, len(content), d.Size)
		}
		return content
	}
	parse := func(text []byte) (d document) {
		t.Helper()
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		return d
	}
	index := parse(read(parse(blobs["index.json"]).Manifests[0]))
	if len(index.Manifests) != 2 {
		t.Fatalf("it is for %d processors", len(index.Manifests))
	}
	var saved []struct {
		Config           string
		Layers, RepoTags []string
	}
	if err := json.Unmarshal(blobs["manifest.json"], &saved); err != nil || len(saved) != 2 {
		t.Fatalf("%v: %s", err, blobs["manifest.json"])
	}
	for i, m := range index.Manifests {
		manifest := parse(read(m))
		read(manifest.Config)
		if old := saved[i]; old.RepoTags[0] != "limn:1.2.3-"+m.Platform.Architecture ||
			!bytes.Equal(blobs[old.Config], read(manifest.Config)) || !bytes.Equal(blobs[old.Layers[0]], read(manifest.Layers[0])) {
			t.Errorf("a Docker without containerd sees %+v", old)
		}
		if layer := read(manifest.Layers[0]); len(layer) == 0 {
			t.Errorf("nothing is in the image for %s", m.Platform.Architecture)
		}
	}
}

// What is unpacked is one folder, in which limn runs and its papers lie beside it.
func TestArchiveUnpacksToAFolderWithTheProgramAndItsPapers(t *testing.T) {
	program := filepath.Join(t.TempDir(), "built")
	if err := os.WriteFile(program, []byte("program"), 0o700); err != nil {
		t.Fatal(err)
	}
	papers, err := readPapers(os.DirFS(".."))
	if err != nil {
		t.Fatal(err)
	}
	pack := func(system string) *bytes.Reader {
		t.Helper()
		var file bytes.Buffer
		if err := writeArchive(&file, target{system, "amd64"}, "limn-1.2.3", program, papers); err != nil {
			t.Fatal(err)
		}
		return bytes.NewReader(file.Bytes())
	}

	zipped := pack("windows")
	if runs, err := zip.NewReader(zipped, zipped.Size()); err != nil || runs.File[len(runs.File)-1].Name != "limn-1.2.3/limn.exe" {
		t.Errorf("for Windows: %v", err)
	}
	modes := map[string]int64{}
	unzipped, err := gzip.NewReader(pack("linux"))
	if err != nil {
		t.Fatal(err)
	}
	for files := tar.NewReader(unzipped); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		modes[header.Name] = header.Mode
	}
	for name, mode := range map[string]int64{"limn": 0o755, "README.md": 0o644, "LICENSE": 0o644, "deploy/limn.service": 0o644, "docs/start.md": 0o644} {
		if modes["limn-1.2.3/"+name] != mode {
			t.Errorf("%s has the mode %o, want %o", name, modes["limn-1.2.3/"+name], mode)
		}
	}
}

func selfParts(t *testing.T) parts {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p, err := partsOf([]string{self})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Most licences ask to be passed on with the program.
func TestLicencesOfEveryModuleComeAlong(t *testing.T) {
	p := selfParts(t)

	text, names, err := licences(p.modules)

	if err != nil {
		t.Fatal(err)
	}
	for _, m := range p.modules {
		if !strings.Contains(string(text), "==== "+m.Path+" "+m.Version+": ") {
			t.Errorf("there are no terms of %s", m.Path)
		}
	}
	for path, want := range map[string]string{"std": "BSD-3-Clause", "github.com/evanw/esbuild": "MIT"} {
		if got := strings.Join(names[path], " "); got != want {
			t.Errorf("%s is under %q, want %q", path, got, want)
		}
	}
	if !strings.Contains(string(text), "Copyright (c) 2020 Evan Wallace") || !strings.Contains(string(text), "The Go Authors") {
		t.Error("the terms of esbuild or Go are not there")
	}
}

// The list of parts names every module of a program with the checksum that go.sum has, and says that the extension has none.
func TestSBOMNamesEveryModule(t *testing.T) {
	var file bytes.Buffer

	p := selfParts(t)
	_, names, err := licences(p.modules)
	if err != nil {
		t.Fatal(err)
	}

	if err := writeSBOM(&file, "1.2.3", p, names); err != nil {
		t.Fatal(err)
	}

	var list struct {
		SpecVersion string
		Components  []struct {
			Name, Purl string
			Hashes     []struct{ Alg, Content string }
			Licenses   []struct{ License struct{ ID string } }
		}
		Dependencies []struct {
			Ref       string
			DependsOn []string
		}
	}
	if err := json.Unmarshal(file.Bytes(), &list); err != nil {
		t.Fatal(err)
	}
	found := ""
	for _, c := range list.Components {
		if len(c.Licenses) == 0 || c.Licenses[0].License.ID == "" {
			t.Errorf("%s has no licence", c.Name)
		}
		if c.Name == "github.com/evanw/esbuild" && len(c.Hashes) == 1 && len(c.Hashes[0].Content) == 64 {
			found = c.Purl
		}
	}
	if !strings.HasPrefix(found, "pkg:golang/github.com/evanw/esbuild@v") {
		t.Errorf("esbuild, which makes the extension's zips, is not named: %s", file.String())
	}
	of := map[string]int{}
	for _, d := range list.Dependencies {
		of[d.Ref] = len(d.DependsOn)
	}
	if parts, said := of["limn-extension@1.2.3"]; of["limn@1.2.3"] != len(list.Components) || !said || parts != 0 {
		t.Errorf("of %d parts it says %v", len(list.Components), of)
	}
}

// The program and the extension that are released together say the same version.
func TestVersionsOfReleases(t *testing.T) {
	own, err := extension.Version()
	if err != nil {
		t.Fatal(err)
	}
	for said, want := range map[string]string{
		"": own, own: own, own + "-rc.1": own + "-rc.1", "v" + own: "", "1" + own: "", own + ".0": "", own + "-rc.1 -X main.x=y": "",
	} {
		if got, err := versionOf(said); got != want || (err == nil) != (want != "") {
			t.Errorf("-version %q is %q, want %q: %v", said, got, want, err)
		}
	}
}
