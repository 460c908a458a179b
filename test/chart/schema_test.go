// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestInvalidValuesAreRejected(t *testing.T) {
	for values, says := range map[string]string{
		`{"replica": 2}`:                                      "'replica' not allowed",
		`{"replicas": -1}`:                                    "/replicas': minimum: got -1, want 1",
		`{"replicas": 0}`:                                     "/replicas': minimum: got 0, want 1",
		`{"replicas": "2"}`:                                   "/replicas': got string, want integer",
		`{"logLevel": "verbose"}`:                             "/logLevel'",
		`{"logLevel": -1}`:                                    "/logLevel'",
		`{"image": "registry.example.com/operator"}`:          "/image': got string, want object",
		`{"image": {"name": "operator"}}`:                     "'name' not allowed",
		`{"image": {"repository": ""}}`:                       "/image/repository'",
		`{"image": {"tag": 1.2}}`:                             "/image/tag': got number, want string",
		`{"image": {"digest": "sha256:abc"}}`:                 "/image/digest': 'sha256:abc' does not match pattern",
		`{"image": {"pullPolicy": "always"}}`:                 "/image/pullPolicy': value must be one of 'Always'",
		`{"imagePullSecrets": ["registry"]}`:                  "/imagePullSecrets/0': got string, want object",
		`{"crds": {"install": true}}`:                         "'install' not allowed",
		`{"resources": {"limit": {"memory": "1Gi"}}}`:         "'limit' not allowed",
		`{"commonLabels": {"app.kubernetes.io/name": "x"}}`:   "app.kubernetes.io/name",
		`{"podLabels": {"a": 1}}`:                             "/podLabels/a': got number, want string",
		`{"podAnnotations": {"example.com/scrape": true}}`:    "got boolean, want string",
		`{"tolerations": {"key": "a"}}`:                       "/tolerations': got object, want array",
		`{"podDisruptionBudget": {"minAvailable": 1}}`:        "'minAvailable' not allowed",
		`{"podDisruptionBudget": {"maxUnavailable": 0}}`:      "/podDisruptionBudget/maxUnavailable'",
		`{"serviceAccount": {"name": "Operator"}}`:            "/serviceAccount/name': 'Operator' does not match pattern",
		`{"rbac": {"create": false}}`:                         "'create' not allowed",
		`{"logFormat": "text"}`:                               "/logFormat': value must be one of 'json'",
		`{"extraArgs": ["workers=8"]}`:                        "/extraArgs/0': 'workers=8' does not match pattern",
		`{"extraEnv": [{"value": "a"}]}`:                      "/extraEnv/0': missing property 'name'",
		`{"hostNetwork": "true"}`:                             "/hostNetwork': got string, want boolean",
		`{"dnsPolicy": "Cluster"}`:                            "/dnsPolicy': value must be one of ''",
		`{"metrics": {"prometheusRule": {"disabled": "x"}}}`:  "/disabled': got string, want array",
		`{"serverNamespaces": "shop"}`:                        "/serverNamespaces': got string, want array",
		`{"serverNamespaces": ["Shop"]}`:                      "/serverNamespaces/0': 'Shop' does not match pattern",
		`{"serverNamespaces": ["shop", "shop"]}`:              "/serverNamespaces': items at 0 and 1 are equal",
		`{"certManager": {"enabled": "false"}}`:               "/certManager/enabled': got string, want boolean",
		`{"networkPolicy": {"from": []}}`:                     "'from' not allowed",
		`{"metrics": {"serviceMonitor": {"enable": true}}}`:   "'enable' not allowed",
		`{"metrics": {"serviceMonitor": {"interval": "30"}}}`: "/interval': '30' does not match pattern",
		`{"metrics": {"prometheusRules": {"enabled": true}}}`: "'prometheusRules' not allowed",
		`{"metrics": {"dashboard": {"labels": ["grafana"]}}}`: "/metrics/dashboard/labels': got array, want object",
		`{"affinity": []}`:                                    "/affinity': got array, want object",
		`{"image": {"repository": null}}`:                     "/image': missing property 'repository'",
	} {
		for _, helm := range []string{"helm", "helm3"} {
			t.Run(helm+" "+values, func(t *testing.T) {
				t.Parallel()
				if problem := tryValues(t, helm, values); !strings.Contains(problem, says) {
					t.Errorf("the error is %q, which lacks %q", problem, says)
				}
			})
		}
	}
}

func TestValidValuesAreAccepted(t *testing.T) {
	for _, values := range []string{
		`{}`,
		`{"global": {"imageRegistry": "of a chart that this one is a part of"}}`,
		`{"logLevel": "debug"}`,
		`{"logLevel": 3}`,
		`{"logLevel": "3"}`,
		`{"replicas": 1}`,
		`{"resources": {"limits": {"cpu": 2}}}`,
		`{"serverNamespaces": ["a", "shop-2"]}`,
		`{"image": {"digest": "sha256:` + strings.Repeat("0af9", 16) + `"}}`,
	} {
		t.Run(values, func(t *testing.T) {
			t.Parallel()
			if problem := tryValues(t, "helm", values); problem != "" {
				t.Error(problem)
			}
		})
	}
}

func TestLintPassesWithEverythingEnabled(t *testing.T) {
	for _, helm := range []string{"helm", "helm3"} {
		run(t, helm, "lint", "--strict", "charts/extensionapi-operator", "--values", everything, "--kube-version", "v1.36.3")
	}
}

// tryValues returns Helm's error for values in JSON, empty if it accepts them.
func tryValues(t *testing.T, helm, values string) string {
	t.Helper()
	arguments := append(templateCommand(), "--values", "-")
	command := exec.CommandContext(t.Context(), filepath.Join("bin/tools", helm), arguments...)
	command.Dir, command.Stdin = root, strings.NewReader(values)
	noteInputs(t)
	output, err := command.CombinedOutput()
	if err == nil {
		return ""
	}
	return string(output)
}
