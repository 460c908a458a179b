// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

const (
	// assets names the directory of the programs.
	assets = "KUBEBUILDER_ASSETS"
	// sampleServerFile names the file of sampleServer, for directories without it, such as those of setup-envtest.
	sampleServerFile = "SAMPLE_APISERVER"
	sampleServer     = "sample-apiserver"
	// kubeAPIServerFile names the file of kubeAPIServer, to test on another version of Kubernetes. envtest knows it, too.
	kubeAPIServerFile = "TEST_ASSET_KUBE_APISERVER"
	kubeAPIServer     = "kube-apiserver"

	certManager = "cert-manager"
	// certManagerDir holds that program and a directory with its CustomResourceDefinitions.
	certManagerDir = repository + "/bin/cert-manager"

	helm  = "helm"
	helm3 = "helm3"
)

// program is the file of a program that the tests run.
func program(name string) string {
	file := filepath.Join(os.Getenv(assets), name)
	switch name {
	case kubeAPIServer:
		return cmp.Or(os.Getenv(kubeAPIServerFile), file)
	case sampleServer:
		return cmp.Or(os.Getenv(sampleServerFile), file)
	case helm, helm3:
		return filepath.Join(repository, "bin/tools", name)
	case certManager:
		return filepath.Join(certManagerDir, name)
	default:
		return file
	}
}

func checkPrograms() error {
	if os.Getenv(assets) == "" {
		return errors.New(assets + " does not name a directory with kube-apiserver, etcd and kubectl: " +
			"run 'make test', which builds them")
	}
	for _, name := range []string{kubeAPIServer, "etcd", "kubectl", sampleServer, certManager, helm, helm3} {
		if _, err := exec.LookPath(program(name)); err != nil {
			return fmt.Errorf("%w: run 'make test', which builds it", err)
		}
	}
	return nil
}

// TestInputsAreKnownToGo makes Go run the tests again when these files or variables have changed: it keeps results by
// what tests read, and does not see what TestMain does.
func TestInputsAreKnownToGo(t *testing.T) {
	if err := checkPrograms(); err != nil {
		t.Error(err)
	}
	certManagerCRDs, err := filepath.Glob(filepath.Join(certManagerDir, "crds", "*"))
	if err != nil {
		t.Error(err)
	}
	for _, file := range slices.Concat(installedFiles(), []string{crdFile}, certManagerCRDs) {
		if _, err := os.ReadFile(file); err != nil {
			t.Error(err)
		}
	}
}
