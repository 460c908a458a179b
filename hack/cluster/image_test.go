// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"debug/elf"
	"encoding/binary"
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
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

const (
	amd64 = elf.EM_X86_64
	arm64 = elf.EM_AARCH64
)

func TestImageIsReproducible(t *testing.T) {
	for _, compress := range []bool{false, true} {
		server := writeBinary(t, "server", amd64)
		options := imageOptions{ref: "server:1", compress: compress}
		before := readImage(t, options, server)
		later := time.Now().Add(time.Hour)
		if err := errors.Join(os.Chtimes(server, later, later), os.Chmod(server, 0o500)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(before, readImage(t, options, server)) {
			t.Errorf("two images of the same binary differ, compress=%v", compress)
		}
	}
}

func TestImageRunsItsFirstBinaryAsNonRoot(t *testing.T) {
	_, _, images := openImage(t, readImage(t, imageOptions{ref: "server"},
		writeBinary(t, "server", amd64), writeBinary(t, "tool", amd64)))
	file, err := images[0].ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(file.Config.Entrypoint, " ") != "/server" || file.Config.User != "65532:65532" || file.OS != "linux" {
		t.Errorf("got configuration %+v", file)
	}
	if got := filesOf(t, images[0]); !slices.Equal(got, []string{"server", "tool"}) {
		t.Errorf("the image has the files %v", got)
	}
}

func TestImageHasTheFilesOfADirectory(t *testing.T) {
	root := t.TempDir()
	err := errors.Join(os.MkdirAll(filepath.Join(root, "etc", "server"), 0o750),
		os.WriteFile(filepath.Join(root, "etc", "passwd"), []byte("server:x:65532:65532"), 0o600),
		os.Symlink("passwd", filepath.Join(root, "etc", "users")))
	if err != nil {
		t.Fatal(err)
	}
	_, _, images := openImage(t, readImage(t, imageOptions{ref: "server", root: root}, writeBinary(t, "server", amd64)))
	want := []string{"etc/", "etc/passwd", "etc/server/", "etc/users", "server"}
	if got := filesOf(t, images[0]); !slices.Equal(got, want) {
		t.Errorf("the image has the files %q, want %q", got, want)
	}
}

func TestImageIsNamedForContainerdAndForSkopeo(t *testing.T) {
	entry, _, _ := openImage(t, readImage(t, imageOptions{ref: "server"}, writeBinary(t, "server", amd64)))
	want := map[string]string{
		"io.containerd.image.name":          "docker.io/library/server:latest",
		"org.opencontainers.image.ref.name": "latest",
	}
	if !maps.Equal(entry.Annotations, want) {
		t.Errorf("got %v, want %v", entry.Annotations, want)
	}
}

func TestImageHasEachArchitectureOfItsBinaries(t *testing.T) {
	const created = "2026-11-23T10:00:00Z"
	annotations := map[string]string{
		"org.opencontainers.image.version": "v0.1.0", "org.opencontainers.image.created": created,
	}
	_, index, images := openImage(t, readImage(t,
		imageOptions{ref: "server:v0.1.0", annotations: annotations, compress: true},
		writeBinary(t, "server", arm64), writeBinary(t, "server", amd64)))
	if !maps.Equal(index.Annotations, annotations) {
		t.Errorf("the index has the annotations %v", index.Annotations)
	}
	var platforms []string
	for i, image := range images {
		platforms = append(platforms, index.Manifests[i].Platform.String())
		if got := filesOf(t, image); !slices.Equal(got, []string{"server"}) {
			t.Errorf("the image for %s has the files %v", platforms[i], got)
		}
		manifest, err := image.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(manifest.Annotations, annotations) || manifest.Layers[0].MediaType != types.OCILayer {
			t.Errorf("got manifest %+v", manifest)
		}
		if config, err := image.ConfigFile(); err != nil || config.Created.Format(time.RFC3339) != created {
			t.Errorf("got config %+v, %v", config, err)
		}
	}
	if want := []string{"linux/amd64", "linux/arm64"}; !slices.Equal(platforms, want) {
		t.Errorf("got platforms %v, want %v", platforms, want)
	}
}

func TestInvalidBinariesAreRejected(t *testing.T) {
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho this is long enough for a program\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ binary, want string }{
		{"server", "absolute path"},
		{script, "not a program for Linux"},
		{writeBinary(t, "server", elf.EM_RISCV), "amd64 or arm64, but this one is for EM_RISCV"},
	} {
		output := filepath.Join(t.TempDir(), "image.tar")
		err := runImage(t.Context(), []string{"--ref", "server", "--output", output, test.binary})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got error %v, want one with %q", err, test.want)
		}
	}
}

// writeBinary writes only the header of a program, which has its architecture.
func writeBinary(t *testing.T, name string, machine elf.Machine) string {
	t.Helper()
	var content bytes.Buffer
	header := elf.Header64{
		Ident:   [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:    uint16(elf.ET_EXEC),
		Machine: uint16(machine),
		Version: uint32(elf.EV_CURRENT),
	}
	if err := binary.Write(&content, binary.LittleEndian, header); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content.Bytes(), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func readImage(t *testing.T, options imageOptions, binaries ...string) []byte {
	t.Helper()
	output := filepath.Join(t.TempDir(), "image.tar")
	if err := writeImage(output, options, binaries); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// openImage unpacks the tarball, validates it with the library, and returns its only entry, its index and its images.
func openImage(t *testing.T, tarball []byte) (v1.Descriptor, *v1.IndexManifest, []v1.Image) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range readTar(t, bytes.NewReader(tarball)) {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, content, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	top, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	entry := manifestOf(t, top).Manifests[0]
	index, err := top.ImageIndex(entry.Digest)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index, validate.Fast); err != nil {
		t.Fatal(err)
	}
	var images []v1.Image
	for _, descriptor := range manifestOf(t, index).Manifests {
		image, err := index.Image(descriptor.Digest)
		if err != nil {
			t.Fatal(err)
		}
		images = append(images, image)
	}
	return entry, manifestOf(t, index), images
}

func manifestOf(t *testing.T, index v1.ImageIndex) *v1.IndexManifest {
	t.Helper()
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	return manifest
}

// filesOf returns the paths in the image's layer.
func filesOf(t *testing.T, image v1.Image) []string {
	t.Helper()
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	blob, err := layers[0].Compressed() // the stored blob
	if err != nil {
		t.Fatal(err)
	}
	content := io.Reader(blob)
	if kind, err := layers[0].MediaType(); err == nil && kind == types.OCILayer {
		if content, err = gzip.NewReader(blob); err != nil {
			t.Fatal(err)
		}
	}
	return slices.Sorted(maps.Keys(readTar(t, content)))
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
