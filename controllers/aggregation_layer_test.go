// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"

	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/finding/findingtest"
)

// refusing is an APIService whose server does not know kube-apiserver.
func refusing(unconfigured string) registrationOutcome {
	return registrationOutcome{
		name: apiServiceName, unconfigured: unconfigured,
		existing: apiServiceWith(available(apiregistrationv1.ConditionFalse, "FailedDiscoveryCheck",
			"bad status from https://10.0.0.7:8443/apis/wardle.example.com/v1: 403")),
	}
}

func TestOneConditionOnlyTellsWhyTheServerRefusesKubeAPIServer(t *testing.T) {
	tests := map[string]struct {
		unconfigured                     string
		available, availableSays, within string
	}{
		"the layer is not configured": {
			"A is missing", v1alpha1.ReasonAggregationLayerNotConfigured, ": 403; A is missing; until it is available",
			v1alpha1.ReasonNotAvailable,
		},
		"the layer looks configured": {
			"", "FailedDiscoveryCheck", ": 403; until it is available", v1alpha1.ReasonFrontProxyRefused,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := discovered(testLimit)
			outcome := refusing(test.unconfigured)
			s.outcomes[apiServiceName] = outcome
			got := availableVerdict(namespaceActive, []registrationOutcome{outcome})
			findingtest.Expect(t, got, "False", test.available, test.availableSays)
			got = discoveryVerdict(s, roundOf(fine, fine), noDoubt, noon)
			findingtest.Expect(t, got, got.Status, test.within, "")
		})
	}
}

func TestOnlyARefusalIsTakenForOneOfTheFrontProxy(t *testing.T) {
	if !discovery.IsFrontProxyRefused(refusing("").failedCheck()) {
		t.Error("403 is not taken for one")
	}
	for _, words := range []string{"", "dial tcp: i/o timeout", "bad status from https://10.0.0.7:8443/apis/a/v1: 500"} {
		if discovery.IsFrontProxyRefused(words) {
			t.Errorf("%q is taken for one", words)
		}
	}
}
