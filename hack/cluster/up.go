// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"time"
)

func runUp(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("up", flag.ExitOnError)
	count := flags.Int("kube-apiservers", 1, "how many kube-apiservers a new cluster has")
	c, err := parseNameAlone(flags, args)
	if err != nil {
		return err
	}
	if *count < 1 || *count > maxKubeAPIServers {
		return fmt.Errorf("--kube-apiservers %d: a cluster has 1 to %d", *count, maxKubeAPIServers)
	}
	if err := requireRoot(); err != nil {
		return err
	}
	if err := requirePackages(ctx); err != nil {
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
	if err := c.up(ctx, bin, *count); err != nil {
		return err
	}
	fmt.Println(c.kubeconfig())
	return nil
}

// nodePrograms returns the programs that up needs.
func nodePrograms() []string {
	programs := []string{"pause", "containerd-shim-runc-v2", "ctr", "host-local", "ptp", "kubectl"}
	for _, component := range append(base(record{}), clients(cluster{}, 0)...) {
		programs = append(programs, component.name)
	}
	return programs
}

// up starts the cluster unless it is running, and returns when Pods can run.
func (c cluster) up(ctx context.Context, bin string, kubeAPIServers int) error {
	start := time.Now()
	r, err := c.prepare(kubeAPIServers)
	if err != nil {
		return err
	}
	if r.Node.alive() {
		progress("cluster %s is running", c.name)
	} else if r.Node, err = c.start(ctx, bin, r); err != nil {
		return err
	}
	if err := c.waitReady(ctx, r, milestones(c, r)...); err != nil {
		return fmt.Errorf("cluster %s: %w", c.name, err)
	}
	if err := c.loadPause(ctx, r, bin); err != nil {
		return err
	}
	progress("cluster %s is up after %s; kubectl is in %s", c.name, time.Since(start).Round(100*time.Millisecond), bin)
	return nil
}

// start starts the node of a cluster that is new, or whose node has exited, such as after a reboot.
func (c cluster) start(ctx context.Context, bin string, r record) (process, error) {
	progress("starting cluster %s at %s", c.name, r.Network.Node())
	if err := c.stop(ctx, r); err != nil {
		return process{}, err
	}
	if err := createCgroup(r.Network.Cgroup()); err != nil {
		return process{}, err
	}
	if err := errors.Join(c.writeConfig(r.Network), c.writeKubeconfigs(r.server())); err != nil {
		return process{}, err
	}
	return c.startNode(ctx, bin, r)
}

// prepare returns the cluster's record. If there is none, it allocates what lasts for the cluster's lifetime, network
// and keys.
func (c cluster) prepare(kubeAPIServers int) (record, error) {
	r, err := c.read()
	if !errors.Is(err, fs.ErrNotExist) {
		return r, err
	}
	r.KubeAPIServers = kubeAPIServers
	if err := c.makeDirs(); err != nil {
		return r, err
	}
	if r.Network, err = c.chooseNetwork(); err != nil {
		return r, err
	}
	if err := writePKI(c.path("pki"), r.Network, c.name); err != nil {
		return r, err
	}
	return r, c.write(r) // last, so that a record implies complete keys
}

func (c cluster) makeDirs() error {
	for _, dir := range []string{"pki", "logs", "cni", "var"} {
		if err := os.MkdirAll(c.path(dir), 0o750); err != nil {
			return err
		}
	}
	return nil
}
