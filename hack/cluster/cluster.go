// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// cluster is a one-node cluster. All its files are in dir, which is nodeDir in the node.
type cluster struct {
	name string
	dir  string
}

func (c cluster) path(elements ...string) string {
	return filepath.Join(append([]string{c.dir}, elements...)...)
}

func (c cluster) kubeconfig() string          { return c.path("kubeconfig") }
func (c cluster) log(component string) string { return c.path("logs", component+".log") }

// record is what is needed to find a cluster again and to remove it.
type record struct {
	Network network `json:"network"`
	// KubeAPIServers is how many there are, 0 in the records of earlier versions, which started one.
	KubeAPIServers int     `json:"kubeAPIServers"`
	Node           process `json:"node"` // its first process; when it exits, all others do
}

// read returns fs.ErrNotExist if there is no such cluster.
func (c cluster) read() (record, error) {
	var r record
	content, err := os.ReadFile(c.path("record.json"))
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(content, &r); err != nil {
		return r, fmt.Errorf("%s: %w", c.path("record.json"), err)
	}
	return r, nil
}

func (c cluster) write(r record) error {
	content, err := json.Marshal(r)
	if err != nil {
		return err
	}
	tmp := c.path("record.json.tmp")
	if err := os.WriteFile(tmp, content, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, c.path("record.json"))
}

// running returns the record of a running cluster, and an error with advice if it is not running.
func (c cluster) running() (record, error) {
	r, err := c.read()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return r, err
	}
	if !r.Node.alive() {
		return r, fmt.Errorf("cluster %q is not running; start it with: up --name %s", c.name, c.name)
	}
	return r, nil
}

// lockAll prevents other commands from starting or stopping any cluster meanwhile: they allocate networks from one
// pool.
func (c cluster) lockAll(ctx context.Context) (unlock func(), err error) {
	clusters := filepath.Dir(c.dir)
	if err := os.MkdirAll(clusters, 0o750); err != nil {
		return nil, err
	}
	return lock(ctx, clusters)
}

// chooseNetwork returns a network that neither this machine nor another cluster uses.
func (c cluster) chooseNetwork() (network, error) {
	used, err := hostPrefixes()
	if err != nil {
		return 0, err
	}
	others, err := c.others()
	if err != nil {
		return 0, err
	}
	for _, other := range others {
		used = append(used, other.Network.prefixes()...)
	}
	return freeNetwork(used)
}

// others returns the records of all other clusters, running or not.
func (c cluster) others() ([]record, error) {
	entries, err := os.ReadDir(filepath.Dir(c.dir))
	if err != nil {
		return nil, err
	}
	var others []record
	for _, entry := range entries {
		other := cluster{name: entry.Name(), dir: filepath.Join(filepath.Dir(c.dir), entry.Name())}
		if r, err := other.read(); err == nil && other.name != c.name {
			others = append(others, r)
		}
	}
	return others, nil
}

func runKubeconfig(_ context.Context, args []string) error {
	c, err := parseName("kubeconfig", args)
	if err != nil {
		return err
	}
	if _, err := c.running(); err != nil {
		return err
	}
	fmt.Println(c.kubeconfig())
	return nil
}
