// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

func runUp(ctx context.Context, args []string) error {
	c, _, err := parseCluster("up", args)
	if err != nil {
		return err
	}
	if err := requireHost(ctx); err != nil {
		return err
	}
	bin, err := build(ctx, nodePrograms()...)
	if err != nil {
		return err
	}
	unlock, err := c.lockAll(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if err := c.up(ctx, bin); err != nil {
		return err
	}
	fmt.Println(c.kubeconfig())
	return nil
}

// nodePrograms are those that up needs.
func nodePrograms() []string {
	programs := []string{"pause", "containerd-shim-runc-v2", "ctr", "host-local", "ptp", "kubectl"}
	for _, component := range append(base(0), clients(cluster{}, 0)...) {
		programs = append(programs, component.name)
	}
	return programs
}

// up starts the cluster unless it runs, and returns when Pods can run.
func (c cluster) up(ctx context.Context, bin string) error {
	start := time.Now()
	r, err := c.read()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if r.Node.alive() {
		progress("cluster %s is running", c.name)
	} else if r, err = c.start(ctx, bin); err != nil {
		return err
	}
	if err := c.waitReady(ctx, r); err != nil {
		return fmt.Errorf("cluster %s: %w", c.name, err)
	}
	if err := c.loadPause(ctx, r, bin); err != nil {
		return err
	}
	progress("cluster %s is up after %s; kubectl is in %s", c.name, time.Since(start).Round(100*time.Millisecond), bin)
	return nil
}

// start starts a cluster that is new, that was left half-started, or whose node has ended, as in a reboot.
func (c cluster) start(ctx context.Context, bin string) (record, error) {
	n, err := c.prepare()
	if err != nil {
		return record{}, err
	}
	progress("starting cluster %s at %s", c.name, n.Node())
	if err := errors.Join(n.disconnect(ctx), removeCgroup(ctx, c.cgroup()), createCgroup(c.cgroup())); err != nil {
		return record{}, err
	}
	node, err := c.startNode(ctx, bin, n)
	return record{Network: n, Node: node}, err
}

// prepare writes what the node reads. Network and keys are chosen once in a cluster's life.
func (c cluster) prepare() (network, error) {
	if err := c.makeDirs(); err != nil {
		return 0, err
	}
	r, err := c.read()
	if errors.Is(err, fs.ErrNotExist) {
		if r.Network, err = c.chooseNetwork(); err != nil {
			return 0, err
		}
		if err := writePKI(c.path("pki"), r.Network, c.name); err != nil {
			return 0, err
		}
		err = c.write(r) // last, for then the keys are complete
	}
	if err != nil {
		return 0, err
	}
	return r.Network, errors.Join(c.writeConfig(r.Network), c.writeKubeconfigs(r.Network))
}

func (c cluster) makeDirs() error {
	for _, dir := range []string{"pki", "logs", "cni", "var"} {
		if err := os.MkdirAll(c.path(dir), 0o750); err != nil {
			return err
		}
	}
	return nil
}
