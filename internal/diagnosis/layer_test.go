// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"testing"
	"time"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/finding/findingtest"
)

func TestLayerObstacleTellsWhatIsMissingWhyThatMattersAndWhatToDo(t *testing.T) {
	got := LayerNotConfigured(MissingConfiguration([]string{"A is missing (--a)", "B is missing (--b)"}), 10*time.Second)
	for _, part := range []string{
		"not configured: A is missing (--a); B is missing (--b); set these flags on every kube-apiserver",
		"401 or 403", "blocks the deletion of every namespace", "looks again every 10s",
	} {
		findingtest.Expect(t, got, "False", v1alpha1.ReasonAggregationLayerNotConfigured, part)
	}
	if got.Progress != finding.Stalled {
		t.Error("a person must act, but it is not stalled")
	}
}
