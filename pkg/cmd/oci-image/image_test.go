// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// build builds a program for Linux and an architecture.
func build(t *testing.T, architecture string) string {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "program")
	command := exec.CommandContext(t.Context(), "go", "build", "-o", program, source)
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+architecture)
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	return program
}

// files are the files of an archive.
func files(t *testing.T, archive []byte) map[string][]byte {
	t.Helper()
	result, reader := map[string][]byte{}, tar.NewReader(bytes.NewReader(archive))
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return result
		}
		if err != nil {
			t.Fatal(err)
		}
		if result[header.Name], err = io.ReadAll(reader); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnImageHasTheProgramAndItsArchitecture(t *testing.T) {
	program, output := build(t, "arm64"), filepath.Join(t.TempDir(), "image.tar")
	if err := write(output, "example.com/cogs:v1", program); err != nil {
		t.Fatal(err)
	}
	archive, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	content := files(t, archive)
	for name, blob := range content {
		if digest, isBlob := strings.CutPrefix(name, "blobs/sha256/"); isBlob {
			if sum := sha256.Sum256(blob); hex.EncodeToString(sum[:]) != digest {
				t.Errorf("%s has another digest", name)
			}
		}
	}
	var index struct{ Manifests []descriptor }
	decode(t, content["index.json"], &index)
	if index.Manifests[0].Platform["architecture"] != "arm64" ||
		index.Manifests[0].Annotations["io.containerd.image.name"] != "example.com/cogs:v1" {
		t.Errorf("the index is %+v", index)
	}
	var saved []struct{ Config string }
	decode(t, content["manifest.json"], &saved)
	var config struct{ Config struct{ User string } }
	decode(t, content[saved[0].Config], &config)
	if config.Config.User != user {
		t.Errorf("it runs as %q", config.Config.User)
	}
}

func decode(t *testing.T, content []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(content, into); err != nil {
		t.Fatal(err)
	}
}

func TestTheSameProgramHasTheSameImage(t *testing.T) {
	program := build(t, "amd64")
	var archives [2][]byte
	for i := range archives {
		output := filepath.Join(t.TempDir(), "image.tar")
		if err := write(output, "example.com/cogs:v1", program); err != nil {
			t.Fatal(err)
		}
		var err error
		if archives[i], err = os.ReadFile(output); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(archives[0], archives[1]) {
		t.Error("the images differ")
	}
}

func TestOtherFilesAreRefused(t *testing.T) {
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := write(filepath.Join(t.TempDir(), "image.tar"), "example.com/cogs:v1", script)
	if err == nil || !strings.Contains(err.Error(), "GOOS=linux") {
		t.Errorf("a script: %v", err)
	}
}
