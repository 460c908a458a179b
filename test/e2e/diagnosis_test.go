// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"strings"
	"testing"
)

// diagnose logs the state of the cluster to find the cause of a failed test.
func diagnose(ctx context.Context, tb testing.TB) {
	tb.Helper()
	const conditions = `jsonpath={range .items[*]}{.metadata.name}{" generation "}{.metadata.generation}{"\n"}` +
		`{range .status.conditions[*]}{"  "}{.type}{"="}{.status}{" "}{.reason}{": "}{.message}{"\n"}{end}{end}`
	const definitions = `jsonpath={range .items[*]}{.metadata.name}{" deleted: "}{.metadata.deletionTimestamp}{" "}` +
		`{.status.conditions[?(@.type=="Terminating")].message}{"\n"}{end}`
	for _, args := range [][]string{
		{"get", "extensionapis", "-o", conditions},
		{"get", "pods", "--all-namespaces", "-o", "wide"},
		{"get", "apiservices", "--selector", ownerLabel},
		{"get", "customresourcedefinitions", "-o", definitions},
		{
			"logs", "--namespace", operatorNamespace, "--selector", "app.kubernetes.io/name=" + operatorName, "--prefix",
			"--tail", "40",
		},
	} {
		printed, err := output(ctx, "kubectl", args...)
		if err != nil {
			printed = err.Error()
		}
		tb.Logf("$ kubectl %s\n%s", strings.Join(args, " "), printed)
	}
}
