// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

const (
	// handWritten installs metrics-server as its release does.
	handWritten       = "test/e2e/testdata/metrics-server"
	metricsAPIService = "v1beta1.metrics.k8s.io"
	metricsPath       = "/apis/metrics.k8s.io/v1beta1"
	// metricsSoon includes the two rounds of measurements before each replica is ready.
	metricsSoon = 2 * time.Minute
)

// TestMetricsServerMigratesWithoutAFailedRequest performs the steps of docs/migrating.md, with the manifest of
// docs/servers.md, and with that of kubectl extensionapi import.
func TestMetricsServerMigratesWithoutAFailedRequest(t *testing.T) {
	t.Parallel()
	createObject(t, viewer())
	t.Run("with the manifest of the docs", func(t *testing.T) {
		installByHand(t)
		sample := &v1alpha1.ExtensionAPI{ObjectMeta: metav1.ObjectMeta{Name: "metrics"}}
		migrateMetricsServer(t, sample, "config/samples/metrics-server.yaml", func() {
			deleteEarlier(t)
			deleteEarlierRoles(t)
		})
	})
	t.Run("imported", func(t *testing.T) {
		onlyLong(t)
		installByHand(t)
		sample, file := imported(t, "metrics", metricsAPIService)
		// The earlier roles are bound to the new ServiceAccount.
		migrateMetricsServer(t, sample, file, func() { deleteEarlier(t) })
	})
}

func migrateMetricsServer(t *testing.T, extensionAPI *v1alpha1.ExtensionAPI, file string, deleteEarlier func()) {
	t.Helper()
	eventually(t, metricsSoon, userReads(metricsPath+"/pods"))
	before := uidOf(t, metricsAPIService)

	reading := startReadingAt(t, turnsPerSecond, metricsPath, metricsPath+"/nodes", metricsPath+"/pods")
	applySample(t, file, extensionAPI)
	adoptAfterDryRun(t, extensionAPI)
	deleteEarlier()
	change(t, extensionAPI, func(spec *v1alpha1.ExtensionAPISpec) {
		container(spec).Args = append(container(spec).Args, "--v=1")
	})
	t.Logf("rolled out after %s", eventually(t, metricsSoon, ready(extensionAPI)))
	eventually(t, drained, replaced(extensionAPI))
	if failed := reading.end(t); failed > 0 {
		t.Errorf("%d of %d requests failed", failed, reading.requests)
	}

	if uidOf(t, metricsAPIService) != before {
		t.Error("the APIService was recreated")
	}
	for subject, shown := range map[string]string{"nodes": os.Getenv("CLUSTER_NAME"), "pods": "etcd-"} {
		if top := kubectl(t, "top", subject, "--namespace", sampleNamespace); !strings.Contains(top, shown) {
			t.Errorf("kubectl top %s does not show %s:\n%s", subject, shown, top)
		}
	}
	if err := remove(t.Context(), extensionAPI); err != nil {
		t.Fatal(err)
	}
	eventually(t, soon, absent("metrics.k8s.io/v1beta1"))
}

// installByHand installs metrics-server without the operator, and removes what is left of it when the test ends.
func installByHand(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		_, err := output(context.WithoutCancel(t.Context()), "kubectl", "delete", "-k", handWritten, "--ignore-not-found")
		if err != nil {
			t.Error(err)
		}
	})
	kubectl(t, "apply", "-k", handWritten)
	kubectl(t, "wait", "--for=condition=Available", "apiservice/"+metricsAPIService, "--timeout", "2m")
}

// viewer lets the tests' user view all namespaces, and with them the metrics of their Pods.
func viewer() *rbacv1.ClusterRoleBinding {
	return &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: userName + "-views"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: userName}},
	}
}

// userReads succeeds when the tests' user may read the path.
func userReads(path string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := output(ctx, "kubectl", "get", "--raw", path, "--as", userName)
		return err
	}
}

// adoptAfterDryRun adopts the APIService when the dry run has shown what that changes, and the new server runs.
func adoptAfterDryRun(t *testing.T, extensionAPI *v1alpha1.ExtensionAPI) {
	t.Helper()
	change(t, extensionAPI, func(spec *v1alpha1.ExtensionAPISpec) { spec.AdoptionPolicy = v1alpha1.AdoptionDryRun })
	eventually(t, soon, wouldChange(extensionAPI,
		"spec.service: kube-system/metrics-server:443 -> kube-system/metrics:443",
		"spec.insecureSkipTLSVerify: true -> false",
		"metadata.labels[aggregation.extensionapi.dev/extensionapi]:  -> metrics",
		"metadata.labels[app.kubernetes.io/managed-by]:  -> extensionapi-operator",
		"metadata.annotations[aggregation.extensionapi.dev/uid]:  -> "+string(extensionAPI.UID),
		"spec.caBundle:  -> sha256:",
	))
	kubectl(t, "wait", "--for=condition=ServerAvailable", "xapi/"+extensionAPI.Name, "--timeout", "2m")
	change(t, extensionAPI, func(spec *v1alpha1.ExtensionAPISpec) { spec.AdoptionPolicy = v1alpha1.AdoptionAdopt })
	t.Logf("adopted after %s", eventually(t, time.Minute, ready(extensionAPI)))
}

// wouldChange succeeds when status shows exactly these changes, or ones that begin so.
func wouldChange(extensionAPI *v1alpha1.ExtensionAPI, want ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		current, err := currently(ctx, extensionAPI)
		if err != nil {
			return err
		}
		var shown []string
		for _, apiService := range current.Status.APIServices {
			for _, c := range apiService.AdoptionChanges {
				shown = append(shown, fmt.Sprintf("%s: %s -> %s", c.Field, ptr.Deref(c.From, ""), ptr.Deref(c.To, "")))
			}
		}
		if !slices.EqualFunc(shown, want, strings.HasPrefix) {
			return fmt.Errorf("adopting would change %q, want %q", shown, want)
		}
		return nil
	}
}

// replaced succeeds when no Pod of the server is being deleted.
func replaced(extensionAPI *v1alpha1.ExtensionAPI) func(context.Context) error {
	return func(ctx context.Context) error {
		pods := &corev1.PodList{}
		err := kube.List(ctx, pods, client.InNamespace(extensionAPI.Spec.Server.Namespace),
			client.MatchingLabels{ownerLabel: extensionAPI.Name})
		if err == nil && slices.ContainsFunc(pods.Items, isDeleted) {
			err = errors.New("a replaced Pod has not terminated")
		}
		return err
	}
}

// earlierLabel is on all objects of the earlier server, and on the APIService.
const earlierLabel = "k8s-app=metrics-server"

// deleteEarlier deletes the objects of the earlier server, but not the APIService.
func deleteEarlier(t *testing.T) {
	t.Helper()
	kubectl(t, "delete", "deployment,service,serviceaccount,rolebinding", "--namespace", "kube-system", "-l", earlierLabel)
	kubectl(t, "delete", "clusterrolebinding", "-l", earlierLabel)
}

func deleteEarlierRoles(t *testing.T) {
	t.Helper()
	kubectl(t, "delete", "clusterrole", "-l", earlierLabel)
}

// applySample applies a file with an ExtensionAPI, and deletes what is in it when the test ends.
func applySample(t *testing.T, file string, extensionAPI *v1alpha1.ExtensionAPI) {
	t.Helper()
	deleteLater(t, file, extensionAPI)
	applyFile(t, file, extensionAPI)
}

// deleteLater deletes what the file declares after the test.
func deleteLater(t *testing.T, file string, extensionAPI *v1alpha1.ExtensionAPI) {
	t.Helper()
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if t.Failed() {
			diagnose(ctx, t)
		}
		err := remove(ctx, extensionAPI)
		_, remains := output(ctx, "kubectl", "delete", "-f", file, "--ignore-not-found")
		if err = errors.Join(err, remains); err != nil {
			t.Error(err)
		}
	})
}

func applyFile(t *testing.T, file string, extensionAPI *v1alpha1.ExtensionAPI) {
	t.Helper()
	kubectl(t, "apply", "-f", file)
	current, err := currently(t.Context(), extensionAPI)
	if err != nil {
		t.Fatal(err)
	}
	*extensionAPI = *current
}
