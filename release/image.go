package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// Media types of the OCI Image Format Specification 1.1.
const (
	indexType    = "application/vnd.oci.image.index.v1+json"
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

// madeAt is when everything in the image says it was made: when it really was is not to be seen in it.
const madeAt = "1970-01-01T00:00:00Z"

type object map[string]any

// An image is written as an OCI layout in one tar, which docker load, podman load and skopeo take: one image for each
// processor, with limn and its terms in it and nothing else. The Dockerfile makes the same from source. A Docker that keeps its
// images itself, not in containerd, knows no such layout and reads manifest.json, which names the same files.
type image struct {
	blobs map[string]packed // by name
}

// add keeps a blob, and describes it.
func (i *image) add(mediaType string, content []byte) object {
	blob := object{"mediaType": mediaType, "digest": fmt.Sprintf("sha256:%x", sha256.Sum256(content)), "size": len(content)}
	i.blobs[nameOf(blob)] = packed{0o644, content}
	return blob
}

// nameOf is where a blob lies.
func nameOf(blob object) string {
	return "blobs/" + strings.Replace(blob["digest"].(string), ":", "/", 1)
}

func (i *image) addJSON(mediaType string, content object) (object, error) {
	text, err := json.Marshal(content)
	return i.add(mediaType, text), err
}

// writeImage writes the image of some programs, named by their processors, with what has to be passed on beside them.
func writeImage(w io.Writer, version string, programs map[string]string, terms map[string]packed) error {
	i := &image{blobs: map[string]packed{}}
	var manifests, saved []object
	for _, processor := range slices.Sorted(maps.Keys(programs)) {
		program, err := os.ReadFile(programs[processor])
		if err != nil {
			return err
		}
		config, layer, err := i.addPlatform(version, processor, program, terms)
		if err != nil {
			return err
		}
		// Here an image is for one processor, and a second of the same name would take the name away.
		saved = append(saved, object{"Config": nameOf(config), "Layers": []string{nameOf(layer)}, "RepoTags": []string{"limn:" + version + "-" + processor}})
		manifest, err := i.addJSON(manifestType, object{"schemaVersion": 2, "mediaType": manifestType, "config": config, "layers": []object{layer}})
		if err != nil {
			return err
		}
		manifest["platform"] = object{"architecture": processor, "os": "linux"}
		manifests = append(manifests, manifest)
	}
	all, err := i.addJSON(indexType, object{"schemaVersion": 2, "mediaType": indexType, "manifests": manifests})
	if err != nil {
		return err
	}
	all["annotations"] = object{"org.opencontainers.image.ref.name": version, "io.containerd.image.name": "docker.io/library/limn:" + version}
	index, err := json.Marshal(object{"schemaVersion": 2, "mediaType": indexType, "manifests": []object{all}})
	if err != nil {
		return err
	}
	known, err := json.Marshal(saved)
	if err != nil {
		return err
	}
	i.blobs["manifest.json"] = packed{0o644, known}
	i.blobs["index.json"], i.blobs["oci-layout"] = packed{0o644, index}, packed{0o644, []byte(`{"imageLayoutVersion":"1.0.0"}`)}
	return writeTar(w, i.blobs)
}

// addPlatform keeps the image for one processor.
func (i *image) addPlatform(version, processor string, program []byte, terms map[string]packed) (config, layer object, err error) {
	files := map[string]packed{"limn": {0o755, program}}
	for name, file := range terms {
		files["licenses/"+name] = file // where scanners of images look
	}
	var plain, small bytes.Buffer
	if err := errors.Join(writeTar(&plain, files), writeTarGz(&small, files)); err != nil {
		return nil, nil, err
	}
	config, err = i.addJSON(configType, object{
		"created": madeAt, "os": "linux", "architecture": processor,
		"config": object{
			"Entrypoint": []string{"/limn"}, "User": "65532:65532", "Env": []string{"LIMN_LISTEN=0.0.0.0:8080"},
			"ExposedPorts": object{"8080/tcp": object{}}, "StopSignal": "SIGTERM",
			"Labels": object{"org.opencontainers.image.title": "limn", "org.opencontainers.image.version": version, "org.opencontainers.image.licenses": "Apache-2.0"},
		},
		"rootfs":  object{"type": "layers", "diff_ids": []string{fmt.Sprintf("sha256:%x", sha256.Sum256(plain.Bytes()))}},
		"history": []object{{"created": madeAt, "created_by": "limn " + version}},
	})
	return config, i.add(layerType, small.Bytes()), err
}
