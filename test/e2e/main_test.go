// SPDX-License-Identifier: Apache-2.0

//go:build e2e

// Package e2e tests the operator as users run it: installed by Helm on a real one-node cluster, which it starts and
// deletes. The environment variable CLUSTER_NAME names the cluster; E2E_KEEP=1 uses an existing one, and keeps it
// running. WRITE_DOCS=1 writes the reported messages to docs/troubleshooting, instead of comparing them.
package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"sigs.k8s.io/e2e-framework/pkg/env"
	"sigs.k8s.io/e2e-framework/pkg/envconf"

	"github.com/extensionapi/extensionapi-operator/test/audit"
	"github.com/extensionapi/extensionapi-operator/test/documented"
	"github.com/extensionapi/extensionapi-operator/test/suite"
)

const (
	// root is the repository relative to this package.
	root              = "../.."
	operatorName      = "extensionapi-operator"
	operatorNamespace = "extensionapi-system"
)

// kubeconfig is the path of the administrator's kubeconfig, empty until the cluster is up.
var kubeconfig string

func TestMain(m *testing.M) {
	if os.Getenv("CLUSTER_NAME") == "" {
		fmt.Fprintln(os.Stderr, "CLUSTER_NAME is not set: run 'make e2e', or name the cluster to test on")
		os.Exit(2)
	}
	e := env.New()
	e.Setup(useNode, removeLeftoverCluster, startDemo, loadImages, connect, allowUser, removeSample, startStorage)
	e.Finish(finish)
	os.Exit(e.Run(m))
}

// useNode selects a type of cluster in which the tests can reach the operator's processes and kube-apiserver's audit
// log.
func useNode(ctx context.Context, _ *envconf.Config) (context.Context, error) {
	return ctx, os.Setenv("CLUSTER", "node")
}

// removeLeftoverCluster deletes the cluster that an aborted run has left behind, with the leftovers of its tests.
func removeLeftoverCluster(ctx context.Context, _ *envconf.Config) (context.Context, error) {
	if isKept() {
		return ctx, nil
	}
	return ctx, run(ctx, "hack/demo.sh", "down")
}

func isKept() bool { return os.Getenv("E2E_KEEP") == "1" }

// startDemo starts the cluster, the operator and the sample like `make demo`, and so tests that target.
func startDemo(ctx context.Context, cfg *envconf.Config) (context.Context, error) {
	if err := run(ctx, "hack/demo.sh", "up"); err != nil {
		return ctx, err
	}
	programs, err := output(ctx, "go", "run", "-C", "hack/cluster", ".", "build", "kubectl")
	if err != nil {
		return ctx, err
	}
	kubeconfig, err = output(ctx,
		"go", "run", "-C", "hack/cluster", ".", "kubeconfig", "--name", os.Getenv("CLUSTER_NAME"))
	if err != nil {
		return ctx, err
	}
	cfg.WithKubeconfigFile(kubeconfig)
	return ctx, errors.Join(
		os.Setenv("KUBECONFIG", kubeconfig),
		os.Setenv("PATH", programs+string(filepath.ListSeparator)+os.Getenv("PATH")),
	)
}

// loadImages loads the images onto the node that the demo does not need.
func loadImages(ctx context.Context, _ *envconf.Config) (context.Context, error) {
	load := []string{"run", "-C", "hack/cluster", ".", "load", "--name", os.Getenv("CLUSTER_NAME")}
	for _, image := range []string{
		"bin/images/faultserver.tar", "bin/images/metrics-server.tar", "bin/images/test-adapter.tar",
		"bin/images/kine.tar", "bin/images/postgresql.tar",
		previous + "bin/images/operator.tar",
	} {
		path, err := filepath.Abs(filepath.Join(root, image))
		if err != nil {
			return ctx, err
		}
		load = append(load, path)
	}
	return ctx, run(ctx, "go", load...)
}

// removeSample deletes the sample, with the volume of its etcd, but not its namespace.
func removeSample(ctx context.Context, _ *envconf.Config) (context.Context, error) {
	progress("Deleting the demo's Flunder and its ExtensionAPI, which takes as long as its Pods take to drain")
	return ctx, errors.Join(
		run(ctx, "kubectl", "delete", "-f", "config/samples/flunder.yaml"),
		run(ctx, "kubectl", "delete", "extensionapis", "--all"),
		run(ctx, "kubectl", "delete", "persistentvolumeclaims", "--all", "--namespace", sampleNamespace),
	)
}

// startStorage starts the etcd where the tests' servers store their objects.
func startStorage(ctx context.Context, _ *envconf.Config) (context.Context, error) {
	return ctx, errors.Join(
		run(ctx, "kubectl", "apply", "-f", "test/e2e/testdata/etcd.yaml"),
		run(ctx, "kubectl", "rollout", "status", "deployment/etcd", "--namespace", sampleNamespace, "--timeout", "3m"),
	)
}

// finish exits the program on errors, which the framework would only log.
func finish(ctx context.Context, _ *envconf.Config) (context.Context, error) {
	var err error
	if kubeconfig != "" && suite.IsWhole() {
		err = checkCoverage()
	}
	if err = errors.Join(err, takeDown(ctx)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return ctx, nil
}

// troubleshooting are the messages of these tests in docs/troubleshooting.
var troubleshooting = documented.From(root+"/docs/troubleshooting", "e2e")

// checkCoverage runs checks of what all tests together must cover.
func checkCoverage() error {
	requests, err := operatorRequests()
	requests = slices.DeleteFunc(requests, func(request auditv1.Event) bool { return withoutRights.includes(request) })
	return errors.Join(err, audit.CheckRefusals(requests), troubleshooting.CheckAllMet())
}

func takeDown(ctx context.Context) error {
	if isKept() {
		progress("E2E_KEEP=1: the cluster keeps running; export KUBECONFIG=%s", kubeconfig)
		return nil
	}
	progress("Uninstalling the operator and removing the cluster")
	return errors.Join(uninstall(ctx), run(ctx, "hack/demo.sh", "down"))
}

func uninstall(ctx context.Context) error {
	if kubeconfig == "" {
		return nil
	}
	_, err := runHelm(ctx, "uninstall", operatorName, "--wait")
	return err
}

// onlyLong skips a scenario in 'make e2e': another one, which combines more, covers the same.
func onlyLong(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("part of 'make e2e-long'")
	}
}

// progress prints immediately, so that users can follow the run; logs of passing tests are not shown.
func progress(format string, args ...any) {
	_, _ = fmt.Fprintf(os.Stdout, "=== "+format+"\n", args...)
}

// run runs a program in the repository's directory and shows its output.
func run(ctx context.Context, name string, args ...string) error {
	command := program(ctx, name, args...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return nil
}

// output runs a program in the repository's directory and returns its standard output.
func output(ctx context.Context, name string, args ...string) (string, error) {
	command := program(ctx, name, args...)
	var stderr strings.Builder
	command.Stderr = &stderr
	stdout, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSpace(string(stdout)), nil
}

func program(ctx context.Context, name string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, name, args...)
	command.Dir = root
	return command
}
