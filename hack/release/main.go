// SPDX-License-Identifier: Apache-2.0

// Command release writes what a release consists of, from the commit that is checked out: make release VERSION=v0.1.0.
// The same commit and version give the same bytes. docs/releasing.md tells what the files are for.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	r := release{output: "dist", tools: "bin/tools"}
	flag.StringVar(&r.version, "version", "", "the release, a semantic version with a v before it")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := r.run(ctx)
	stop()
	if err != nil {
		progress("release: %v", err)
		os.Exit(1)
	}
}

// release is a version, the commit that it is made of, where its files go, and where helm and cyclonedx-gomod are.
type release struct {
	version string
	output  string
	tools   string
	commit  commit
}

func (r release) run(ctx context.Context) error {
	if err := errors.Join(checkVersion(r.version), checkTools(r.tools)); err != nil {
		return err
	}
	commit, note, err := checkedOut(ctx, r.version)
	if err != nil {
		return err
	}
	r.commit = commit
	if note != "" {
		progress("%s", note)
	}
	if r.output, err = filepath.Abs(r.output); err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(r.output), os.MkdirAll(r.output, 0o750)); err != nil {
		return err
	}
	return r.write(ctx)
}

// write makes the files one after the other, and at last their checksums.
func (r release) write(ctx context.Context) error {
	for _, step := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"building the operator for " + list(architectures), r.build},
		{"writing the image", r.image},
		{"writing the bill of materials of each program", r.materials},
		{"packing the chart", r.chart},
		{"writing the manifests for kubectl", r.manifests},
	} {
		progress("%s: %s", r.version, step.name)
		if err := step.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	if err := writeChecksums(r.output); err != nil {
		return err
	}
	progress("%s is in %s, of commit %s", r.version, r.output, r.commit.hash)
	return nil
}

// progress tells a person what is going on.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}
