// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"debug/elf"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/distribution/reference"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// imageOptions are the name of an image and how it is written.
type imageOptions struct {
	ref         string
	annotations map[string]string
	compress    bool
	// root is a directory whose content is at the root of the image, too; empty for none.
	root string
}

// created returns the time in the annotations, or the zero time.
func (o imageOptions) created() (v1.Time, error) {
	text, found := o.annotations["org.opencontainers.image.created"]
	if !found {
		return v1.Time{}, nil
	}
	created, err := time.Parse(time.RFC3339, text)
	return v1.Time{Time: created}, err
}

func runImage(_ context.Context, args []string) error {
	options := imageOptions{annotations: map[string]string{}}
	flags := flag.NewFlagSet("image", flag.ExitOnError)
	flags.StringVar(&options.ref, "ref", "", "the image's name and tag")
	flags.StringVar(&options.root, "root", "", "a directory with more files for the image's root, as an absolute path")
	flags.BoolVar(&options.compress, "compress", false, "compress the layers, for images that are published")
	flags.Func("annotation", "KEY=VALUE, an annotation of the image; repeatable", func(text string) error {
		key, value, found := strings.Cut(text, "=")
		if !found {
			return errors.New("write KEY=VALUE")
		}
		options.annotations[key] = value
		return nil
	})
	output := flags.String("output", "", "the tarball to write, as an absolute path")
	_ = flags.Parse(args) // exits by itself on an error
	if options.ref == "" || *output == "" || flags.NArg() == 0 {
		return errors.New("needs --ref, --output and at least one binary")
	}
	for _, path := range append(flags.Args(), *output) {
		if !filepath.IsAbs(path) {
			return fmt.Errorf("%s: write an absolute path, for go run -C changes the working directory", path)
		}
	}
	return writeImage(*output, options, flags.Args())
}

// writeImage writes an OCI image layout as a tarball: the same bytes for the same binaries. It has an image for each
// architecture of the binaries, which contains only these binaries, at its root. An image runs the first of its
// binaries, as user 65532.
func writeImage(output string, options imageOptions, binaries []string) error {
	named, err := reference.ParseDockerRef(options.ref)
	if err != nil {
		return fmt.Errorf("image name %q: %w", options.ref, err)
	}
	images, err := newImages(binaries, options)
	if err != nil {
		return err
	}
	index, err := newIndex(images, options.annotations)
	if err != nil {
		return err
	}
	file, err := os.Create(output)
	if err != nil {
		return err
	}
	if err := errors.Join(writeLayout(file, named, index, images), file.Close()); err != nil {
		return fmt.Errorf("%s: %w", output, err)
	}
	return nil
}

// newImages returns the images of the binaries, in the alphabetical order of their architectures.
func newImages(binaries []string, options imageOptions) ([]v1.Image, error) {
	groups, err := byArchitecture(binaries)
	if err != nil {
		return nil, err
	}
	var images []v1.Image
	for _, architecture := range slices.Sorted(maps.Keys(groups)) {
		image, err := newImage(architecture, groups[architecture], options)
		if err != nil {
			return nil, err
		}
		images = append(images, image)
	}
	return images, nil
}

func byArchitecture(binaries []string) (map[string][]string, error) {
	groups := map[string][]string{}
	for _, path := range binaries {
		architecture, err := architectureOf(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		groups[architecture] = append(groups[architecture], path)
	}
	return groups, nil
}

var architectures = map[elf.Machine]string{elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64"}

// architectureOf reads the architecture from the binary itself, so that an image cannot claim another one.
func architectureOf(path string) (string, error) {
	file, err := elf.Open(path)
	if err != nil {
		return "", fmt.Errorf("is not a program for Linux: %w", err)
	}
	architecture, known := architectures[file.Machine]
	if !known {
		err = fmt.Errorf("images support programs for amd64 or arm64, but this one is for %s", file.Machine)
	}
	return architecture, errors.Join(err, file.Close())
}
