// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

func TestImageIsReproducible(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "server")
	var images [][]byte
	for _, modified := range []time.Time{time.Unix(1, 0), time.Unix(2, 0)} {
		if err := os.WriteFile(binary, []byte("program"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(binary, modified, modified); err != nil {
			t.Fatal(err)
		}
		images = append(images, readImage(t, "server:1", binary))
	}
	if !bytes.Equal(images[0], images[1]) {
		t.Error("two images of the same binary differ")
	}
}

func TestImageRunsItsFirstBinaryWithoutRights(t *testing.T) {
	dir := t.TempDir()
	server, tool := filepath.Join(dir, "server"), filepath.Join(dir, "tool")
	for _, path := range []string{server, tool} {
		if err := os.WriteFile(path, []byte(path), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	index, image := openImage(t, readImage(t, "server", server, tool))
	if got := index.Manifests[0].Annotations["io.containerd.image.name"]; got != "docker.io/library/server:latest" {
		t.Errorf("the image is named %q", got)
	}
	file, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(file.Config.Entrypoint, " ") != "/server" || file.Config.User != "65532:65532" || file.OS != "linux" {
		t.Errorf("got configuration %+v", file)
	}
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	content, err := layers[0].Compressed() // the blob as it is
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(readTar(t, content))); !slices.Equal(got, []string{"server", "tool"}) {
		t.Errorf("the image has the files %v", got)
	}
}

func TestImageRefusesRelativePaths(t *testing.T) {
	err := runImage(t.Context(), []string{"--ref", "server", "--output", "server.tar", "/bin/server"})
	if err == nil || !strings.Contains(err.Error(), "absolute path") {
		t.Errorf("got error %v", err)
	}
}

func readImage(t *testing.T, ref string, binaries ...string) []byte {
	t.Helper()
	output := filepath.Join(t.TempDir(), "image.tar")
	if err := writeImage(output, ref, binaries); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// openImage unpacks the tarball and has the library check it.
func openImage(t *testing.T, tarball []byte) (*v1.IndexManifest, v1.Image) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range readTar(t, bytes.NewReader(tarball)) {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, content, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	image, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(image, validate.Fast); err != nil {
		t.Fatal(err)
	}
	return manifest, image
}

func readTar(t *testing.T, r io.Reader) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	archive := tar.NewReader(r)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[header.Name], err = io.ReadAll(archive); err != nil {
			t.Fatal(err)
		}
	}
}
