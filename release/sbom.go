package main

import (
	"cmp"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
)

// parts are what programs are made of.
type parts struct {
	goVersion string
	modules   []*debug.Module // each once, in the order of their paths
}

// partsOf reads what programs say of themselves. Those for other systems have modules of their own.
func partsOf(programs []string) (p parts, err error) {
	modules := map[string]*debug.Module{}
	for _, program := range programs {
		info, err := buildinfo.ReadFile(program)
		if err != nil {
			return p, err
		}
		p.goVersion = strings.TrimPrefix(info.GoVersion, "go")
		for _, m := range info.Deps {
			if m.Replace != nil {
				m = m.Replace
			}
			modules[m.Path] = m
		}
	}
	p.modules = slices.SortedFunc(maps.Values(modules), func(a, b *debug.Module) int { return cmp.Compare(a.Path, b.Path) })
	return p, nil
}

const standardLibrary = "std"

// writeSBOM writes what a release is made of, under which licences, in CycloneDX 1.6. It has no serial number and no time, so that it is the same for
// the same programs.
func writeSBOM(w io.Writer, version string, p parts, licences map[string][]string) error {
	licence := licensed([]string{"Apache-2.0"})
	limn := object{"type": "application", "bom-ref": "limn@" + version, "name": "limn", "version": version, "licenses": licence}
	// Of the packages from npm none is in it: extension/bundle.go lets esbuild read the extension's own sources only.
	inBrowsers := object{"type": "application", "bom-ref": "limn-extension@" + version, "name": "limn-extension", "version": version, "licenses": licence}
	std := "pkg:golang/" + standardLibrary + "@" + p.goVersion
	components := []object{inBrowsers, {
		"type": "framework", "bom-ref": std, "name": standardLibrary, "version": p.goVersion, "purl": std, "licenses": licensed(licences[standardLibrary]),
	}}
	refs := []any{inBrowsers["bom-ref"], std}
	for _, m := range p.modules {
		// What Go calls h1 is the base64 of a SHA-256 of the module's files (golang.org/x/mod/sumdb/dirhash).
		sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Sum, "h1:"))
		if err != nil || len(sum) != 32 {
			return fmt.Errorf("%s has the checksum %q", m.Path, m.Sum)
		}
		purl := "pkg:golang/" + m.Path + "@" + m.Version
		components = append(components, object{
			"type": "library", "bom-ref": purl, "name": m.Path, "version": m.Version, "purl": purl, "licenses": licensed(licences[m.Path]),
			"hashes": []object{{"alg": "SHA-256", "content": fmt.Sprintf("%x", sum)}},
		})
		refs = append(refs, purl)
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(object{
		"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
		"metadata": object{"component": limn}, "components": components,
		"dependencies": []object{
			{"ref": limn["bom-ref"], "dependsOn": refs},
			{"ref": inBrowsers["bom-ref"], "dependsOn": []any{}},
		},
		"compositions": []object{{"aggregate": "complete", "assemblies": []any{limn["bom-ref"], inBrowsers["bom-ref"]}}},
	})
}

// licensed says under which licences something is.
func licensed(names []string) (list []object) {
	for _, name := range names {
		list = append(list, object{"license": object{"id": name}})
	}
	return list
}
