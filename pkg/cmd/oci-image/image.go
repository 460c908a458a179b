// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// user runs the program: not root, and the one that extensionapi-operator's defaults name.
const user = "65532:65532"

const (
	layerType    = "application/vnd.oci.image.layer.v1.tar"
	configType   = "application/vnd.oci.image.config.v1+json"
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	indexType    = "application/vnd.oci.image.index.v1+json"
)

// entry is a file of the archive.
type entry struct {
	name    string
	content []byte
	mode    int64
}

// descriptor refers to a blob of the archive.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Platform    map[string]string `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type object = map[string]any

// write writes the archive.
func write(output, ref, program string) error {
	content, err := os.ReadFile(program) //nolint:gosec // it is named on the command line
	if err != nil {
		return err
	}
	architecture, err := architectureOf(content)
	if err != nil {
		return fmt.Errorf("%s: %w", program, err)
	}
	entries, err := layout(ref, "/"+filepath.Base(program), content, architecture)
	if err != nil {
		return err
	}
	archive, err := archived(entries)
	if err != nil {
		return err
	}
	return os.WriteFile(output, archive, 0o644) //nolint:gosec // an image is no secret
}

var architectures = map[elf.Machine]string{
	elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64", elf.EM_PPC64: "ppc64le", elf.EM_S390: "s390x",
}

// architectureOf reads the architecture from the program itself, so that an image cannot claim another one. There is no
// loader in the image, so it refuses a program that needs one.
func architectureOf(program []byte) (string, error) {
	file, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		return "", fmt.Errorf("not a program for Linux: build it with GOOS=linux: %w", err)
	}
	for _, header := range file.Progs {
		if header.Type == elf.PT_INTERP {
			return "", errors.New("not a static program: build it with CGO_ENABLED=0")
		}
	}
	architecture, known := architectures[file.Machine]
	if !known {
		return "", fmt.Errorf("unknown architecture %s", file.Machine)
	}
	return architecture, nil
}

// layout returns the files of the archive.
func layout(ref, path string, program []byte, architecture string) ([]entry, error) {
	layer, err := archived([]entry{{path[1:], program, 0o755}})
	if err != nil {
		return nil, err
	}
	layerOf, layerBlob := blob(layerType, layer)
	platform := map[string]string{"os": "linux", "architecture": architecture}
	config, configBlob, err := encoded(configType, object{
		"os": "linux", "architecture": architecture,
		"config": object{"User": user, "Entrypoint": []string{path}},
		"rootfs": object{"type": "layers", "diff_ids": []string{layerOf.Digest}},
	})
	if err != nil {
		return nil, err
	}
	manifest, manifestBlob, err := encoded(manifestType, object{
		"schemaVersion": 2, "mediaType": manifestType, "config": config, "layers": []descriptor{layerOf},
	})
	if err != nil {
		return nil, err
	}
	manifest.Platform = platform
	manifest.Annotations = map[string]string{"io.containerd.image.name": ref}
	_, index, err := encoded(indexType, object{
		"schemaVersion": 2, "mediaType": indexType, "manifests": []descriptor{manifest},
	})
	if err != nil {
		return nil, err
	}
	_, saved, err := encoded("", []object{{
		"Config": configBlob.name, "RepoTags": []string{ref}, "Layers": []string{layerBlob.name},
	}})
	if err != nil {
		return nil, err
	}
	index.name, saved.name = "index.json", "manifest.json"
	version := entry{"oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`), 0o644}
	return []entry{version, index, saved, configBlob, manifestBlob, layerBlob}, nil
}

func encoded(mediaType string, document any) (descriptor, entry, error) {
	content, err := json.Marshal(document)
	described, file := blob(mediaType, content)
	return described, file, err
}

func blob(mediaType string, content []byte) (descriptor, entry) {
	sum := sha256.Sum256(content)
	digest := hex.EncodeToString(sum[:])
	return descriptor{MediaType: mediaType, Digest: "sha256:" + digest, Size: len(content)},
		entry{"blobs/sha256/" + digest, content, 0o644}
}

// archived has no times and owners, so that it depends on nothing but the files.
func archived(entries []entry) ([]byte, error) {
	var archive bytes.Buffer
	writer := tar.NewWriter(&archive)
	for _, file := range entries {
		header := &tar.Header{Name: file.name, Mode: file.mode, Size: int64(len(file.content)), Format: tar.FormatUSTAR}
		if err := writer.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := writer.Write(file.content); err != nil {
			return nil, err
		}
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	return archive.Bytes(), nil
}
