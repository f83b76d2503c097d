package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"
)

// A packed file is one of an archive, under its name there.
type packed struct {
	mode    fs.FileMode
	content []byte
}

// modifiedAt is when every file says it was changed: the first moment that a zip can name, and one that tar believes.
var modifiedAt = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// papers are what comes with a program, beside the licences of what it is made of.
var papers = []string{"README.md", "CHANGELOG.md", "SECURITY.md", "LICENSE", "deploy", "docs"}

// readPapers reads them as they lie in a folder of the source.
func readPapers(source fs.FS) (map[string]packed, error) {
	files := map[string]packed{}
	for _, root := range papers {
		err := fs.WalkDir(source, root, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			content, err := fs.ReadFile(source, name)
			files[name] = packed{0o644, content}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read what comes along: %w", err)
		}
	}
	return files, nil
}

// writeArchive packs a program with its papers in one folder: as a zip for Windows, else as a tar.gz.
func writeArchive(w io.Writer, t target, folder, program string, papers map[string]packed) error {
	content, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	files := map[string]packed{folder + "/" + t.program(): {0o755, content}}
	for name, file := range papers {
		files[folder+"/"+name] = file
	}
	if t.system == "windows" {
		return writeZip(w, files)
	}
	return writeTarGz(w, files)
}

// writeTar writes files in the order of their names.
func writeTar(w io.Writer, files map[string]packed) error {
	out := tar.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		file := files[name]
		header := &tar.Header{Name: name, Mode: int64(file.mode), Size: int64(len(file.content)), ModTime: modifiedAt, Format: tar.FormatUSTAR}
		if err := out.WriteHeader(header); err != nil {
			return err
		}
		if _, err := out.Write(file.content); err != nil {
			return err
		}
	}
	return out.Close()
}

func writeTarGz(w io.Writer, files map[string]packed) error {
	out, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	return errors.Join(writeTar(out, files), out.Close())
}

func writeZip(w io.Writer, files map[string]packed) error {
	out := zip.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: modifiedAt}
		header.SetMode(files[name].mode)
		file, err := out.CreateHeader(header)
		if err != nil {
			return err
		}
		if _, err := file.Write(files[name].content); err != nil {
			return err
		}
	}
	return out.Close()
}
