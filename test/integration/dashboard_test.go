// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
	"github.com/extensionapi/extensionapi-operator/test/monitoring"
)

const (
	// drawingFile is the environment variable with the file to which the dashboard is drawn. `make dashboard-check` sets
	// it, and builds the programs that the test runs.
	drawingFile = "DASHBOARD_PNG"
	// scrapedElsewhere matches the queries of metrics of kubelets and kube-state-metrics, which these tests do not run.
	scrapedElsewhere = "container_|kube_pod_"
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

	draw := func() error { return prometheus.DrawDashboard(t.Context(), t, drawing, scrapedElsewhere) }
	eventually(t, draw)
	// What is drawn at last has faults in it.
	replicas[0].Behave(extensionserver.Behaviour{Discovery: extensionserver.Slow(time.Second)})
	server.Behave(extensionserver.Behaviour{Discovery: extensionserver.Fault{Status: http.StatusInternalServerError}})
	eventually(t, func() error {
		return prometheus.HasResult(t.Context(), fmt.Sprintf(
			`ALERTS{alertname="ExtensionAPIDiscoveryFailing",extensionapi=%q,namespace=%q,cluster=%q}`, passed, passed, cluster))
	})
	eventually(t, draw)
}

// serveMetrics returns the address of what the operator serves together with its own registry, see allMetrics.
func serveMetrics(t *testing.T, token string) string {
	t.Helper()
	own := promhttp.HandlerFor(running.metrics, promhttp.HandlerOpts{DisableCompression: true})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, served, err := scrape(t, token)
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
