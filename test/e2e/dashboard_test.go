// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"net"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/extensionapi/extensionapi-operator/test/monitoring"
)

// notOnTheNode matches the queries that may have no result: kube-state-metrics does not run, the kubelet measures
// containers only where it finds their cgroups, and servers are not scraped, nor is a request refused.
const notOnTheNode = "container_|kube_pod_|apiserver_request_"

// TestDashboardHasAResultForEachQueryOnTheNode draws the dashboard to bin/dashboard-e2e.png.
func TestDashboardHasAResultForEachQueryOnTheNode(t *testing.T) {
	extensionAPI := wardle(t, sampleNamespace)
	create(t, extensionAPI)
	eventually(t, time.Minute, ready(extensionAPI))
	pods, err := operatorPods(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	drawing, err := filepath.Abs(filepath.Join(root, "bin/dashboard-e2e.png"))
	if err != nil {
		t.Fatal(err)
	}
	prometheus := monitoring.StartPrometheus(t, nodeJobs(t, pods)...)
	eventually(t, 2*time.Minute, func(ctx context.Context) error {
		return prometheus.DrawDashboard(ctx, t, drawing, notOnTheNode)
	})
}

// nodeJobs scrape the operator's Pods, kube-apiserver, and the kubelet through it.
func nodeJobs(t *testing.T, pods []corev1.Pod) []monitoring.Job {
	t.Helper()
	token := dashboardReader(t)
	var operators []monitoring.Target
	for _, pod := range pods {
		operators = append(operators, monitoring.Target{
			Addresses: []string{net.JoinHostPort(pod.Status.PodIP, "8443")},
			Labels:    map[string]string{"namespace": pod.Namespace, "pod": pod.Name},
		})
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	address, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	apiServer := monitoring.Target{Addresses: []string{address.Host}}
	kubelet := monitoring.Secured("kubelet", token, apiServer)
	kubelet.Path = "/api/v1/nodes/" + pods[0].Spec.NodeName + "/proxy/metrics/cadvisor"
	return []monitoring.Job{
		monitoring.Secured(operatorName, token, operators...), monitoring.Secured("apiserver", token, apiServer), kubelet,
	}
}

// dashboardReader returns the token of a ServiceAccount that may read all metrics.
func dashboardReader(t *testing.T) string {
	t.Helper()
	const name = "e2e-dashboard"
	createObject(t, &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Rules: []rbacv1.PolicyRule{
			{Verbs: []string{"get"}, NonResourceURLs: []string{"/metrics"}},
			{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: []string{"nodes/proxy", "nodes/metrics"}},
		},
	})
	createObject(t, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
		Subjects: []rbacv1.Subject{{
			Kind: rbacv1.ServiceAccountKind, Namespace: metav1.NamespaceDefault, Name: name,
		}},
	})
	return serviceAccountToken(t, name)
}
