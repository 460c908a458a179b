// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"testing"
)

// Job is what Prometheus scrapes, in the format of its configuration.
type Job struct {
	Name          string         `json:"job_name"`
	Scheme        string         `json:"scheme,omitempty"`
	Path          string         `json:"metrics_path,omitempty"`
	TLS           map[string]any `json:"tls_config,omitempty"`
	Authorization map[string]any `json:"authorization,omitempty"`
	Targets       []Target       `json:"static_configs"`
}

// Target is an address, and the labels of its series.
type Target struct {
	Addresses []string          `json:"targets"`
	Labels    map[string]string `json:"labels,omitempty"`
}

// Secured returns a job that presents a token to servers with any certificate.
func Secured(name, token string, targets ...Target) Job {
	return Job{
		Name: name, Scheme: "https", Targets: targets,
		TLS:           map[string]any{"insecure_skip_verify": true},
		Authorization: map[string]any{"credentials": token},
	}
}

// Prometheus is the address of one that runs until the end of the test, and evaluates the chart's alerts.
type Prometheus string

// StartPrometheus runs `bin/tools/prometheus`, which scrapes each second.
func StartPrometheus(t *testing.T, jobs ...Job) Prometheus {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "prometheus.yml")
	write(t, file, map[string]any{
		"global":         map[string]string{"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
		"rule_files":     []string{absolute(t, alertsFile)},
		"scrape_configs": jobs,
	})
	address := freeAddress(t)
	//nolint:gosec // the program is this repository's
	command := exec.CommandContext(t.Context(), absolute(t, "bin/tools/prometheus"), "--config.file", file,
		"--storage.tsdb.path", filepath.Join(dir, "data"), "--web.listen-address", address)
	log := &bytes.Buffer{}
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		t.Fatalf("%v: run 'make bin/tools/prometheus'", err)
	}
	t.Cleanup(func() { // which ends it before
		_ = command.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	return Prometheus("http://" + address)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// DrawDashboard draws the last two minutes, and returns an error unless each query has a result, but for those that
// match the regular expression optional.
func (p Prometheus) DrawDashboard(ctx context.Context, t *testing.T, drawing, optional string) error {
	t.Helper()
	//nolint:gosec // the program is this repository's
	output, err := exec.CommandContext(ctx, absolute(t, "bin/tools/dashboard"), "--prometheus", string(p),
		"--dashboard", absolute(t, dashboardFile), "--output", drawing, "--range", "2m", "--rate-interval", "10s",
		"--optional", optional).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, output)
	}
	return nil
}

// HasResult returns an error unless the query has a result.
func (p Prometheus) HasResult(ctx context.Context, query string) error {
	request, err := http.NewRequestWithContext(
		ctx, http.MethodGet, string(p)+"/api/v1/query?query="+url.QueryEscape(query), http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		Error string
		Data  struct{ Result []any }
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return err
	}
	if len(answer.Data.Result) == 0 {
		return errors.New(query + " has no result: " + answer.Error)
	}
	return nil
}
