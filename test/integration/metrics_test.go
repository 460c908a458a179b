// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/extensionapi/extensionapi-operator/test/monitoring"
)

func TestMetricsRequireAuthorization(t *testing.T) {
	t.Parallel()
	const stranger, reader = "metrics-stranger", "metrics-reader"
	allowMetrics(t, reader)
	awaitMetrics(t, tokenOf(t, reader))
	if status, _, err := scrape(t, tokenOf(t, stranger)); err != nil || status != http.StatusForbidden {
		t.Errorf("an unauthorized client gets status %d and error %v", status, err)
	}
}

// tokenOf creates a ServiceAccount and returns a token for it.
func tokenOf(t *testing.T, account string) string {
	t.Helper()
	createUntilCleanup(t, &corev1.ServiceAccount{ObjectMeta: in(operatorNamespace, account)})
	return strings.TrimSpace(kubectl(t, "create", "token", account, "--namespace", operatorNamespace))
}

func TestMetricsSatisfyAlertsAndDashboard(t *testing.T) {
	t.Parallel()
	const passed, run, reader = "metrics-passed", "metrics-run", "metrics-scraper"
	allowMetrics(t, reader)
	token := tokenOf(t, reader)
	backend, _ := startBackend(t, passed, "v1")
	apply(t, backend.declare(groups(passed+".example.com", "v1")))
	awaitRegistered(t, passed)
	startReplicas(t, run, 2)

	probes := func() uint64 {
		return min(observations(t, passed, passed+".example.com", "v1", "kube-apiserver"),
			observations(t, run, run+".example.com", "v1", "endpoint"))
	}
	eventually(t, func() error { return moreThan(1, probes()) })
	first, probed := allMetrics(t, token), probes()
	eventually(t, func() error { return moreThan(probed, probes()) })
	queries := append(monitoring.AlertQueries(t), monitoring.DashboardQueries(t)...)
	if err := monitoring.CheckQueries(t, first, allMetrics(t, token), queries); err != nil {
		t.Error(err)
	}
}

func moreThan(before, now uint64) error {
	if now <= before {
		return fmt.Errorf("there were %d probes before, and there are %d now", before, now)
	}
	return nil
}

// allMetrics returns the metrics that the operator serves, and those in its own registry, which is separate, because
// the operator is started more than once here.
func allMetrics(t *testing.T, token string) string {
	t.Helper()
	served := awaitMetrics(t, token)
	own := httptest.NewRecorder()
	promhttp.HandlerFor(running.metrics, promhttp.HandlerOpts{}).ServeHTTP(
		own, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
	return served + own.Body.String()
}

// allowMetrics lets a ServiceAccount read the metrics.
func allowMetrics(t *testing.T, account string) {
	t.Helper()
	createUntilCleanup(t, &rbacv1.ClusterRoleBinding{
		ObjectMeta: in("", account),
		RoleRef: rbacv1.RoleRef{
			APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "extensionapi-operator:metrics-reader",
		},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: operatorNamespace, Name: account}},
	})
}

// awaitMetrics waits until the operator serves its metrics to the client with the token, and returns them. The operator
// may lead slightly before it serves metrics, and kube-apiserver may apply a new binding with a delay.
func awaitMetrics(t *testing.T, token string) (body string) {
	t.Helper()
	eventually(t, func() error {
		status, content, err := scrape(t, token)
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("the operator responds with status %d", status)
		}
		body = content
		return err
	})
	return body
}

func scrape(t *testing.T, token string) (status int, body string, err error) {
	t.Helper()
	request, err := http.NewRequestWithContext(
		t.Context(), http.MethodGet, "https://"+running.metricsAddress+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
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
