// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/distribution/reference"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

func runImage(_ context.Context, args []string) error {
	flags := flag.NewFlagSet("image", flag.ExitOnError)
	ref := flags.String("ref", "", "the image's name and tag")
	output := flags.String("output", "", "the tarball to write, as an absolute path")
	_ = flags.Parse(args) // exits by itself on an error
	if *ref == "" || *output == "" || flags.NArg() == 0 {
		return errors.New("needs --ref, --output and at least one binary")
	}
	for _, path := range append(flags.Args(), *output) {
		if !filepath.IsAbs(path) {
			return fmt.Errorf("%s: write an absolute path, for go run -C changes the working directory", path)
		}
	}
	return writeImage(*output, *ref, flags.Args())
}

// writeImage writes an OCI image layout as a tarball: the same bytes for the same binaries.
// The image has nothing but the binaries at its root, runs the first of them, and runs it as user 65532.
func writeImage(output, ref string, binaries []string) error {
	named, err := reference.ParseDockerRef(ref)
	if err != nil {
		return fmt.Errorf("image name %q: %w", ref, err)
	}
	layer, err := binaryLayer(binaries)
	if err != nil {
		return err
	}
	file, err := os.Create(output)
	if err != nil {
		return err
	}
	err = errors.Join(writeLayout(file, named, layer, "/"+filepath.Base(binaries[0])), file.Close())
	if err != nil {
		return fmt.Errorf("%s: %w", output, err)
	}
	return nil
}

// binaryLayer is a tar archive of the binaries. It is not compressed, for it only travels on this machine.
func binaryLayer(binaries []string) ([]byte, error) {
	var content bytes.Buffer
	archive := tar.NewWriter(&content)
	for _, path := range binaries {
		binary, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if err := addFile(archive, filepath.Base(path), 0o755, binary); err != nil {
			return nil, err
		}
	}
	return content.Bytes(), archive.Close()
}

// addFile adds a file without time and owner, so that the same content gives the same archive.
func addFile(archive *tar.Writer, name string, mode int64, content []byte) error {
	header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(content))}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err := archive.Write(content)
	return err
}

// writeLayout writes the files that the OCI image layout asks for.
func writeLayout(w io.Writer, ref reference.Named, layer []byte, entrypoint string) error {
	image, err := newImage(layer, entrypoint)
	if err != nil {
		return err
	}
	manifest, err := image.RawManifest()
	if err != nil {
		return err
	}
	config, err := image.RawConfigFile()
	if err != nil {
		return err
	}
	index, err := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{
		Add:        image,
		Descriptor: v1.Descriptor{Annotations: map[string]string{"io.containerd.image.name": ref.String()}},
	}).RawManifest()
	if err != nil {
		return err
	}
	archive := tar.NewWriter(w)
	return errors.Join(
		addFile(archive, "oci-layout", 0o644, []byte(`{"imageLayoutVersion":"1.0.0"}`)),
		addFile(archive, "index.json", 0o644, index),
		addFile(archive, blobName(manifest), 0o644, manifest),
		addFile(archive, blobName(config), 0o644, config),
		addFile(archive, blobName(layer), 0o644, layer),
		archive.Close(),
	)
}

func blobName(content []byte) string {
	return fmt.Sprintf("blobs/sha256/%x", sha256.Sum256(content))
}

// newImage is an image of one layer that runs entrypoint as a user without rights.
func newImage(layer []byte, entrypoint string) (v1.Image, error) {
	image, err := mutate.ConfigFile(
		mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON),
		&v1.ConfigFile{
			OS:           "linux",
			Architecture: runtime.GOARCH,
			Config:       v1.Config{Entrypoint: []string{entrypoint}, User: "65532:65532"},
			RootFS:       v1.RootFS{Type: "layers"},
		})
	if err != nil {
		return nil, err
	}
	return mutate.AppendLayers(image, static.NewLayer(layer, types.OCIUncompressedLayer))
}
