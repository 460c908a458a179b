// SPDX-License-Identifier: Apache-2.0

// Command release writes the files of a release from the checked out commit: make release VERSION=v0.1.0. The same
// commit and version give the same bytes. docs/releasing.md describes the files.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
)

func main() {
	r := release{output: "dist", tools: "bin/tools"}
	flag.StringVar(&r.version, "version", "", "the release, a semantic version with the prefix v")
	flag.Func("plugin-system", "an operating system of "+pluginName+"; may be repeated (default "+list(pluginSystems)+")",
		func(system string) error {
			if !slices.Contains(pluginSystems, system) {
				return fmt.Errorf("must be one of %s", list(pluginSystems))
			}
			r.pluginSystems = append(r.pluginSystems, system)
			return nil
		})
	flag.Parse()
	if len(r.pluginSystems) == 0 {
		r.pluginSystems = pluginSystems
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := r.run(ctx)
	stop()
	if err != nil {
		progress("release: %v", err)
		os.Exit(1)
	}
}

// release is a version, its commit, the output directory, and the directory of helm and cyclonedx-gomod.
type release struct {
	version string
	output  string
	tools   string
	commit  commit
	// pluginSystems are the operating systems that kubectl-extensionapi is built for.
	pluginSystems []string
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

// write writes the files one by one, and their checksums last.
func (r release) write(ctx context.Context) error {
	for _, step := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"building the operator for " + list(architectures), r.build},
		{"writing the image", r.image},
		{"writing the SBOM of each program", r.sboms},
		{"packaging the chart", r.chart},
		{"writing the manifests for kubectl", r.manifests},
		{"building " + pluginName + " for " + list(r.pluginSystems), r.plugin},
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

// progress reports what is being done.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}
