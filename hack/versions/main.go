// SPDX-License-Identifier: Apache-2.0

// Command versions runs the integration tests on the kube-apiserver of every version of Kubernetes that hack/cluster
// builds, and prints how many passed. It fails if a test failed, or if the table in
// docs/reference/kubernetes-versions.md differs; with WRITE_DOCS=1 in the environment it writes the table.
//
// Arguments select versions, such as 1.34; the docs are then not checked. The working directory is the repository's
// root.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, chosen []string) error {
	versions := chosen
	if len(chosen) == 0 {
		known, err := cluster(ctx, "versions")
		if err != nil {
			return err
		}
		versions = strings.Fields(known)
	}
	programs, err := cluster(ctx, "build", "sample-apiserver", "etcd", "kubectl")
	if err != nil {
		return err
	}
	var results []result
	for _, version := range versions {
		result, err := runOn(ctx, version, programs)
		if err != nil {
			return fmt.Errorf("on Kubernetes %s: %w", version, err)
		}
		results = append(results, result)
	}
	for _, r := range results {
		fmt.Printf("Kubernetes %s: %d passed, %d failed, %d skipped\n", r.version, r.passed, r.failed, r.skipped)
	}
	if err := failures(results); err != nil || len(chosen) > 0 {
		return err
	}
	return documentTable(table(results))
}

// runOn runs the tests on a kube-apiserver of that version; etcd and kubectl are those of programs.
func runOn(ctx context.Context, version, programs string) (result, error) {
	dir, err := cluster(ctx, "build", "--kubernetes", version, "kube-apiserver")
	if err != nil {
		return result{}, err
	}
	kubeAPIServer := filepath.Join(dir, "kube-apiserver")
	output, err := exec.CommandContext(ctx, kubeAPIServer, "--version").Output() //nolint:gosec // built by hack/cluster
	if err != nil {
		return result{}, err
	}
	r := result{version: strings.TrimPrefix(strings.TrimSpace(string(output)), "Kubernetes ")}
	fmt.Println("== Kubernetes", r.version)
	tests := exec.CommandContext(ctx, "go", "test", "-json", "-count=1", "-timeout=40m", "./test/integration")
	tests.Env = append(os.Environ(), "KUBEBUILDER_ASSETS="+programs, "TEST_ASSET_KUBE_APISERVER="+kubeAPIServer,
		"SAMPLE_APISERVER="+filepath.Join(programs, "sample-apiserver"),
		"WRITE_DOCS=") // only 'make test' writes the docs, from its version
	err = r.runTests(ctx, tests)
	return r, err
}

// runTests returns an error if the tests could not be run; whether they failed is in the result.
func (r *result) runTests(ctx context.Context, tests *exec.Cmd) error {
	tests.Stderr = os.Stderr
	events, err := tests.StdoutPipe()
	if err != nil {
		return err
	}
	if err := tests.Start(); err != nil {
		return err
	}
	err = r.read(events, os.Stdout)
	r.ended = tests.Wait()
	if _, exited := errors.AsType[*exec.ExitError](r.ended); r.ended == nil || exited && ctx.Err() == nil {
		return err
	}
	return errors.Join(err, r.ended)
}

// cluster returns the output of a command of hack/cluster.
func cluster(ctx context.Context, args ...string) (string, error) {
	args = append([]string{"run", "-C", "hack/cluster", "."}, args...)
	command := exec.CommandContext(ctx, "go", args...) //nolint:gosec // the caller may run any command anyway
	command.Stderr = os.Stderr
	output, err := command.Output()
	return strings.TrimSpace(string(output)), err
}
