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

	"github.com/extensionapi/extensionapi-operator/test/installation"
)

const (
	// assets is the environment variable with the directory of the programs.
	assets = "KUBEBUILDER_ASSETS"
	// sampleServerFile is the environment variable with the path of sampleServer, for directories without it, such as
	// those of setup-envtest.
	sampleServerFile = "SAMPLE_APISERVER"
	sampleServer     = "sample-apiserver"
	// kubeAPIServerFile is the environment variable with the path of kubeAPIServer, to test another version of Kubernetes.
	// envtest uses it, too.
	kubeAPIServerFile = "TEST_ASSET_KUBE_APISERVER"
	kubeAPIServer     = "kube-apiserver"

	certManager = "cert-manager"
	// certManagerDir is the directory with cert-manager and a directory with its CRDs.
	certManagerDir = repository + "/bin/cert-manager"

	// serviceMonitorCRD is the file with the CRD of the Prometheus Operator.
	serviceMonitorCRD = repository + "/bin/prometheus-operator/monitoring.coreos.com_servicemonitors.yaml"

	helm  = "helm"
	helm3 = "helm3"
)

// program returns the path of a program that the tests run.
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
		return errors.New(assets + " is not a directory with kube-apiserver, etcd and kubectl: " +
			"run 'make test', which builds them")
	}
	for _, name := range []string{kubeAPIServer, "etcd", "kubectl", sampleServer, certManager, helm, helm3} {
		if _, err := exec.LookPath(program(name)); err != nil {
			return fmt.Errorf("%w: run 'make test', which builds it", err)
		}
	}
	if _, err := os.Stat(serviceMonitorCRD); err != nil {
		return fmt.Errorf("%w: run 'make test', which downloads it", err)
	}
	return nil
}

// TestInputsAreKnownToGo makes Go rerun the tests when these files or variables have changed: Go caches results by the
// inputs that tests read, and does not track those of TestMain.
func TestInputsAreKnownToGo(t *testing.T) {
	if err := checkPrograms(); err != nil {
		t.Error(err)
	}
	certManagerCRDs, err := filepath.Glob(filepath.Join(certManagerDir, "crds", "*"))
	if err != nil {
		t.Error(err)
	}
	files := slices.Concat(installation.Files(configDir), []string{crdFile, serviceMonitorCRD}, certManagerCRDs)
	for _, file := range files {
		if _, err := os.ReadFile(file); err != nil {
			t.Error(err)
		}
	}
}
