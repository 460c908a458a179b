// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/test/documented"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
	"github.com/extensionapi/extensionapi-operator/test/gitops"
)

// summary are the conditions that GitOps tools evaluate.
var summary = []string{v1alpha1.ConditionReady, v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled}

func TestKStatusIsCurrentWhenTheAPIIsServed(t *testing.T) {
	t.Parallel()
	const name = "waited-for"
	backend, server := startBackend(t, name, "v1")
	server.Behave(failing(http.StatusInternalServerError))
	apply(t, backend.declare(groups(name+".example.com", "v1")))
	versions := watchStatus(t, v1alpha1.GroupVersion.WithResource("extensionapis"), name)
	if first := next(t, versions); first.Status != status.InProgressStatus {
		t.Fatalf("while the server fails, the status is %s: %s", first.Status, first.Message)
	}
	expectNotRegistered(t, backend, "500")

	server.Behave(extensionserver.Behaviour{})
	for last := next(t, versions); last.Status != status.CurrentStatus; last = next(t, versions) {
		if last.Status != status.InProgressStatus {
			t.Fatalf("while the server recovers, the status is %s: %s", last.Status, last.Message)
		}
	}
	kubectl(t, "get", "--raw", "/apis/"+name+".example.com/v1")
}

func TestKStatusTakesAnAPIServiceThatLeadsNowhereForCurrent(t *testing.T) {
	t.Parallel()
	apiService := withoutService()
	versions := watchStatus(t, apiregistrationv1.SchemeGroupVersion.WithResource("apiservices"), apiService.Name)
	createUntilCleanup(t, apiService)
	for range 2 { // as created, and with the condition that kube-apiserver writes
		if computed := next(t, versions); computed.Status != status.CurrentStatus {
			t.Errorf("kstatus computes %s: %s", computed.Status, computed.Message)
		}
	}
	if err := plane.client.Get(ctx, client.ObjectKeyFromObject(apiService), apiService); err != nil {
		t.Fatal(err)
	}
	if isAvailable(apiService) {
		t.Error("the APIService is available, so the test shows nothing")
	}
}

// watchStatus returns the versions of a cluster-scoped object from now on.
func watchStatus(t *testing.T, resource schema.GroupVersionResource, name string) watch.Interface {
	t.Helper()
	dynamicClient, err := dynamic.NewForConfig(plane.env.Config)
	if err != nil {
		t.Fatal(err)
	}
	onlyThis := metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector(metav1.ObjectNameField, name).String()}
	versions, err := dynamicClient.Resource(resource).Watch(ctx, onlyThis)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(versions.Stop)
	return versions
}

// next returns what kstatus computes for the next version of an object, as Helm's and Flux's watchers do.
func next(t *testing.T, versions watch.Interface) *status.Result {
	t.Helper()
	select {
	case event := <-versions.ResultChan():
		version, isObject := event.Object.(*unstructured.Unstructured)
		if !isObject || event.Type == watch.Deleted {
			t.Fatalf("the watch returned %s %v", event.Type, event.Object)
		}
		computed, err := status.Compute(version)
		if err != nil {
			t.Fatal(err)
		}
		return computed
	case <-time.After(patience):
		t.Fatalf("no other version for %s", patience)
	}
	return nil
}

func TestArgoCDsHealthCheckIsTestedWithRealStatusesOfServersThatTheOperatorRuns(t *testing.T) {
	t.Parallel()
	const name = "inventory"
	createNamespace(t, name)
	created := served(name)
	apply(t, created)
	record(t, "progressing_created", created)
	awaitRollout(t, name)
	expectRecorded(t, "progressing_rolling_out", name)

	runPod(t, name, crashed())
	setDeploymentStatus(t, name, 0, overdue)
	await(t, name, status.FailedStatus, isTrue(v1alpha1.ConditionStalled, v1alpha1.ReasonCrashLoopBackOff))
	expectRecorded(t, "degraded_crashing", name)

	suspend(t, name)
	awaitSuspended(t, name)
	expectRecorded(t, "suspended_not_ready", name)

	resume(t, name)
	deleteNow(t, named(name))
	await(t, name, status.TerminatingStatus, isFalse(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonDeleting))
	expectRecorded(t, "progressing_deleting", name)
}

func TestArgoCDsHealthCheckIsTestedWithRealStatusesOfServersThatRunAlready(t *testing.T) {
	t.Parallel()
	const name = "stock"
	backend, server := startBackend(t, name, "v1")
	extensionAPI := backend.declare(groups(name+".example.com", "v1"))
	extensionAPI.Spec.Discovery.Limit = &metav1.Duration{Duration: time.Second}
	apply(t, extensionAPI)
	awaitRegistered(t, name)
	expectRecorded(t, "healthy_ready", name)

	suspend(t, name)
	awaitSuspended(t, name)
	expectRecorded(t, "suspended_ready", name)
	resume(t, name)

	server.Behave(slow(1500 * time.Millisecond))
	await(t, name, status.CurrentStatus, isFalse(v1alpha1.ConditionDiscoveryWithinLimit, v1alpha1.ReasonServerSlow))
	expectRecorded(t, "healthy_slow_discovery", name)
	server.Behave(extensionserver.Behaviour{})
	await(t, name, status.CurrentStatus, isTrue(v1alpha1.ConditionDiscoveryWithinLimit, v1alpha1.ReasonWithinLimit))

	namespace := deletedNamespace(t, "stock-team")
	reportObstacle(t, namespace, time.Minute, corev1.NamespaceDeletionContentFailure, "Failed to delete all resource "+
		"types, 1 remaining: widgets."+name+".example.com is forbidden")
	await(t, name, status.CurrentStatus,
		isFalse(v1alpha1.ConditionNamespacesDeletable, v1alpha1.ReasonNamespacesBlocked))
	expectRecorded(t, "healthy_namespaces_blocked", name)
	finishDeletion(t, namespace)

	change(t, named(name), refer)
	await(t, name, status.CurrentStatus, isTrue(v1alpha1.ConditionNamespacesDeletable, v1alpha1.ReasonNoneBlocked),
		isFalse(v1alpha1.ConditionControllersAvailable, v1alpha1.ReasonDeploymentNotFound))
	expectRecorded(t, "healthy_controller_missing", name)
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.Controllers = nil })

	server.Behave(failing(http.StatusInternalServerError))
	triggerAvailabilityCheck(t, backend)
	await(t, name, status.InProgressStatus, isFalse(v1alpha1.ConditionReady, "FailedDiscoveryCheck"))
	expectRecorded(t, "progressing_not_available", name)
}

func TestArgoCDsHealthCheckIsTestedWithARealStatusDuringTheStandIn(t *testing.T) {
	t.Parallel()
	const name = "stock-metrics"
	server := startReplaceable(t, plane, name)
	t.Cleanup(func() { remove(t, name) })
	server.Behave(failing(http.StatusInternalServerError))
	await(t, name, status.InProgressStatus, isFalse(v1alpha1.ConditionReady, v1alpha1.ReasonStandIn))
	eventually(t, leadsTo(t, name, manifests.StandInName))
	expectRecorded(t, "progressing_stand_in", name)
}

// expectRecorded compares the conditions that GitOps tools evaluate with those of an object for the tests of Argo CD's
// health check. WRITE_DOCS=1 records the object instead.
func expectRecorded(t *testing.T, file, name string) {
	t.Helper()
	if documented.Writing() {
		record(t, file, get(t, name))
		return
	}
	content, err := os.ReadFile(recordedIn(file))
	if err != nil {
		t.Fatal(err)
	}
	recorded := &v1alpha1.ExtensionAPI{}
	if err := yaml.UnmarshalStrict(content, recorded); err != nil {
		t.Fatal(err)
	}
	awaitThat(t, name, func(extensionAPI *v1alpha1.ExtensionAPI) error {
		for _, conditionType := range summary {
			wanted := meta.FindStatusCondition(recorded.Status.Conditions, conditionType)
			if wanted == nil {
				return fmt.Errorf("%s has no condition %s", file, conditionType)
			}
			expected := condition{conditionType: conditionType, status: wanted.Status, reason: wanted.Reason}
			if err := expected.check(extensionAPI); err != nil {
				return fmt.Errorf("%w. WRITE_DOCS=1 updates %s", err, file)
			}
		}
		return nil
	})
}

// record writes an object for the tests of Argo CD's health check with WRITE_DOCS=1.
func record(t *testing.T, file string, extensionAPI *v1alpha1.ExtensionAPI) {
	t.Helper()
	if !documented.Writing() {
		return
	}
	recorded := extensionAPI.DeepCopy()
	recorded.ManagedFields, recorded.UID, recorded.ResourceVersion = nil, "", ""
	recorded.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("ExtensionAPI"))
	if service := recorded.Spec.ExistingService; service != nil {
		service.Port, service.CABundle = 443, []byte("PEM")
	}
	content, err := yaml.Marshal(recorded)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(recordedIn(file), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func recordedIn(file string) string {
	return filepath.Join(repository, gitops.Checks, "testdata", file+".yaml")
}

// checkHealth compares what Argo CD's health check returns with what kstatus computes.
func checkHealth(extensionAPI *v1alpha1.ExtensionAPI, computed status.Status) error {
	script, err := gitops.ReadScript(repository)
	if err != nil {
		return err
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(extensionAPI)
	if err != nil {
		return err
	}
	health, err := gitops.HealthOf(&unstructured.Unstructured{Object: content}, script)
	if err != nil {
		return err
	}
	wanted := map[status.Status]string{
		status.CurrentStatus: "Healthy", status.InProgressStatus: "Progressing", status.FailedStatus: "Degraded",
	}[computed]
	switch {
	case extensionAPI.DeletionTimestamp != nil: // Argo CD runs no health check
	case extensionAPI.Spec.Suspend && health.Status != "Suspended":
		return fmt.Errorf("Argo CD's health is %s while spec.suspend is true", health.Status)
	case !extensionAPI.Spec.Suspend && health.Status != wanted:
		return fmt.Errorf("Argo CD's health is %s, but kstatus is %s", health.Status, computed)
	case health.Message == "":
		return fmt.Errorf("Argo CD's health %s has no message", health.Status)
	}
	return nil
}
