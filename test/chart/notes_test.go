// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"strings"
	"testing"
)

func TestNotesShowNextStepsAndWarnings(t *testing.T) {
	warnings := []string{
		"WARNING: replicas is 1", "WARNING: crds.keep is false", "WARNING: crds.enabled is false",
		"NOTE: networkPolicy.metricsFrom is empty", "NOTE: the operator runs servers only",
	}
	next := []string{
		"helm test " + operator + " --namespace " + namespace, "kubectl apply -f -",
		"kubectl wait --for=condition=Ready extensionapi/my-api", "/docs",
	}
	for values, says := range map[string][]string{
		"":                           nil,
		"replicas=1":                 {"WARNING: replicas is 1"},
		"crds.keep=false":            {"WARNING: crds.keep is false"},
		"crds.enabled=false":         {"WARNING: crds.enabled is false", "--show-only templates/crds.yaml"},
		"networkPolicy.enabled=true": {"NOTE: networkPolicy.metricsFrom is empty"},
		"serverNamespaces={shop}":    {"NOTE: the operator runs servers only in the namespaces shop", "namespace: shop"},
	} {
		t.Run(values, func(t *testing.T) {
			t.Parallel()
			_, notes, _ := strings.Cut(string(run(t, "helm", "install", operator, "charts/extensionapi-operator",
				"--namespace", namespace, "--dry-run=client", "--set", values)), "\nNOTES:\n")
			for _, words := range append(says, next...) {
				if !strings.Contains(notes, words) {
					t.Errorf("%q is missing in\n%s", words, notes)
				}
			}
			for _, warning := range warnings {
				wanted := len(says) > 0 && strings.HasPrefix(says[0], warning)
				if warned := strings.Contains(notes, warning); warned != wanted {
					t.Errorf("the notes contain %q: %t, want %t", warning, warned, wanted)
				}
			}
		})
	}
}
