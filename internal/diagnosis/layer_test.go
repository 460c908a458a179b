// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"testing"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/finding/findingtest"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

func TestAnUnconfiguredLayerIsReportedWithWhatIsMissingWhyThatMattersAndWhatToDo(t *testing.T) {
	got := LayerNotConfigured([]string{"A is missing (--a)", "B is missing (--b)"})
	for _, part := range []string{
		"not configured: A is missing (--a); B is missing (--b)", "Set these flags on every kube-apiserver",
		"401 or 403", "blocks the deletion of every namespace", "checked again every 10s",
	} {
		findingtest.Expect(t, got, "False", v1alpha1.ReasonAggregationLayerNotConfigured, part)
	}
	if got.Progress != finding.Stalled {
		t.Error("a user must act, but it is not stalled")
	}
}

func TestOneConditionOnlyReportsWhyTheServerRefusesKubeAPIServer(t *testing.T) {
	tests := map[string]struct {
		missing   []string
		available string
		messages  []string
		within    string
		progress  finding.Progress
	}{
		"the layer is not configured": {
			[]string{"A is missing"},
			v1alpha1.ReasonAggregationLayerNotConfigured,
			[]string{
				": 403; the aggregation layer of this cluster is not configured: A is missing. Namespace deletion",
				"Set these flags on every kube-apiserver",
			},
			v1alpha1.ReasonNotAvailable, finding.Stalled,
		},
		"the layer looks configured": {
			nil, "FailedDiscoveryCheck",
			[]string{": 403. Namespace deletion"},
			v1alpha1.ReasonForbiddenToKubeAPIServer, finding.Working,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := refusing(test.missing...)
			got := Available(s)
			for _, message := range test.messages {
				findingtest.Expect(t, got, "False", test.available, message)
			}
			if got.Progress != test.progress {
				t.Errorf("its progress is %d, want %d", got.Progress, test.progress)
			}
			got = discoveryOf(withProbes(s, fine, fine))
			findingtest.Expect(t, got, got.Status, test.within, "")
		})
	}
}

func TestOnlyARefusalIsTakenForOneOfKubeAPIServer(t *testing.T) {
	if !RefusesKubeAPIServer(refusing().Existing(groupVersion)) {
		t.Error("403 is not taken for one")
	}
	for _, message := range []string{
		"", "dial tcp: i/o timeout", "bad status from https://10.0.0.7:8443/apis/a/v1: 500",
	} {
		if RefusesKubeAPIServer(snapshottest.APIService(snapshottest.CheckFailed(message))) {
			t.Errorf("%q is taken for one", message)
		}
	}
	if RefusesKubeAPIServer(nil) {
		t.Error("a group-version that is not registered is taken for one")
	}
}
