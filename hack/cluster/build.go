// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// program is built from a main package that a go.mod, here or in directory module, lists as a tool.
type program struct {
	name, module, pkg string
}

// containerd has its own module: it needs newer libraries than Kubernetes is released with.
var programs = []program{
	{"kube-apiserver", ".", "k8s.io/kubernetes/cmd/kube-apiserver"},
	{"kube-controller-manager", ".", "k8s.io/kubernetes/cmd/kube-controller-manager"},
	{"kube-scheduler", ".", "k8s.io/kubernetes/cmd/kube-scheduler"},
	{"kubelet", ".", "k8s.io/kubernetes/cmd/kubelet"},
	{"kube-proxy", ".", "k8s.io/kubernetes/cmd/kube-proxy"},
	{"kubectl", ".", "k8s.io/kubernetes/cmd/kubectl"},
	{"sample-apiserver", ".", "k8s.io/sample-apiserver"},
	{"etcd", ".", "go.etcd.io/etcd/server/v3"},
	{"pause", ".", "./pause"},
	{"containerd", "containerd", "github.com/containerd/containerd/v2/cmd/containerd"},
	{"containerd-shim-runc-v2", "containerd", "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2"},
	{"ctr", "containerd", "github.com/containerd/containerd/v2/cmd/ctr"},
	{"host-local", "containerd", "github.com/containernetworking/plugins/plugins/ipam/host-local"},
	{"ptp", "containerd", "github.com/containernetworking/plugins/plugins/main/ptp"},
}

// programs returns all programs of a release.
func (r release) programs() []program {
	if r.module == current {
		return programs
	}
	return []program{{"kube-apiserver", r.module, "k8s.io/kubernetes/cmd/kube-apiserver"}}
}

// keyFiles returns the files in this directory that a binary depends on; the sources of modules are pinned by go.sum
// files.
func (r release) keyFiles() []string {
	if r.module == current {
		return []string{"go.mod", "go.sum", "containerd/go.mod", "containerd/go.sum", "pause/main.go"}
	}
	return []string{r.module + "/go.mod", r.module + "/go.sum"}
}

func runBuild(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("build", flag.ExitOnError)
	minor := flags.String("kubernetes", "", "the minor version of Kubernetes, such as 1.34; default: the cluster's")
	_ = flags.Parse(args) // exits by itself on an error
	r, err := findRelease(ctx, *minor)
	if err != nil {
		return err
	}
	dir, err := r.build(ctx, flags.Args())
	if err == nil {
		fmt.Println(dir)
	}
	return err
}

// build builds programs of the release that clusters run.
func build(ctx context.Context, names ...string) (string, error) {
	r, err := findRelease(ctx, "")
	if err != nil {
		return "", err
	}
	return r.build(ctx, names)
}

// build builds the missing ones of the named programs, or of all if none is named, and returns their directory.
// Existing programs are never rebuilt: the directory's name depends on everything that determines a binary.
func (r release) build(ctx context.Context, names []string) (string, error) {
	wanted, err := choose(r.programs(), names)
	if err != nil {
		return "", err
	}
	dir, err := r.binaryDir(ctx)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", err
	}
	unlock, err := lock(ctx, dir)
	if err != nil {
		return "", err
	}
	defer unlock()

	missing := slices.DeleteFunc(wanted, func(p program) bool { return p.isIn(dir) })
	if len(missing) > 0 {
		progress("building programs: on two cores the first time takes 4 to 5 minutes for kube-apiserver " +
			"and 8 for all, later they come from the cache")
	}
	for _, p := range missing {
		if err := p.build(ctx, dir, r.buildFlags()); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// choose returns the programs of these names, or all if there are none.
func choose(programs []program, names []string) ([]program, error) {
	if len(names) == 0 {
		return slices.Clone(programs), nil
	}
	var chosen []program
	for _, name := range names {
		i := slices.IndexFunc(programs, func(p program) bool { return p.name == name })
		if i < 0 {
			return nil, fmt.Errorf("unknown program %q; available are %s", name, allNames(programs))
		}
		chosen = append(chosen, programs[i])
	}
	return chosen, nil
}

func allNames(programs []program) string {
	var names []string
	for _, p := range programs {
		names = append(names, p.name)
	}
	return strings.Join(names, ", ")
}

func (p program) isIn(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, p.name))
	return err == nil
}

// build compiles the program to a temporary name and renames it when it is complete.
func (p program) build(ctx context.Context, dir string, flags []string) error {
	start := time.Now()
	tmp := filepath.Join(dir, ".building")
	compile := exec.CommandContext(ctx, "go", append(flags, "-o", tmp, p.pkg)...)
	compile.Dir = p.module
	compile.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	compile.Stdout, compile.Stderr = os.Stderr, os.Stderr
	if err := compile.Run(); err != nil {
		return fmt.Errorf("go build %s in hack/cluster/%s: %w", p.pkg, p.module, err)
	}
	progress("  %s: %s", p.name, time.Since(start).Round(time.Second))
	return os.Rename(tmp, filepath.Join(dir, p.name))
}

// buildFlags are the same for every program, so that they share compiled packages.
func (r release) buildFlags() []string {
	major, minor, _ := strings.Cut(r.minor(), ".")
	link := []string{"-s", "-w"}
	for _, pkg := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		link = append(link,
			"-X", pkg+".gitVersion="+r.version, "-X", pkg+".gitMajor="+major, "-X", pkg+".gitMinor="+minor)
	}
	return []string{
		"build", "-trimpath", "-buildvcs=false", "-tags=no_btrfs,no_zfs", "-ldflags=" + strings.Join(link, " "),
	}
}

// binaryDir returns the directory of the binaries, which all clones with the same binaries share.
func (r release) binaryDir(ctx context.Context) (string, error) {
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	version, err := exec.CommandContext(ctx, "go", "env", "GOVERSION").Output()
	if err != nil {
		return "", fmt.Errorf("go env: %w", err)
	}
	inputs := append(r.buildFlags(), string(version), runtime.GOOS, runtime.GOARCH)
	for _, file := range r.keyFiles() {
		content, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("run this with go run -C hack/cluster: %w", err)
		}
		inputs = append(inputs, string(content))
	}
	return filepath.Join(cache, "bin", cacheKey(inputs)), nil
}

// cacheKey returns a short key that differs if any of the inputs differs.
func cacheKey(inputs []string) string {
	hash := sha256.New()
	for _, input := range inputs {
		_, _ = fmt.Fprintf(hash, "%d:%s", len(input), input)
	}
	return fmt.Sprintf("%x", hash.Sum(nil))[:16]
}
