// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os/exec"
	"path/filepath"
)

func runLoad(ctx context.Context, args []string) error {
	c, files, err := parseNameAndRest(flag.NewFlagSet("load", flag.ExitOnError), args)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return errors.New("missing arguments: the image tarballs to import")
	}
	r, err := c.running()
	if err != nil {
		return err
	}
	bin, err := build(ctx, "ctr")
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := load(ctx, r, bin, file); err != nil {
			return err
		}
	}
	return nil
}

// load imports an image tarball into the node's containerd, whose socket is accessed through the node's first process.
func load(ctx context.Context, r record, bin, file string) error {
	socket := fmt.Sprintf("/proc/%d/root/run/containerd/containerd.sock", r.Node.PID)
	ctr := exec.CommandContext(ctx, filepath.Join(bin, "ctr"),
		"--address", socket, "--namespace", "k8s.io", "images", "import", file)
	if out, err := ctr.CombinedOutput(); err != nil {
		return fmt.Errorf("import %s: %w\n%s", file, err, out)
	}
	progress("imported %s", file)
	return nil
}

// loadPause imports the pause image, which holds the namespaces of every Pod.
func (c cluster) loadPause(ctx context.Context, r record, bin string) error {
	tarball := c.path("pause.tar")
	if err := writeImage(tarball, imageOptions{ref: pauseImage}, []string{filepath.Join(bin, "pause")}); err != nil {
		return err
	}
	return load(ctx, r, bin, tarball)
}
