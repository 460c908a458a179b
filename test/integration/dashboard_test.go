// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

const (
	// drawingFile is the environment variable with the file to which the dashboard is drawn. `make dashboard-check` sets
	// it, and builds the programs that the test runs.
	drawingFile   = "DASHBOARD_PNG"
	tools         = repository + "/bin/tools/"
	dashboardFile = repository + "/charts/extensionapi-operator/files/dashboard.json"
	alertsFile    = repository + "/charts/extensionapi-operator/files/alerts.yaml"
	// testCluster is the cluster that Prometheus takes these tests for.
	testCluster = "test"
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
	const passed, run, reader = "dashboard-passed", "dashboard-run", "dashboard-reader"
	allowMetrics(t, reader)
	token := tokenOf(t, reader)
	awaitMetrics(t, token)
	backend, server := startBackend(t, passed, "v1")
	apply(t, backend.declare(groups(passed+".example.com", "v1")))
	awaitRegistered(t, passed)
	replicas := startReplicas(t, run, 2)
	address := startPrometheus(t, token)

	draw := func() error {
		//nolint:gosec // the program is this repository's
		output, err := exec.CommandContext(ctx, tools+"dashboard", "--prometheus", address, "--dashboard", dashboardFile,
			"--output", drawing, "--range", "2m", "--rate-interval", "10s", "--optional", scrapedElsewhere).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w\n%s", err, output)
		}
		return nil
	}
	eventually(t, draw)
	// What is drawn at last has faults in it.
	replicas[0].Behave(extensionserver.Behaviour{Discovery: extensionserver.Slow(time.Second)})
	server.Behave(extensionserver.Behaviour{Discovery: extensionserver.Fault{Status: http.StatusInternalServerError}})
	awaitThat(t, passed, func(e *v1alpha1.ExtensionAPI) error {
		if !meta.IsStatusConditionFalse(e.Status.Conditions, v1alpha1.ConditionDiscoveryWithinLimit) {
			return errors.New("no failure of discovery is reported")
		}
		return nil
	})
	eventually(t, func() error { return isRaised(t, address, "ExtensionAPIDiscoveryFailing", passed) })
	eventually(t, draw)
}

// isRaised succeeds when the alert is pending or fires for the ExtensionAPI and the namespace of its server.
func isRaised(t *testing.T, address, alert, name string) error {
	t.Helper()
	query := fmt.Sprintf("ALERTS{alertname=%q,extensionapi=%q,namespace=%q,cluster=%q}", alert, name, name, testCluster)
	request, err := http.NewRequestWithContext(
		t.Context(), http.MethodGet, address+"/api/v1/query?query="+url.QueryEscape(query), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err == nil && !strings.Contains(string(body), alert) {
		err = fmt.Errorf("%s has the result %s", query, body)
	}
	return err
}

// startPrometheus returns the address of a Prometheus that evaluates the chart's alerts.
func startPrometheus(t *testing.T, token string) string {
	t.Helper()
	dir := t.TempDir()
	port := freePort(t)
	rules, err := filepath.Abs(alertsFile)
	if err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf(`
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [%s]
scrape_configs:
- job_name: extensionapi-operator
  static_configs:
  - {targets: [%q], labels: {cluster: %s, namespace: %s, pod: operator-1}}
- job_name: apiserver
  scheme: https
  tls_config: {insecure_skip_verify: true}
  authorization: {credentials: %s}
  static_configs:
  - {targets: [%q], labels: {cluster: %s}}
`, rules, serveMetrics(t, token), testCluster, operatorNamespace,
		token, strings.TrimPrefix(plane.env.Config.Host, "https://"), testCluster)
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	//nolint:gosec // the program is this repository's
	command := exec.CommandContext(t.Context(), tools+"prometheus", "--config.file", file,
		"--storage.tsdb.path", filepath.Join(dir, "data"), "--web.listen-address", address)
	log := &bytes.Buffer{}
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	return "http://" + address
}

// serveMetrics returns the address of what the operator serves together with its own registry, see allMetrics.
func serveMetrics(t *testing.T, token string) string {
	t.Helper()
	own := promhttp.HandlerFor(running.metrics, promhttp.HandlerOpts{DisableCompression: true})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
	})
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}
