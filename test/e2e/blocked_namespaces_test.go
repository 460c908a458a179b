// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

// blockedReported is how soon a namespace is reported that the namespace controller cannot delete.
const blockedReported = 30 * time.Second

// Meanwhile no namespace of the cluster can be deleted, so no other test runs in parallel.
func TestDeadServerIsReportedWithTheNamespacesItBlocks(t *testing.T) {
	const name, waiting = "blocking", "e2e-waiting"
	docs := openFaultDocs(t)
	createNamespace(t, waiting)
	healthy := behaviour{Resources: []extensionserver.Resource{extensionserver.DeletableResource}}
	extensionAPI := faultServerAPI(name, name+".example.com", "v1")
	startWith(t, extensionAPI, healthy)
	createUntilCleanup(t, extensionAPI)
	eventually(t, faultReported, isHealthy(extensionAPI))
	pods, err := labelledPods(t.Context(), ownerLabel, name)
	if err != nil {
		t.Fatal(err)
	}

	dead := healthy
	dead.Discovery, dead.APIs, dead.List, dead.DeleteCollection =
		slow(time.Hour), slow(time.Hour), slow(time.Hour), slow(time.Hour)
	behaveAll(t, pods, dead)
	eventually(t, faultReported, stale)
	kubectl(t, "delete", "namespace", waiting, "--wait=false")
	eventually(t, time.Minute, blocked(waiting))
	checkDiscoveryFailureDocs(t, waiting)
	progress("a namespace that cannot be deleted was reported after %s", eventually(t, blockedReported, is(extensionAPI,
		v1alpha1.ConditionNamespacesDeletable, no, v1alpha1.ReasonNamespacesBlocked, waiting)))
	eventually(t, faultReported, func(ctx context.Context) error {
		current, err := currently(ctx, extensionAPI)
		if err != nil {
			return err
		}
		return docs.check("no replica answers, and a namespace is deleted",
			conditionOf(current, v1alpha1.ConditionNamespacesDeletable))
	})

	behaveAll(t, pods, healthy)
	eventually(t, faultReported, namespaceGone(waiting))
	eventually(t, soon, is(extensionAPI, v1alpha1.ConditionNamespacesDeletable, yes, v1alpha1.ReasonNoneBlocked, ""))
}

// startWith makes the server of an ExtensionAPI have a behaviour from the start.
func startWith(t *testing.T, extensionAPI *v1alpha1.ExtensionAPI, behaviour behaviour) {
	t.Helper()
	content, err := json.Marshal(behaviour)
	if err != nil {
		t.Fatal(err)
	}
	server := &extensionAPI.Spec.Server.Template.Spec.Containers[0]
	server.Args = append(server.Args, "--behaviour="+string(content))
}

func behaveAll(t *testing.T, pods []corev1.Pod, behaviour behaviour) {
	t.Helper()
	for _, pod := range pods {
		behave(t, pod, behaviour)
	}
}
