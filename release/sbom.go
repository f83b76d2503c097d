package main

import (
	"debug/buildinfo"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// writeSBOM writes what a program is made of, as the program itself says it, in CycloneDX 1.6. It has no serial number and no
// time, so that it is the same for the same program.
func writeSBOM(w io.Writer, version, program string) error {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return err
	}
	limn := object{
		"type": "application", "bom-ref": "pkg:golang/limn@" + version, "name": "limn", "version": version,
		"licenses": []object{{"license": object{"id": "Apache-2.0"}}},
	}
	goVersion := strings.TrimPrefix(info.GoVersion, "go")
	components := []object{{
		"type": "framework", "bom-ref": "pkg:golang/std@" + goVersion, "name": "std", "version": goVersion, "purl": "pkg:golang/std@" + goVersion,
	}}
	refs := []string{"pkg:golang/std@" + goVersion}
	for _, module := range info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		purl := "pkg:golang/" + module.Path + "@" + module.Version
		// What Go calls h1 is the base64 of a SHA-256 of the module's files (golang.org/x/mod/sumdb/dirhash).
		sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(module.Sum, "h1:"))
		if err != nil || len(sum) != 32 {
			return fmt.Errorf("%s has the checksum %q", module.Path, module.Sum)
		}
		components = append(components, object{
			"type": "library", "bom-ref": purl, "name": module.Path, "version": module.Version, "purl": purl,
			"hashes": []object{{"alg": "SHA-256", "content": fmt.Sprintf("%x", sum)}},
		})
		refs = append(refs, purl)
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(object{
		"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
		"metadata": object{"component": limn}, "components": components,
		"dependencies": []object{{"ref": limn["bom-ref"], "dependsOn": refs}},
	})
}
