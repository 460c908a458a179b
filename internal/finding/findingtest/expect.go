// SPDX-License-Identifier: Apache-2.0

// Package findingtest compares findings in tests.
package findingtest

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/internal/finding"
)

// Expect fails the test unless the finding has that status and code, and its message contains the words.
func Expect(t *testing.T, got finding.Finding, status metav1.ConditionStatus, code, words string) {
	t.Helper()
	if got.Status != status || got.Code != code || !strings.Contains(got.Message(), words) {
		t.Errorf("got %s %s: %s\nwant %s %s with %q", got.Status, got.Code, got.Message(), status, code, words)
	}
}
