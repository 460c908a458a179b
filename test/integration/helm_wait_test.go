// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

// The control plane is one of its own: Helm needs complete discovery.
func TestHelmWaitsForAnExtensionAPIAndNotForAnAPIService(t *testing.T) {
	t.Parallel()
	p, err := startControlPlane("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.stop() })
	o, err := startOperator(p, installed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.stop)

	const name = "released"
	signer := newSigner(t)
	server := extensionserver.Start(keyPair(t, servingFor(t, signer, name)), groupVersion(name+".example.com", "v1"))
	t.Cleanup(server.Close)
	server.Behave(failing(http.StatusInternalServerError))
	backend := p.exposeBackend(t, name, server.Port())
	backend.signer = signer
	declared := backend.declare(groups(name+".example.com", "v1"))
	declared.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("ExtensionAPI"))
	ended := make(chan error, 1)
	install := exec.CommandContext(ctx, program(helm), "install", name, chartOf(t, declared), "--wait", "--timeout", "2m",
		"--namespace", operatorNamespace, "--kubeconfig", p.kubeconfig)
	go func() {
		output, err := install.CombinedOutput()
		if err != nil {
			err = errors.Join(err, errors.New(string(output)))
		}
		ended <- err
	}()
	eventually(t, func() error { return p.client.Get(ctx, client.ObjectKeyFromObject(declared), named("")) })
	p.await(t, name, status.InProgressStatus, isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonProbeFailed))
	select {
	case err := <-ended:
		t.Fatalf("Helm does not wait while the server fails (%v)", err)
	default:
	}
	server.Behave(extensionserver.Behaviour{})
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if err := isTrue(v1alpha1.ConditionReady, v1alpha1.ReasonReady).check(p.get(t, name)); err != nil {
		t.Errorf("Helm has not waited: %v", err)
	}

	apiService := withoutService()
	p.helm(t, helm, "install", "by-hand", chartOf(t, apiService), "--wait", "--timeout", "1m")
	if err := p.client.Get(ctx, client.ObjectKeyFromObject(apiService), apiService); err != nil {
		t.Fatal(err)
	}
	if isAvailable(apiService) {
		t.Error("the APIService is available, so the test shows nothing")
	}
}

// withoutService returns an APIService that leads nowhere.
func withoutService() *apiregistrationv1.APIService {
	return &apiregistrationv1.APIService{
		TypeMeta: metav1.TypeMeta{
			APIVersion: apiregistrationv1.SchemeGroupVersion.String(), Kind: "APIService",
		},
		ObjectMeta: in("", "v1.by-hand.example.com"),
		Spec: apiregistrationv1.APIServiceSpec{
			Group: "by-hand.example.com", Version: "v1", GroupPriorityMinimum: 1000, VersionPriority: 15,
			InsecureSkipTLSVerify: true,
			Service: &apiregistrationv1.ServiceReference{
				Namespace: operatorNamespace, Name: "missing", Port: new(int32(443)),
			},
		},
	}
}

func isAvailable(apiService *apiregistrationv1.APIService) bool {
	for _, condition := range apiService.Status.Conditions {
		if condition.Type == apiregistrationv1.Available {
			return condition.Status == apiregistrationv1.ConditionTrue
		}
	}
	return false
}

// chartOf returns a chart with that object.
func chartOf(t *testing.T, object client.Object) string {
	t.Helper()
	manifest, err := yaml.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "templates"), 0o700); err != nil {
		t.Fatal(err)
	}
	for file, content := range map[string]string{
		"Chart.yaml":            "{apiVersion: v2, name: released, version: 0.1.0}",
		"templates/object.yaml": string(manifest),
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
