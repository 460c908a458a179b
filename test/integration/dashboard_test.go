// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"k8s.io/client-go/rest"

	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
	"github.com/extensionapi/extensionapi-operator/test/monitoring"
)

const (
	// drawingFile is the environment variable with the file to which the dashboard is drawn. `make dashboard-check` sets
	// it, and builds the programs that the test runs.
	drawingFile = "DASHBOARD_PNG"
	// scrapedElsewhere matches the queries of metrics of kubelets and kube-state-metrics, which these tests do not run.
	scrapedElsewhere = "container_|kube_pod_|apiserver_request_total"
	// notBefore matches those that have no result before a request has failed.
	notBefore = scrapedElsewhere + "|apiserver_request_terminations_total"
)

// TestDashboardHasAResultForEachQueryOnPrometheus draws the dashboard from a Prometheus that scrapes the operator and
// kube-apiserver.
func TestDashboardHasAResultForEachQueryOnPrometheus(t *testing.T) {
	drawing := os.Getenv(drawingFile)
	if drawing == "" {
		t.Skip("run 'make dashboard-check', which builds Prometheus")
	}
	const passed, run, reader, cluster = "dashboard-passed", "dashboard-run", "dashboard-reader", "test"
	allowMetrics(t, reader)
	token := tokenOf(t, reader)
	awaitMetrics(t, token)
	backend, server := startBackend(t, passed, "v1")
	apply(t, backend.declare(groups(passed+".example.com", "v1")))
	awaitRegistered(t, passed)
	replicas := startReplicas(t, run, 2)
	prometheus := monitoring.StartPrometheus(t,
		monitoring.Job{Name: operatorAccount, Targets: []monitoring.Target{{
			Addresses: []string{serveMetrics(t, token)},
			Labels:    map[string]string{"cluster": cluster, "namespace": operatorNamespace, "pod": "operator-1"},
		}}},
		monitoring.Secured("apiserver", token, monitoring.Target{
			Addresses: []string{strings.Trim(strings.TrimPrefix(plane.env.Config.Host, "https:"), "/")},
			Labels:    map[string]string{"cluster": cluster},
		}))

	draw := func(optional string) error { return prometheus.DrawDashboard(t.Context(), t, drawing, optional) }
	eventually(t, func() error { return draw(notBefore) })
	// What is drawn at last has faults in it.
	replicas[0].Behave(extensionserver.Behaviour{Discovery: extensionserver.Slow(time.Second)})
	server.Behave(extensionserver.Behaviour{Discovery: extensionserver.Fault{Status: http.StatusInternalServerError}})
	eventually(t, func() error {
		return prometheus.HasResult(t.Context(), fmt.Sprintf(
			`ALERTS{alertname="ExtensionAPIDiscoveryFailing",extensionapi=%q,namespace=%q,cluster=%q}`, passed, passed, cluster))
	})
	eventually(t, func() error {
		return errors.Join(isRefused(t, passed+".example.com"), draw(scrapedElsewhere))
	})
}

// isRefused requests objects of version v1 of a group, and succeeds when kube-apiserver does not pass the request on.
func isRefused(t *testing.T, group string) error {
	t.Helper()
	httpClient, err := rest.HTTPClientFor(plane.env.Config)
	if err != nil {
		t.Fatal(err)
	}
	address := strings.TrimSuffix(plane.env.Config.Host, "/") + "/apis/" + group + "/v1/things"
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := httpClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusServiceUnavailable {
		return fmt.Errorf("%s is answered with %s", address, response.Status)
	}
	return nil
}

// serveMetrics returns the address of what the operator serves together with its own registry, see allMetrics.
func serveMetrics(t *testing.T, token string) string {
	t.Helper()
	own := promhttp.HandlerFor(running.metrics, promhttp.HandlerOpts{DisableCompression: true})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, served, err := scrape(t, token) //nolint:contextcheck // the context is that of the test
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		_, _ = w.Write([]byte(served))
		registry := httptest.NewRecorder()
		own.ServeHTTP(registry, httptest.NewRequestWithContext(r.Context(), http.MethodGet, "/metrics", http.NoBody))
		_, _ = w.Write(registry.Body.Bytes())
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}
