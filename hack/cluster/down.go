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
	c, _, err := parseCluster("down", args)
	if err != nil {
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

// down ends the node, with which the kernel ends all its processes, mounts and network namespaces, and removes what is
// left. It works as well on a cluster that never came up, or that is already gone.
func (c cluster) down(ctx context.Context) error {
	r, err := c.read()
	if err == nil {
		err = errors.Join(r.Node.kill(ctx), r.Network.disconnect(ctx))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := removeCgroup(ctx, c.cgroup()); err != nil {
		return err
	}
	return os.RemoveAll(c.dir)
}
