package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
		if err := writeImage(w, "1.2.3", programs); err != nil {
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
	for _, m := range index.Manifests {
		manifest := parse(read(m))
		read(manifest.Config)
		if layer := read(manifest.Layers[0]); len(layer) == 0 {
			t.Errorf("nothing is in the image for %s", m.Platform.Architecture)
		}
	}
}

// The list of parts names every module of a program with the checksum that go.sum has.
func TestSBOMNamesEveryModule(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer

	if err := writeSBOM(&file, "1.2.3", self); err != nil {
		t.Fatal(err)
	}

	var list struct {
		SpecVersion string
		Components  []struct {
			Name, Purl string
			Hashes     []struct{ Alg, Content string }
		}
	}
	if err := json.Unmarshal(file.Bytes(), &list); err != nil {
		t.Fatal(err)
	}
	found := ""
	for _, c := range list.Components {
		if c.Name == "github.com/evanw/esbuild" && len(c.Hashes) == 1 && len(c.Hashes[0].Content) == 64 {
			found = c.Purl
		}
	}
	if !strings.HasPrefix(found, "pkg:golang/github.com/evanw/esbuild@v") {
		t.Errorf("esbuild, which makes the extension's zips, is not named: %s", file.String())
	}
}

func TestVersionsOfReleases(t *testing.T) {
	for version, good := range map[string]bool{"1.2.3": true, "0.1.0-rc.1": true, "": false, "v1.2.3": false, "1.2": false, "1.2.3 -X main.x=y": false} {
		if versionForm.MatchString(version) != good {
			t.Errorf("%q is a version: %v, want %v", version, !good, good)
		}
	}
}
