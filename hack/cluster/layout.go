// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/distribution/reference"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// newImage returns an image of one layer that runs the first binary as an unprivileged user.
func newImage(architecture string, binaries []string, options imageOptions) (v1.Image, error) {
	content, err := archiveFiles(options.root, binaries)
	if err != nil {
		return nil, err
	}
	layer, err := newLayer(content, options.compress)
	if err != nil {
		return nil, err
	}
	created, err := options.created()
	if err != nil {
		return nil, err
	}
	image, err := mutate.ConfigFile(
		mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON),
		&v1.ConfigFile{
			OS:           "linux",
			Architecture: architecture,
			Created:      created,
			Config:       v1.Config{Entrypoint: []string{"/" + filepath.Base(binaries[0])}, User: "65532:65532"},
			RootFS:       v1.RootFS{Type: "layers"},
		})
	if err != nil {
		return nil, err
	}
	image, err = mutate.AppendLayers(image, layer)
	if err != nil {
		return nil, err
	}
	return mutate.Annotations(image, options.annotations).(v1.Image), nil //nolint:forcetypeassert // an image stays one
}

func archiveFiles(root string, binaries []string) ([]byte, error) {
	var content bytes.Buffer
	archive := tar.NewWriter(&content)
	if root != "" {
		if err := addDirectory(archive, root); err != nil {
			return nil, err
		}
	}
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

// newLayer does not compress content by default, as that takes longer than loading it.
func newLayer(content []byte, compress bool) (v1.Layer, error) {
	if !compress {
		return static.NewLayer(content, types.OCIUncompressedLayer), nil
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	return tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer), tarball.WithCompressedCaching)
}

// newIndex returns an index of the images by platform. It also has the annotations of the images: some registries show
// those of the index, some those of an image.
func newIndex(images []v1.Image, annotations map[string]string) (v1.ImageIndex, error) {
	index := v1.ImageIndex(empty.Index)
	for _, image := range images {
		config, err := image.ConfigFile()
		if err != nil {
			return nil, err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        image,
			Descriptor: v1.Descriptor{Platform: config.Platform()},
		})
	}
	return mutate.Annotations(index, annotations).(v1.ImageIndex), nil //nolint:forcetypeassert // an index stays one
}

// writeLayout writes the files of an OCI image layout.
func writeLayout(w io.Writer, ref reference.Named, index v1.ImageIndex, images []v1.Image) error {
	archive := tar.NewWriter(w)
	entry, err := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{
		Add:        index,
		Descriptor: v1.Descriptor{Annotations: names(ref)},
	}).RawManifest()
	if err != nil {
		return err
	}
	err = errors.Join(
		addFile(archive, "oci-layout", 0o644, []byte(`{"imageLayoutVersion":"1.0.0"}`)),
		addFile(archive, "index.json", 0o644, entry),
		addManifest(archive, index))
	for _, image := range images {
		err = errors.Join(err, addImage(archive, image))
	}
	return errors.Join(err, archive.Close())
}

// names returns the names of the image for containerd, and for skopeo and buildx.
func names(ref reference.Named) map[string]string {
	names := map[string]string{"io.containerd.image.name": ref.String()}
	if tagged, ok := ref.(reference.Tagged); ok {
		names["org.opencontainers.image.ref.name"] = tagged.Tag()
	}
	return names
}

func addImage(archive *tar.Writer, image v1.Image) error {
	config, err := partial.ConfigLayer(image)
	if err != nil {
		return err
	}
	layers, err := image.Layers()
	if err != nil {
		return err
	}
	err = addManifest(archive, image)
	for _, layer := range append([]v1.Layer{config}, layers...) {
		err = errors.Join(err, addLayer(archive, layer))
	}
	return err
}

func addManifest(archive *tar.Writer, of partial.WithRawManifest) error {
	manifest, err := of.RawManifest()
	if err != nil {
		return err
	}
	digest, _, err := v1.SHA256(bytes.NewReader(manifest))
	if err != nil {
		return err
	}
	return addFile(archive, blobName(digest), 0o644, manifest)
}

func addLayer(archive *tar.Writer, layer v1.Layer) error {
	digest, err := layer.Digest()
	if err != nil {
		return err
	}
	blob, err := layer.Compressed() // the blob as it is
	if err != nil {
		return err
	}
	content, err := io.ReadAll(blob)
	if err := errors.Join(err, blob.Close()); err != nil {
		return err
	}
	return addFile(archive, blobName(digest), 0o644, content)
}

func blobName(digest v1.Hash) string { return fmt.Sprintf("blobs/%s/%s", digest.Algorithm, digest.Hex) }

// addDirectory adds what is below a directory, in the order of names, and of that only modes and links.
func addDirectory(archive *tar.Writer, directory string) error {
	root, err := os.OpenRoot(directory)
	if err != nil {
		return err
	}
	err = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		return addEntry(archive, root, name, info.Mode())
	})
	return errors.Join(err, root.Close())
}

func addEntry(archive *tar.Writer, root *os.Root, name string, mode fs.FileMode) error {
	switch permissions := int64(mode.Perm()); {
	case mode.IsDir():
		if mode&fs.ModeSticky != 0 {
			permissions |= 0o1000
		}
		return archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: permissions})
	case mode&fs.ModeSymlink != 0:
		target, err := root.Readlink(name)
		if err != nil {
			return err
		}
		return archive.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777})
	default:
		content, err := root.ReadFile(name)
		if err != nil {
			return err
		}
		return addFile(archive, name, permissions, content)
	}
}

// addFile adds a file without time and owner, so that the archive is reproducible.
func addFile(archive *tar.Writer, name string, mode int64, content []byte) error {
	header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(content))}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err := archive.Write(content)
	return err
}
