// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestMetricsRequireAuthorization(t *testing.T) {
	extensionAPI := wardle(t, sampleNamespace)
	create(t, extensionAPI)
	eventually(t, time.Minute, ready(extensionAPI))
	stranger, reader := serviceAccountToken(t, "e2e-stranger"), metricsReader(t)
	pods, err := operatorPods(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods {
		eventually(t, time.Minute, answers(pod, reader, http.StatusOK)) // kube-apiserver caches bindings
		for token, want := range map[string]int{"": http.StatusUnauthorized, stranger: http.StatusForbidden} {
			if err := answers(pod, token, want)(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
	// Only the leader probes.
	eventually(t, time.Minute, somePodMeasures(pods, reader,
		`extensionapi_discovery_duration_seconds_count{connection="warm",document="group-version",extensionapi="wardle"`))
}

// answers succeeds when the operator's Pod responds to requests for its metrics with the status.
func answers(pod corev1.Pod, token string, want int) func(context.Context) error {
	return func(ctx context.Context) error {
		status, _, err := scrape(ctx, pod, token)
		if err == nil && status != want {
			err = fmt.Errorf("%s responds with status %d, want status %d", pod.Name, status, want)
		}
		return err
	}
}

// metricsReader returns the token of a ServiceAccount that may read the metrics.
func metricsReader(t *testing.T) string {
	t.Helper()
	createObject(t, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "e2e-metrics-reader"},
		RoleRef: rbacv1.RoleRef{
			APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: operatorName + ":metrics-reader",
		},
		Subjects: []rbacv1.Subject{{
			Kind: rbacv1.ServiceAccountKind, Namespace: metav1.NamespaceDefault, Name: "e2e-reader",
		}},
	})
	return serviceAccountToken(t, "e2e-reader")
}

// serviceAccountToken creates a ServiceAccount and returns a token for it.
func serviceAccountToken(t *testing.T, name string) string {
	t.Helper()
	createObject(t, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: name}})
	return kubectl(t, "create", "token", name, "--namespace", metav1.NamespaceDefault)
}

func operatorPods(ctx context.Context) ([]corev1.Pod, error) {
	pods := &corev1.PodList{}
	err := kube.List(ctx, pods, client.InNamespace(operatorNamespace),
		client.MatchingLabels{"app.kubernetes.io/name": operatorName})
	return pods.Items, err
}

func scrape(ctx context.Context, pod corev1.Pod, token string) (status int, body string, err error) {
	url := "https://" + net.JoinHostPort(pod.Status.PodIP, "8443") + "/metrics"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	// The certificate of the metrics endpoint is self-signed.
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	return response.StatusCode, string(content), err
}

// somePodMeasures succeeds when the metrics of one of the Pods have a line that begins with series.
func somePodMeasures(pods []corev1.Pod, token, series string) func(context.Context) error {
	return func(ctx context.Context) error {
		var errs []error
		for _, pod := range pods {
			_, body, err := scrape(ctx, pod, token)
			if strings.Contains(body, "\n"+series) {
				return nil
			}
			errs = append(errs, err)
		}
		return errors.Join(append(errs, fmt.Errorf("no Pod has the series %s", series))...)
	}
}
