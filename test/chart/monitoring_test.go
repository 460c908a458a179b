// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

const ruleID = "PrometheusRule " + namespace + "/" + operator

// rules are the groups of a PrometheusRule, or of a file of rules.
type rules struct {
	Groups []struct {
		Name  string
		Rules []rule
	}
}

type rule struct {
	Alert, Expr, For string
	KeepFiringFor    string `json:"keep_firing_for"`
	Labels           map[string]string
	Annotations      map[string]string
}

func installedRules(t *testing.T, arguments ...string) rules {
	t.Helper()
	chart := renderChart(t, append(arguments, "--set", "metrics.prometheusRule.enabled=true")...)
	return get[struct{ Spec rules }](t, chart, ruleID).Spec
}

func TestChartInstallsTheAlertsOfTheFile(t *testing.T) {
	var file rules
	if err := yaml.Unmarshal(readFile(t, "charts/extensionapi-operator/files/alerts.yaml"), &file); err != nil {
		t.Fatal(err)
	}
	if installed := installedRules(t); len(file.Groups) != 1 || !reflect.DeepEqual(installed, file) {
		t.Errorf("the PrometheusRule has\n%s\nthe file has\n%s", toYAML(t, installed), toYAML(t, file))
	}
}

func TestDisabledAlertsAreLeftOutAndRunbooksMayBeElsewhere(t *testing.T) {
	const runbooks = "https://runbooks.example.com/api"
	all := installedRules(t).Groups[0].Rules
	some := installedRules(t, "--set", "metrics.prometheusRule.disabled={ExtensionAPISuspended,ExtensionAPIOperatorDown}",
		"--set", "metrics.prometheusRule.runbookBaseURL="+runbooks).Groups[0].Rules
	kept := slices.DeleteFunc(slices.Clone(all), func(one rule) bool {
		return one.Alert == "ExtensionAPISuspended" || one.Alert == "ExtensionAPIOperatorDown"
	})
	if len(kept) == len(all) || len(some) != len(kept) {
		t.Fatalf("%d of %d alerts are installed, want %d", len(some), len(all), len(kept))
	}
	for i, one := range some {
		if runbook := runbooks + "#" + strings.ToLower(one.Alert); one.Alert != kept[i].Alert ||
			one.Annotations["runbook_url"] != runbook {
			t.Errorf("alert %s has the runbook %s, want %s with %s",
				one.Alert, one.Annotations["runbook_url"], kept[i].Alert, runbook)
		}
	}
}

// TestServiceMonitorMayBeInAnotherNamespace checks that Prometheus can read the token there, and finds the operator.
func TestServiceMonitorMayBeInAnotherNamespace(t *testing.T) {
	const monitoring, reader = "monitoring", operator + "-metrics-reader"
	chart := renderChart(t, "--set", "metrics.serviceMonitor.enabled=true,metrics.serviceMonitor.namespace="+monitoring)
	get[corev1.ServiceAccount](t, chart, "ServiceAccount "+monitoring+"/"+reader)
	get[corev1.Secret](t, chart, "Secret "+monitoring+"/"+reader)
	monitor := get[struct {
		Spec struct {
			NamespaceSelector struct{ MatchNames []string }
		}
	}](t, chart, "ServiceMonitor "+monitoring+"/"+operator)
	if names := monitor.Spec.NamespaceSelector.MatchNames; !slices.Equal(names, []string{namespace}) {
		t.Errorf("the ServiceMonitor selects Services in %q", names)
	}
	binding := chart["ClusterRoleBinding extensionapi-operator:metrics-reader"]
	if text := toYAML(t, binding.Object); !strings.Contains(text, "namespace: "+monitoring) {
		t.Errorf("the token is not of the account that is permitted to read the metrics:\n%s", text)
	}
}
