// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/check"
)

// TestSampleServerThatAlreadyRuns covers the lifecycle of an ExtensionAPI with a real server; its parts depend on each
// other.
func TestSampleServerThatAlreadyRuns(t *testing.T) {
	const (
		name   = "sample"
		group  = "wardle.example.com"
		newest = "v1beta1." + group
		oldest = "v1alpha1." + group
	)
	t.Parallel()
	sample := exposeBackend(t, name, freePort(t))
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	untouched := resourceVersions(t, sample.service, namespace)
	life := t
	apply(t, sample.declare(groups(group, "v1beta1", "v1alpha1")))

	t.Run("is not registered before it responds", func(t *testing.T) {
		await(t, name, status.InProgressStatus,
			isTrue(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonUserProvided),
			isTrue(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonEndpointsReady, "names the host localhost"),
			isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonProbeFailed,
				newest, fmt.Sprintf("endpoint localhost:%d fails discovery", sample.port), "connection refused"),
			isFalse(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonNotRegistered))
		expectAPIServices(t, name)
	})
	t.Run("is registered as soon as it responds", func(t *testing.T) {
		plane.startSampleServer(life, sample.port, servingFor(t, sample.signer, name))
		await(t, name, status.CurrentStatus,
			isTrue(v1alpha1.ConditionRegistered, v1alpha1.ReasonRegistered, "all 2 group-versions"),
			isTrue(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonAllAvailable),
			isTrue(v1alpha1.ConditionDiscoveryWithinLimit, v1alpha1.ReasonWithinLimit, "5s"),
			isTrue(v1alpha1.ConditionReady, v1alpha1.ReasonReady))
		expectAPIServices(t, name, newest, oldest)
	})
	t.Run("has the expected printer columns", func(t *testing.T) {
		lines := strings.Split(kubectl(t, "get", "xapi", name), "\n")
		columns, values := strings.Fields(lines[0]), strings.Fields(lines[1])
		wanted := []string{"NAME", "READY", "AVAILABLE", "REPLICAS", "DISCOVERY", "REASON", "AGE"}
		if !slices.Equal(columns, wanted) {
			t.Errorf("the columns are %v, want %v", columns, wanted)
		}
		// Behind a Service of type ExternalName, replicas are not known.
		if len(values) != len(columns)-1 || values[1] != "True" || values[2] != "True" || values[4] != "Ready" {
			t.Errorf("the values are %q", values)
		}
	})
	t.Run("stores objects that kubectl creates", func(t *testing.T) {
		eventually(t, func() error { // /apis may list a group-version slightly after it becomes available
			_, err := runKubectl("apply", "--filename", sampleFile("flunder.yaml"))
			return err
		})
		expectFlunder(t)
	})
	t.Run("passes the checks of the kubectl plugin", func(t *testing.T) {
		eventually(t, func() error { // kube-apiserver may load OpenAPI slightly later
			code, levels, out := examined(t, plane.kubeconfig, name)
			for id, level := range map[string]check.Level{
				"latency": check.OK, "objects": check.OK, "openapi": check.OK,
				"conditions": check.NotChecked, // the operator may not read the objects
			} {
				if code != 0 || levels[id] != level {
					return fmt.Errorf("exit code %d, check %s is %q: %s", code, id, levels[id], out)
				}
			}
			return nil
		})
		expectSound(t, name)
		expectNotChecked(t, name, group)
		if table := pluginOutput(t, "top", newest, "--count", "2", "--interval", "500ms"); !strings.Contains(table, newest) ||
			strings.Contains(table, oldest) {
			t.Errorf("top prints %s", table)
		}
	})
	t.Run("has its discovery measured", func(t *testing.T) {
		extensionAPI := awaitThat(t, name, measured)
		if latency := extensionAPI.Status.DiscoveryLatency.Duration; latency <= 0 {
			t.Errorf("status.discoveryLatency is %s", latency)
		}
		for _, view := range []string{"kube-apiserver", "endpoint"} {
			for _, version := range []string{"v1beta1", "v1alpha1"} {
				if observations(t, name, group, version, view) == 0 {
					t.Errorf("the histogram has no sample of %s, view %s", version, view)
				}
			}
		}
	})
	t.Run("gets changes of priorities and version order in place", func(t *testing.T) {
		before := apiServices(t, name)
		reordered := groups(group, "v1alpha1", "v1beta1")
		reordered[0].GroupPriorityMinimum = 2000
		change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.Groups = reordered })
		await(t, name, status.CurrentStatus)
		after := apiServices(t, name)
		for _, version := range []string{newest, oldest} {
			if after[version].UID != before[version].UID {
				t.Errorf("APIService %s was recreated", version)
			}
			if priority := after[version].Spec.GroupPriorityMinimum; priority != 2000 {
				t.Errorf("APIService %s has group priority %d", version, priority)
			}
		}
		if after[oldest].Spec.VersionPriority <= after[newest].Spec.VersionPriority {
			t.Errorf("%s is not preferred: %d, %d", oldest,
				after[oldest].Spec.VersionPriority, after[newest].Spec.VersionPriority)
		}
	})
	t.Run("loses and gets one version without a change of the other", func(t *testing.T) {
		before := apiServices(t, name)[newest].UID
		change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.Groups = groups(group, "v1beta1") })
		await(t, name, status.CurrentStatus)
		expectAPIServices(t, name, newest)
		expectEvent(t, name, "Warning ObjectsUnreachable", "an unknown number of fischers.wardle.example.com")
		change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.Groups = groups(group, "v1beta1", "v1alpha1") })
		await(t, name, status.CurrentStatus)
		expectAPIServices(t, name, newest, oldest)
		if after := apiServices(t, name)[newest].UID; after != before {
			t.Error("the APIService of the other version was recreated")
		}
	})
	t.Run("stays available when it gets a wrong CA bundle", func(t *testing.T) {
		setCABundle(t, name, newSigner(t).Certificate)
		await(t, name, status.InProgressStatus,
			isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonProbeFailed,
				"signed by unknown authority", "Until then the APIService stays as it was"),
			isTrue(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonAllAvailable))
		for version, apiService := range apiServices(t, name) {
			if !bytes.Equal(apiService.Spec.CABundle, sample.signer.Certificate) {
				t.Errorf("APIService %s trusts the wrong CA", version)
			}
		}
		expectFlunder(t)
		setCABundle(t, name, sample.signer.Certificate)
		await(t, name, status.CurrentStatus)
	})
	t.Run("is kept when its ExtensionAPI is deleted, which reports the unreachable objects", func(t *testing.T) {
		allowOperator(t, rbacv1.PolicyRule{
			APIGroups: []string{group}, Resources: []string{"flunders"}, Verbs: []string{"list"},
		})
		awaitRight(t, true, operatorNamespace, operatorAccount,
			authorizationv1.ResourceAttributes{Verb: "list", Group: group, Resource: "flunders"})
		remove(t, name)
		expectUnchanged(t, untouched, resourceVersions(t, sample.service, namespace))
		event := expectEvent(t, name, "Warning ObjectsUnreachable", "1 flunders.wardle.example.com",
			"an unknown number of fischers.wardle.example.com", "aggregate-to-object-reader=true")
		troubleshooting.Check(t, "objects-unreachable", "Event: "+event)
	})
}

func sampleFile(name string) string { return filepath.Join(configDir, "samples", name) }

// allowOperator grants the operator a permission that it does not have by default.
func allowOperator(t *testing.T, rule rbacv1.PolicyRule) {
	t.Helper()
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{GenerateName: "operator-"}, Rules: []rbacv1.PolicyRule{rule}}
	createUntilCleanup(t, role)
	createUntilCleanup(t, &rbacv1.ClusterRoleBinding{
		ObjectMeta: in("", role.Name),
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects: []rbacv1.Subject{
			{Kind: rbacv1.ServiceAccountKind, Namespace: operatorNamespace, Name: operatorAccount},
		},
	})
}

func expectFlunder(t *testing.T) {
	t.Helper()
	found := kubectl(t, "get", "flunders", "--output", "name")
	if wanted := "flunder.wardle.example.com/my-first-flunder"; !strings.Contains(found, wanted) {
		t.Errorf("kubectl get flunders prints %q, want %q", found, wanted)
	}
}

func measured(extensionAPI *v1alpha1.ExtensionAPI) error {
	if extensionAPI.Status.DiscoveryLatency == nil {
		return errors.New("there is no status.discoveryLatency")
	}
	for _, apiService := range extensionAPI.Status.APIServices {
		if apiService.Available != metav1.ConditionTrue || apiService.Discovery == nil || apiService.Discovery.Last == nil {
			return fmt.Errorf("status of APIService %s: %+v", apiService.Name, apiService)
		}
	}
	if len(extensionAPI.Status.Endpoints) == 0 {
		return errors.New("there is no endpoint in status")
	}
	return nil
}

func setCABundle(t *testing.T, name string, caBundle []byte) {
	t.Helper()
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.ExistingService.CABundle = caBundle })
}
