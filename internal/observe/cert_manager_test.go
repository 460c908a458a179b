// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// issuing is an object of cert-manager with a condition Ready, created that long after noon.
func issuing(status, message string, after time.Duration) unstructured.Unstructured {
	object := unstructured.Unstructured{Object: map[string]any{"status": map[string]any{"conditions": []any{
		map[string]any{"type": "Approved", "status": "True", "message": "approved"},
		map[string]any{"type": "Ready", "status": status, "message": message},
	}}}}
	object.SetCreationTimestamp(metav1.NewTime(noon.Add(after)))
	return object
}

func TestWhatCertManagerWaitsForIsReportedWithTheCause(t *testing.T) {
	const base = "waiting for cert-manager to issue Certificate x"
	const inspect = base + "; if this persists, inspect it: kubectl describe certificate x"
	for name, test := range map[string]struct {
		requests []unstructured.Unstructured
		want     string
	}{
		"no request": {nil, inspect},
		"a request that waits": {
			[]unstructured.Unstructured{issuing("False", "no issuer", 0)}, base + ", which it reports as: no issuer",
		},
		"a request that is done":  {[]unstructured.Unstructured{issuing("True", "issued", 0)}, inspect},
		"a request without cause": {[]unstructured.Unstructured{issuing("False", "", 0)}, inspect},
		"a newer request": {
			[]unstructured.Unstructured{issuing("False", "old", 0), issuing("False", "new", time.Minute)},
			base + ", which it reports as: new",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := certManagerMessage("x", test.requests); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestACertificateIsReadyOnlyInItsPresentGeneration(t *testing.T) {
	for name, test := range map[string]struct {
		status   string
		observed any
		want     bool
	}{
		"not ready":             {"False", nil, false},
		"no generation":         {"True", nil, true},
		"its generation":        {"True", int64(2), true},
		"an earlier generation": {"True", int64(1), false},
	} {
		t.Run(name, func(t *testing.T) {
			ready := map[string]any{"type": "Ready", "status": test.status}
			if test.observed != nil {
				ready["observedGeneration"] = test.observed
			}
			certificate := &unstructured.Unstructured{Object: map[string]any{
				"status": map[string]any{"conditions": []any{ready}},
			}}
			certificate.SetGeneration(2)
			if got, _ := readyCondition(certificate); got != test.want {
				t.Errorf("it is ready: %t", got)
			}
		})
	}
}
