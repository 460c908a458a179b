// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestHelmTestReportsWhetherTheOperatorWorks stops the operator temporarily, so no other test runs in parallel.
func TestHelmTestReportsWhetherTheOperatorWorks(t *testing.T) {
	t.Cleanup(func() {
		check := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
			Namespace: operatorNamespace, Name: operatorName + "-installation-check",
		}}
		deleteNow(t, check)
	})
	expectWords(t, helm(t, "test", operatorName, "--logs", "--timeout", "2m"),
		"ok       kube-apiserver serves ExtensionAPIs", "ok       the aggregation layer is configured",
		"ok       the operator is running: extensionapi-operator-")

	start := scaleDown(t)
	printed, err := runHelm(t.Context(), "test", operatorName, "--logs", "--timeout", "2m")
	if err == nil {
		t.Fatalf("helm test passes without an operator:\n%s", printed)
	}
	expectWords(t, printed+err.Error(), "FAILED   the operator is not running",
		"Lease extensionapi-system/extensionapi-operator has no holder", "kubectl -n extensionapi-system describe")
	start()
	helm(t, "test", operatorName, "--timeout", "2m")
}

// scaleDown stops the operator. The returned function starts it again, at the latest at the end of the test.
func scaleDown(t *testing.T) (start func()) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	deployment := "deployment/" + operatorName
	kubectl := func(args ...string) {
		t.Helper()
		if err := run(ctx, "kubectl", append(args, "--namespace", operatorNamespace)...); err != nil {
			t.Fatal(err)
		}
	}
	start = sync.OnceFunc(func() {
		kubectl("scale", deployment, "--replicas", "2")
		kubectl("rollout", "status", deployment, "--timeout", "2m")
	})
	t.Cleanup(start)
	kubectl("scale", deployment, "--replicas", "0")
	kubectl("wait", "--for=delete", "pod", "--selector", "app.kubernetes.io/name="+operatorName, "--timeout", "2m")
	return start
}

func expectWords(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, wanted := range words {
		if !strings.Contains(text, wanted) {
			t.Errorf("%q is missing in\n%s", wanted, text)
		}
	}
}
