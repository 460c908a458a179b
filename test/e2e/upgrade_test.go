// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

const (
	// previous is the output directory of make previous-image, which upgrades are tested from.
	previous      = "bin/previous/"
	previousImage = "extensionapi.dev/extensionapi-operator"
)

// TestUpgradesAndRollbacksLoseNothing temporarily installs an earlier revision of the operator, so no other test runs
// in parallel.
func TestUpgradesAndRollbacksLoseNothing(t *testing.T) {
	upgrade := installer(t)
	t.Cleanup(func() { upgrade(context.WithoutCancel(t.Context())) })
	installPrevious(t)
	startServers(t)
	for _, step := range []struct {
		name string
		take func()
	}{
		{"upgrade", func() { upgrade(t.Context()) }},
		{"rollback", func() {
			withoutRights.begin()
			helm(t, "rollback", operatorName, "1", "--wait")
		}},
		{"second upgrade", func() { upgrade(t.Context()) }},
	} {
		t.Run(step.name, func(t *testing.T) {
			before := standingNow(t).withPods(t)
			defer lossless(t)()
			others := startReading(t, "/apis/single.e2e.example.com/v1", "/apis/existing.e2e.example.com/v1")
			start := time.Now()
			step.take()
			progress("  %s took %s", step.name, time.Since(start).Round(time.Second))
			if failed := others.end(t); failed > 0 {
				t.Errorf("%d of %d requests to the other servers failed", failed, others.requests)
			}
			standingNow(t).withPods(t).mustBe(t, before)
		})
	}
}

// installPrevious replaces the operator with the earlier revision, as if there had never been a later one.
func installPrevious(t *testing.T) {
	t.Helper()
	withoutRights.begin()
	helm(t, "uninstall", operatorName, "--wait")
	kubectl(t, "delete", "crd", "extensionapis.aggregation.extensionapi.dev", "--ignore-not-found")
	helm(t, "install", operatorName, previous+"charts/"+operatorName, "--wait",
		"--set", "image.repository="+previousImage+",image.tag=previous")
}

// startServers runs one server with two replicas and one with a single replica, whose Service another ExtensionAPI
// registers with spec.existingService, too.
func startServers(t *testing.T) {
	t.Helper()
	single := faultServerAPI("single", "single.e2e.example.com", "v1")
	single.Spec.Server.Replicas = ptr.To[int32](1)
	container(&single.Spec).Args = append(container(&single.Spec).Args, "--group-version=existing.e2e.example.com/v1")
	servers := []*v1alpha1.ExtensionAPI{wardle(t, sampleNamespace), single}
	for _, server := range servers {
		createUntilCleanup(t, server)
	}
	for _, server := range servers {
		eventually(t, time.Minute, ready(server))
	}
	existing := &v1alpha1.ExtensionAPI{
		ObjectMeta: metav1.ObjectMeta{Name: "existing"},
		Spec: v1alpha1.ExtensionAPISpec{
			Groups: []v1alpha1.APIGroup{
				{Name: "existing.e2e.example.com", Versions: []v1alpha1.APIVersion{{Name: "v1"}}},
			},
			ExistingService: serviceOf(t, "v1.single.e2e.example.com"),
		},
	}
	createUntilCleanup(t, existing)
	eventually(t, time.Minute, ready(existing))
}

// serviceOf returns the Service and the CA bundle of an APIService.
func serviceOf(t *testing.T, name string) *v1alpha1.ExistingService {
	t.Helper()
	apiService := &apiregistrationv1.APIService{}
	if err := kube.Get(t.Context(), client.ObjectKey{Name: name}, apiService); err != nil {
		t.Fatal(err)
	}
	service := apiService.Spec.Service
	return &v1alpha1.ExistingService{
		Namespace: service.Namespace, Name: service.Name, Port: *service.Port, CABundle: apiService.Spec.CABundle,
	}
}
