// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

const kubernetesVersion = "v1.36.3" // as in go.mod

// A module here lists main packages that are built with one go command; a program is called as its package's last element.
type module struct {
	dir      string
	packages []string
	cold     string // how long the first build takes on two cores
}

// containerd has a module of its own: it needs newer libraries than Kubernetes is released with.
var modules = []module{
	{".", []string{
		"./etcd",
		"./pause",
		"k8s.io/kubernetes/cmd/kube-apiserver",
		"k8s.io/kubernetes/cmd/kube-controller-manager",
		"k8s.io/kubernetes/cmd/kube-proxy",
		"k8s.io/kubernetes/cmd/kube-scheduler",
		"k8s.io/kubernetes/cmd/kubectl",
		"k8s.io/kubernetes/cmd/kubelet",
		"k8s.io/sample-apiserver",
	}, "6 minutes"},
	{"containerd", []string{
		"github.com/containerd/containerd/v2/cmd/containerd",
		"github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
		"github.com/containerd/containerd/v2/cmd/ctr",
		"github.com/containernetworking/plugins/plugins/ipam/host-local",
		"github.com/containernetworking/plugins/plugins/main/ptp",
	}, "2 minutes"},
}

func runBuild(programs []string) error {
	dir, err := build(programs...)
	if err == nil {
		fmt.Println(dir)
	}
	return err
}

// build builds those programs that are missing, all of them if none is named, and returns their directory.
// What is there is never built again: the directory's name changes with everything that shapes a binary.
func build(programs ...string) (string, error) {
	if err := knownPrograms(programs); err != nil {
		return "", err
	}
	dir, err := binaryDir()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	unlock, err := lock(dir)
	if err != nil {
		return "", err
	}
	defer unlock()
	for _, m := range modules {
		if err := m.build(dir, m.missing(dir, programs)); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// knownPrograms returns an error that lists every program if one of the names is none of them.
func knownPrograms(names []string) error {
	var known []string
	for _, m := range modules {
		for _, p := range m.packages {
			known = append(known, path.Base(p))
		}
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return fmt.Errorf("no program %q; there are %s", name, strings.Join(known, ", "))
		}
	}
	return nil
}

// missing returns the module's packages that are wanted (all if wanted is empty) and have no binary in dir.
func (m module) missing(dir string, wanted []string) []string {
	var missing []string
	for _, p := range m.packages {
		name := path.Base(p)
		_, err := os.Stat(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) && (len(wanted) == 0 || slices.Contains(wanted, name)) {
			missing = append(missing, p)
		}
	}
	return missing
}

// build compiles the packages and moves the binaries to dir when they are complete.
func (m module) build(dir string, packages []string) error {
	if len(packages) == 0 {
		return nil
	}
	progress("building %s: the first time this takes up to %s, later it comes from the cache",
		strings.Join(baseNames(packages), ", "), m.cold)
	start := time.Now()
	tmp := filepath.Join(dir, ".building")
	defer func() { _ = os.RemoveAll(tmp) }()

	args := append(buildFlags(), "-o", tmp+"/")
	compile := exec.Command("go", append(args, packages...)...)
	compile.Dir = m.dir
	compile.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	compile.Stdout, compile.Stderr = os.Stderr, os.Stderr
	if err := compile.Run(); err != nil {
		return fmt.Errorf("go build in hack/cluster/%s: %w", m.dir, err)
	}
	for _, name := range baseNames(packages) {
		if err := os.Rename(filepath.Join(tmp, name), filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	progress("built in %s", time.Since(start).Round(time.Second))
	return nil
}

func baseNames(packages []string) []string {
	names := make([]string, len(packages))
	for i, p := range packages {
		names[i] = path.Base(p)
	}
	return names
}

// buildFlags holds for every program, so that they share what is compiled.
func buildFlags() []string {
	numbers := strings.Split(strings.TrimPrefix(kubernetesVersion, "v"), ".")
	link := "-s -w"
	for _, pkg := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		link += fmt.Sprintf(" -X %[1]s.gitVersion=%[2]s -X %[1]s.gitMajor=%[3]s -X %[1]s.gitMinor=%[4]s",
			pkg, kubernetesVersion, numbers[0], numbers[1])
	}
	return []string{"build", "-trimpath", "-buildvcs=false", "-tags=no_btrfs,no_zfs", "-ldflags=" + link}
}

// binaryDir is shared by all clones whose binaries would be the same.
func binaryDir() (string, error) {
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	version, err := exec.Command("go", "env", "GOVERSION").Output()
	if err != nil {
		return "", fmt.Errorf("go env: %w", err)
	}
	inputs := append(buildFlags(), string(version), runtime.GOOS, runtime.GOARCH)
	for _, m := range modules {
		for _, file := range append([]string{"go.mod", "go.sum"}, ownSources(m)...) {
			content, err := os.ReadFile(filepath.Join(m.dir, file))
			if err != nil {
				return "", fmt.Errorf("run this with go run -C hack/cluster: %w", err)
			}
			inputs = append(inputs, string(content))
		}
	}
	return filepath.Join(cache, "bin", cacheKey(inputs)), nil
}

// ownSources are the main.go files of the module's programs that are not in a library.
func ownSources(m module) []string {
	var files []string
	for _, p := range m.packages {
		if strings.HasPrefix(p, "./") {
			files = append(files, filepath.Join(p, "main.go"))
		}
	}
	return files
}

// cacheKey is short, and differs if any of the inputs differs.
func cacheKey(inputs []string) string {
	hash := sha256.New()
	for _, input := range inputs {
		fmt.Fprintf(hash, "%d:%s", len(input), input)
	}
	return fmt.Sprintf("%x", hash.Sum(nil))[:16]
}
