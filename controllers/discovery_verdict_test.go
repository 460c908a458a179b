// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
)

// discovered is a scope with an available group-version and a replica.
func discovered(limit time.Duration) *scope {
	s := scopeOf(1)
	s.Spec.Groups = []v1alpha1.APIGroup{{
		Name: groupVersion.Group, Versions: []v1alpha1.APIVersion{{Name: groupVersion.Version}},
	}}
	s.Spec.Discovery.Limit = &metav1.Duration{Duration: limit}
	s.Status.APIServices = []v1alpha1.APIServiceStatus{{Name: apiServiceName, Available: "True"}}
	s.registered[apiServiceName], s.available[apiServiceName] = true, true
	s.endpoints = []endpoints.Endpoint{{Address: "10.0.0.7:8443", Pod: "api-7c9"}}
	return s
}

func fresh(schema.GroupVersion) []aggregation.Report { return nil }

func roundOf(through, direct discovery.Record) discovery.Round {
	direct.P50 = direct.Last.Latency
	return discovery.Round{Records: map[discovery.Key]discovery.Record{
		throughKubeAPIServer("10.0.0.1:6443"):                                                through,
		{View: discovery.ViewEndpoint, Address: "10.0.0.7:8443", GroupVersion: groupVersion}: direct,
	}}
}

func record(standing discovery.Standing, latency time.Duration) discovery.Record {
	sample := discovery.Sample{Latency: latency, Timing: discovery.Timing{Wait: latency}}
	result := discovery.Record{Standing: standing, Last: sample}
	if standing == discovery.Bad {
		result.Worst = sample
	}
	return result
}

func TestDiscoveryVerdict(t *testing.T) {
	fine, slow := record(discovery.Good, 4*time.Millisecond), record(discovery.Bad, 6200*time.Millisecond)
	tests := map[string]struct {
		last            discovery.Round
		status          metav1.ConditionStatus
		reason, message string
	}{
		"within the limit": {roundOf(fine, fine), "True", "WithinLimit", "within 5s"},
		"near the limit":   {roundOf(record(discovery.Good, 3*time.Second), fine), "True", "NearLimit", "took 3s"},
		"not asked yet":    {discovery.Round{}, "Unknown", "Probing", "first answer"},
		"too slow": {
			roundOf(slow, slow), "False", "ServerSlow",
			apiServiceName + " took 6.2s through kube-apiserver 10.0.0.1:6443 (limit 5s): 6.2s waiting for Pod api-7c9",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			assertVerdict(t, discoveryVerdict(discovered(testLimit), test.last, fresh), test.status, test.reason, test.message)
		})
	}
}

func TestAggregatedDiscoveryThatDoubtsTheServerIsTold(t *testing.T) {
	fine := record(discovery.Good, 4*time.Millisecond)
	last := roundOf(fine, fine)
	direct := discovery.Key{View: discovery.ViewEndpoint, Address: "10.0.0.7:8443", GroupVersion: groupVersion}
	tests := map[string]struct {
		report        aggregation.Report
		resources     int
		reason, words string
	}{
		"nothing that has lasted": {aggregation.Report{}, 1, "WithinLimit", ""},
		"stale":                   {aggregation.Report{Stale: true}, 1, "Stale", "kube-apiserver 10.0.0.1:6443"},
		"stale, and empty by it":  {aggregation.Report{Stale: true, Empty: true}, 1, "Stale", ""},
		"empty, as the server is": {aggregation.Report{Empty: true}, 0, "WithinLimit", ""},
		"empty":                   {aggregation.Report{Empty: true}, 1, "Empty", "namespace deletion skips"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			last.Results = discovery.Results{direct: {Resources: test.resources}}
			test.report.KubeAPIServer = "10.0.0.1:6443"
			got := discoveryVerdict(discovered(testLimit), last, func(schema.GroupVersion) []aggregation.Report {
				return []aggregation.Report{test.report}
			})
			assertVerdict(t, got, got.status, test.reason, test.words)
		})
	}
}

func TestUnregisteredHasNothingToMeasure(t *testing.T) {
	s := discovered(testLimit)
	s.Status.APIServices = nil
	got := discoveryVerdict(s, discovery.Round{}, fresh)
	assertVerdict(t, got, "Unknown", v1alpha1.ReasonNotAvailable, "see Registered")
}

func TestALimitBeyondThatOfKubeAPIServerIsWarnedOf(t *testing.T) {
	fine := record(discovery.Good, time.Millisecond)
	got := discoveryVerdict(discovered(10*time.Second), roundOf(fine, fine), fresh)
	assertVerdict(t, got, "True", "WithinLimit", "kube-apiserver itself gives up after 5s")
}

func TestAMessageStaysWhileOnlyItsFiguresChange(t *testing.T) {
	s := discovered(testLimit)
	s.conclude(v1alpha1.ConditionDiscoveryWithinLimit, bad("ServerSlow", "x took 6.2s (limit 5s)", working))
	summarize(s, nil, noon)
	later := newScope(s.ExtensionAPI)
	for found, want := range map[string]string{
		"x took 6.3s (limit 5s)": "x took 6.2s (limit 5s)",
		"y took 6.3s (limit 5s)": "y took 6.3s (limit 5s)",
	} {
		if got := keepFigures(later, bad("ServerSlow", found, working)); got.message != want {
			t.Errorf("%q became %q", found, got.message)
		}
	}
}
