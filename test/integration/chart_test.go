// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"os/exec"
	"path/filepath"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// TestHelm3InstallsUpgradesAndUninstallsTheChart covers how Helm 3 differs from Helm 4, which the other tests use: it
// patches on the client side instead of server-side apply. Nothing runs the chart's Deployment.
func TestHelm3InstallsUpgradesAndUninstallsTheChart(t *testing.T) {
	t.Parallel()
	alone, err := startControlPlane("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = alone.stop() })
	deployment := &appsv1.Deployment{ObjectMeta: in(operatorNamespace, "extensionapi-operator")}
	crd := &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: in("", "extensionapis."+v1alpha1.GroupVersion.Group),
	}
	get := func(object client.Object) error {
		return alone.client.Get(ctx, client.ObjectKeyFromObject(object), object)
	}
	for _, replicas := range []string{"2", "3"} {
		alone.helm(t, helm3, "upgrade", "--install", "extensionapi-operator", chart, "--take-ownership",
			"--set", "replicas="+replicas)
	}
	if err := get(deployment); err != nil || *deployment.Spec.Replicas != 3 {
		t.Errorf("the upgrade does not reach the Deployment: %v", err)
	}
	alone.helm(t, helm3, "uninstall", "extensionapi-operator", "--no-hooks")
	if err := get(deployment); !apierrors.IsNotFound(err) {
		t.Errorf("the Deployment is left behind (%v)", err)
	}
	if err := get(crd); err != nil || !crd.DeletionTimestamp.IsZero() {
		t.Errorf("the CRD is not kept: %v", err)
	}
	alone.installChart(t, "")
	if err := get(deployment); err != nil {
		t.Errorf("Helm 4 does not install over what Helm 3 has left behind: %v", err)
	}
}

// installChart creates the chart's objects. Nothing runs its Deployment.
func (p *controlPlane) installChart(t *testing.T, values string) {
	t.Helper()
	p.helm(t, helm, "upgrade", "--install", "extensionapi-operator", chart, "--take-ownership", "--force-conflicts",
		"--set", values)
}

var chart = filepath.Join(repository, "charts/extensionapi-operator")

// helm returns the output of the command.
func (p *controlPlane) helm(t *testing.T, version string, arguments ...string) string {
	t.Helper()
	command := exec.CommandContext(ctx, program(version),
		append(arguments, "--namespace", operatorNamespace, "--kubeconfig", p.kubeconfig)...)
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, output)
	}
	return string(output)
}
