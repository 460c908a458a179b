// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

func TestServiceMonitorFollowsTheSpecAndIsDeletedWithTheServer(t *testing.T) {
	t.Parallel()
	const name = "monitored"
	startRollout(t, name)
	setMonitoring(t, name, v1alpha1.PolicyEnabled)
	awaitServiceMonitor(t, name)
	// It is not watched, but looked at in each interval.
	change(t, named(name), probeOften)
	deleteNow(t, serviceMonitor(name))
	awaitServiceMonitor(t, name)

	change(t, named(name), func(e *v1alpha1.ExtensionAPI) {
		e.Spec.Suspend, e.Spec.Server.ServiceMonitor = true, v1alpha1.PolicyDisabled
	})
	await(t, name, status.InProgressStatus,
		isSuspended("withheld: the deletion of ServiceMonitor monitored/monitored. Changes"))
	expectNothingWritten(t, name)
	resume(t, name)
	awaitGone(t, serviceMonitor(name))

	setMonitoring(t, name, v1alpha1.PolicyEnabled)
	awaitServiceMonitor(t, name)
	remove(t, name)
	awaitGone(t, serviceMonitor(name))
}

func TestServiceMonitorOfAnotherOwnerStaysAndDoesNotKeepTheServerFromRunning(t *testing.T) {
	t.Parallel()
	const name = "own-monitor"
	createNamespace(t, name)
	own := serviceMonitor(name)
	own.Object["spec"] = map[string]any{"endpoints": []any{}, "selector": map[string]any{}}
	create(t, own)
	extensionAPI := served(name)
	extensionAPI.Spec.Server.ServiceMonitor = v1alpha1.PolicyEnabled
	apply(t, extensionAPI)
	awaitRollout(t, name)
	setDeploymentStatus(t, name, 2)
	await(t, name, status.FailedStatus, isTrue(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonNameConflict,
		"2 of 2 replicas are available, but the ServiceMonitor cannot be applied: "+
			"ServiceMonitor own-monitor/own-monitor exists already and belongs to "+unknownHolder,
		"Prometheus does not scrape the server"))
	setMonitoring(t, name, v1alpha1.PolicyDisabled)
	awaitThat(t, name, isTrue(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonReplicasAvailable).check)
	consistently(t, func() error { return plane.client.Get(ctx, client.ObjectKeyFromObject(own), own) })
}

// TestServerRunsWhereServiceMonitorsAreUnknownAndIsMonitoredOnceTheyAreKnown temporarily replaces the shared control
// plane and operator, so no other test runs in parallel.
func TestServerRunsWhereServiceMonitorsAreUnknownAndIsMonitoredOnceTheyAreKnown(t *testing.T) {
	const name = "early-monitor"
	useAnotherControlPlane(t)
	definition := &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: in("", "servicemonitors.monitoring.coreos.com"),
	}
	deleteNow(t, definition)
	awaitGone(t, definition)
	start(t, installed)
	createNamespace(t, name)
	extensionAPI := served(name)
	extensionAPI.Spec.Server.ServiceMonitor = v1alpha1.PolicyEnabled
	probeOften(extensionAPI)
	apply(t, extensionAPI)
	awaitRollout(t, name)
	setDeploymentStatus(t, name, 2)
	await(t, name, status.InProgressStatus,
		isTrue(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonServiceMonitorsUnknown,
			"2 of 2 replicas are available", "does not know this kind", "Prometheus does not scrape the server",
			"Install the CustomResourceDefinitions of the Prometheus Operator, or remove spec.server.serviceMonitor"),
		isFalse(v1alpha1.ConditionStalled, v1alpha1.ReasonAsDesired))
	expectEvent(t, name, "Warning "+v1alpha1.ReasonServiceMonitorsUnknown, "Prometheus Operator")
	expectDocumented(t, "service-monitors-unknown", name, v1alpha1.ConditionServerAvailable)

	definitions := envtest.CRDInstallOptions{Paths: []string{serviceMonitorCRD}}
	if _, err := envtest.InstallCRDs(plane.env.Config, definitions); err != nil {
		t.Fatal(err)
	}
	awaitServiceMonitor(t, name)
	awaitThat(t, name, isTrue(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonReplicasAvailable).check)
	remove(t, name)
}

func setMonitoring(t *testing.T, name string, wanted v1alpha1.Policy) {
	t.Helper()
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.Server.ServiceMonitor = wanted })
}

func serviceMonitor(name string) *unstructured.Unstructured {
	monitor := &unstructured.Unstructured{Object: map[string]any{}}
	monitor.SetGroupVersionKind(manifests.ServiceMonitorKind)
	monitor.SetNamespace(name)
	monitor.SetName(name)
	return monitor
}

// awaitServiceMonitor waits until there is a ServiceMonitor, from which the CRD has removed no field.
func awaitServiceMonitor(t *testing.T, name string) {
	t.Helper()
	wanted := map[string]any{
		"port": "https", "scheme": "https", "path": "/metrics",
		"bearerTokenFile": "/var/run/secrets/kubernetes.io/serviceaccount/token",
		"tlsConfig": map[string]any{
			"ca":         map[string]any{"secret": map[string]any{"name": name + "-serving-cert", "key": "ca.crt"}},
			"serverName": host(name),
		},
	}
	eventually(t, func() error {
		monitor := serviceMonitor(name)
		if err := plane.client.Get(ctx, client.ObjectKeyFromObject(monitor), monitor); err != nil {
			return err
		}
		endpoints, _, err := unstructured.NestedSlice(monitor.Object, "spec", "endpoints")
		if err == nil && (len(endpoints) != 1 || !reflect.DeepEqual(endpoints[0], wanted)) {
			err = fmt.Errorf("the endpoints are %v, want %v", endpoints, wanted)
		}
		return err
	})
}
