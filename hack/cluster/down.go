// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

func runDown(ctx context.Context, args []string) error {
	c, err := parseName("down", args)
	if err != nil {
		return err
	}
	if err := requireRoot(); err != nil {
		return err
	}
	unlock, err := c.lockAll(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if err := c.down(ctx); err != nil {
		return fmt.Errorf("cluster %s: %w", c.name, err)
	}
	progress("cluster %s is gone", c.name)
	return nil
}

// down stops the node and removes what is left. It also works on a cluster that never started or is already gone.
func (c cluster) down(ctx context.Context) error {
	r, err := c.read()
	if err == nil {
		err = c.stop(ctx, r)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.RemoveAll(c.dir)
}

// stop kills the node, with which the kernel removes all its processes and mounts. It returns when only the directory
// of the cluster is left.
func (c cluster) stop(ctx context.Context, r record) error {
	if err := r.Node.kill(ctx); err != nil {
		return err
	}
	if err := r.Network.disconnectHost(ctx, c.dir); err != nil {
		return err
	}
	return removeCgroup(ctx, r.Network.Cgroup())
}
