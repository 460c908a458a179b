// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/finding/findingtest"
)

var pod = endpoints.Endpoint{Address: "10.0.0.7:8443", Pod: "api-7c9"}

// discovered is a scope with an available group-version and a replica.
func discovered(limit time.Duration) *scope {
	s := scopeOf(1)
	s.Spec.Groups = []v1alpha1.APIGroup{{
		Name: groupVersion.Group, Versions: []v1alpha1.APIVersion{{Name: groupVersion.Version}},
	}}
	s.Spec.Discovery.Limit = &metav1.Duration{Duration: limit}
	s.Status.APIServices = []v1alpha1.APIServiceStatus{{Name: apiServiceName, Available: "True"}}
	s.outcomes[apiServiceName] = registrationOutcome{
		name: apiServiceName, existing: apiServiceWith(available(apiregistrationv1.ConditionTrue, "Passed", "")),
	}
	s.endpoints = []endpoints.Endpoint{pod}
	return s
}

// after is a scope of which the condition was told before.
func after(told finding.Finding) *scope {
	s := discovered(testLimit)
	s.conclude(v1alpha1.ConditionDiscoveryWithinLimit, told)
	s.summarize(nil, noon, noon)
	later := discovered(testLimit)
	later.before = s.ExtensionAPI
	return later
}

func noDoubt(schema.GroupVersion) ([]aggregation.Report, bool) {
	return []aggregation.Report{{Settled: true}}, true
}

func noLook(schema.GroupVersion) ([]aggregation.Report, bool) { return nil, false }

func doubt(report aggregation.Report) freshnessOf {
	report.KubeAPIServer = "10.0.0.1:6443"
	return func(schema.GroupVersion) ([]aggregation.Report, bool) { return []aggregation.Report{report}, true }
}

// roundOf is what was answered through a kube-apiserver and by the replica.
func roundOf(through, direct discovery.Record) discovery.Round {
	round := discovery.NewRound(probeTarget(discovered(testLimit)), discovery.Records{
		throughKubeAPIServer("10.0.0.1:6443"): through,
	})
	for _, key := range round.Target.Direct() {
		round.Records[key] = direct
	}
	return round
}

func record(standing discovery.Standing, latency time.Duration) discovery.Record {
	sample := discovery.Sample{Latency: latency, Timing: discovery.Timing{Wait: latency}}
	result := discovery.Record{
		Standing: standing, Since: noon.Add(-time.Hour), Last: sample, Answered: latency, P50: latency, Samples: 1,
	}
	if standing == discovery.Bad {
		result.Worst = sample
	}
	return result
}

var fine, slow = record(discovery.Good, 4*time.Millisecond), record(discovery.Bad, 6200*time.Millisecond)

func TestAGoodVerdictSaysThatNotEveryReplicaIsProbed(t *testing.T) {
	s := discovered(testLimit)
	for i := range 99 {
		s.endpoints = append(s.endpoints, endpoints.Endpoint{Address: fmt.Sprintf("10.1.0.%d:8443", i)})
	}
	if probed := replicas(s); len(probed) != len(s.endpoints) {
		t.Errorf("%d of %d replicas with one group-version are probed", len(probed), len(s.endpoints))
	}
	for i := range 255 {
		s.Spec.Groups[0].Versions = append(s.Spec.Groups[0].Versions, v1alpha1.APIVersion{Name: fmt.Sprint("v", i+2)})
	}
	got := withSubset(s, finding.Good(v1alpha1.ReasonWithinLimit, "fine"))
	findingtest.Expect(t, got, "True", v1alpha1.ReasonWithinLimit,
		"fine; 14 of 100 replicas are probed: a round has at most 4096")
	got = withSubset(s, finding.Bad(v1alpha1.ReasonServerSlow, "slow", finding.Working))
	if got.Message != "slow" {
		t.Errorf("got %+v", got)
	}
}

func TestDiscoveryVerdict(t *testing.T) {
	near := record(discovery.Good, 3*time.Second)
	near.Near = true
	tests := map[string]struct {
		last            discovery.Round
		status          metav1.ConditionStatus
		reason, message string
	}{
		"within the limit": {roundOf(fine, fine), "True", "WithinLimit", "within 5s"},
		"near the limit":   {roundOf(near, fine), "True", "NearLimit", "answers in 3s"},
		"not asked yet":    {discovery.Round{}, "Unknown", "Probing", "several consecutive probes"},
		"too slow": {
			roundOf(slow, slow), "False", "ServerSlow",
			apiServiceName + " took 6.2s through kube-apiserver 10.0.0.1:6443 (limit 5s): 6.2s waiting for Pod api-7c9",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := discoveryVerdict(discovered(testLimit), test.last, noDoubt, noon)
			findingtest.Expect(t, got, test.status, test.reason, test.message)
		})
	}
}

func TestAggregatedDiscoveryThatDoubtsTheServerIsTold(t *testing.T) {
	tests := map[string]struct {
		report        aggregation.Report
		resources     int
		reason, words string
	}{
		"nothing that has lasted": {aggregation.Report{}, 1, "WithinLimit", ""},
		"stale":                   {aggregation.Report{Stale: true}, 1, "Stale", "kube-apiserver 10.0.0.1:6443"},
		"stale, and empty by it":  {aggregation.Report{Stale: true, Empty: true}, 1, "Stale", ""},
		"empty, as the server is": {aggregation.Report{Empty: true}, 0, "WithinLimit", ""},
		"empty":                   {aggregation.Report{Empty: true}, 1, "Empty", "namespace deletion leaves"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			direct := fine
			direct.Told.Resources = test.resources
			got := discoveryVerdict(discovered(testLimit), roundOf(fine, direct), doubt(test.report), noon)
			findingtest.Expect(t, got, got.Status, test.reason, test.words)
		})
	}
}

// A new operator, or a new replica, knows nothing yet.
func TestWhatWasToldStaysUntilSomethingElseIsKnown(t *testing.T) {
	tooSlow := finding.Bad(v1alpha1.ReasonServerSlow, "it takes 7s", finding.Working)
	got := discoveryVerdict(after(tooSlow), discovery.Round{}, noDoubt, noon)
	findingtest.Expect(t, got, "False", v1alpha1.ReasonServerSlow, "it takes 7s")
	got = discoveryVerdict(after(tooSlow), roundOf(fine, discovery.Record{}), noDoubt, noon)
	findingtest.Expect(t, got, "False", v1alpha1.ReasonServerSlow, "it takes 7s")
	got = discoveryVerdict(after(tooSlow), roundOf(fine, fine), noDoubt, noon)
	findingtest.Expect(t, got, "True", v1alpha1.ReasonWithinLimit, "")
	got = discoveryVerdict(after(finding.Unknown(v1alpha1.ReasonNotAvailable, "")), discovery.Round{}, noDoubt, noon)
	findingtest.Expect(t, got, "Unknown", v1alpha1.ReasonProbing, "")
}

func TestStaleStaysToldUntilAggregatedDiscoveryIsKnown(t *testing.T) {
	stale := finding.Bad(v1alpha1.ReasonStale, "it is marked Stale", finding.Working)
	got := discoveryVerdict(after(stale), roundOf(fine, fine), doubt(aggregation.Report{}), noon)
	findingtest.Expect(t, got, "False", v1alpha1.ReasonStale, "marked Stale")
	got = discoveryVerdict(after(stale), roundOf(fine, fine), noLook, noon)
	findingtest.Expect(t, got, "False", v1alpha1.ReasonStale, "marked Stale")
	got = discoveryVerdict(after(stale), roundOf(slow, slow), doubt(aggregation.Report{}), noon)
	findingtest.Expect(t, got, "False", v1alpha1.ReasonServerSlow, "")
	got = discoveryVerdict(after(stale), roundOf(fine, fine), noDoubt, noon)
	findingtest.Expect(t, got, "True", v1alpha1.ReasonWithinLimit, "")
}

// During an outage there is nothing to ask through kube-apiserver, and a new operator knows nothing of the replicas.
func TestARestartDuringAnOutageTurnsNothing(t *testing.T) {
	later := after(finding.Bad(v1alpha1.ReasonServerSlow, "it takes 7s", finding.Working))
	later.outcomes[apiServiceName] = registrationOutcome{name: apiServiceName, existing: apiServiceWith(
		available(apiregistrationv1.ConditionFalse, "FailedDiscoveryCheck", "context deadline exceeded"))}
	got := discoveryVerdict(later, discovery.Round{}, noDoubt, noon)
	findingtest.Expect(t, got, "False", v1alpha1.ReasonServerSlow, "it takes 7s")
}

func TestUnregisteredHasNothingToMeasure(t *testing.T) {
	s := discovered(testLimit)
	s.Status.APIServices = nil
	got := discoveryVerdict(s, discovery.Round{}, noDoubt, noon)
	findingtest.Expect(t, got, "Unknown", v1alpha1.ReasonNotAvailable, "see Registered")
}

func TestALimitBeyondThatOfKubeAPIServerIsWarnedOf(t *testing.T) {
	const warning = "kube-apiserver itself gives up after 5s"
	s := discovered(10 * time.Second)
	told := discoveryVerdict(s, roundOf(fine, fine), noDoubt, noon)
	findingtest.Expect(t, told, "True", "WithinLimit", warning)
	s.conclude(v1alpha1.ConditionDiscoveryWithinLimit, told)
	s.summarize(nil, noon, noon)
	s.before = s.ExtensionAPI
	if kept := discoveryVerdict(s, discovery.Round{}, noDoubt, noon); strings.Count(kept.Message, warning) != 1 {
		t.Errorf("the warning of a verdict that is kept: %q", kept.Message)
	}
}

func TestKubeAPIServersOwnCheckIsTheCauseWhileItIsNotAvailable(t *testing.T) {
	s := discovered(testLimit)
	s.outcomes[apiServiceName] = registrationOutcome{name: apiServiceName, existing: apiServiceWith(
		available(apiregistrationv1.ConditionFalse, "FailedDiscoveryCheck", "dial tcp 10.0.0.7:8443: i/o timeout"))}
	got := discoveryVerdict(s, roundOf(fine, fine), noDoubt, noon)
	findingtest.Expect(t, got, "False", v1alpha1.ReasonNetworkBlocked, "i/o timeout), while Pod api-7c9")
}
