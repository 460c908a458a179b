// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
)

const testLimit = 5 * time.Second

func took(latency time.Duration) *v1alpha1.DiscoveryStatus {
	return &v1alpha1.DiscoveryStatus{Last: &metav1.Duration{Duration: latency}}
}

func TestDiscoveryVerdict(t *testing.T) {
	tests := map[string]struct {
		told    v1alpha1.APIServiceStatus
		status  metav1.ConditionStatus
		reason  string
		message string
	}{
		"within the limit": {
			v1alpha1.APIServiceStatus{Available: "True", Discovery: took(time.Second)},
			"True", v1alpha1.ReasonWithinLimit, "within 5s",
		},
		"too slow": {
			v1alpha1.APIServiceStatus{Available: "True", Discovery: took(6200 * time.Millisecond)},
			"False", v1alpha1.ReasonLimitExceeded, "v1.wardle.example.com through kube-apiserver took 6.2s, the limit is 5s",
		},
		"failed": {
			v1alpha1.APIServiceStatus{Available: "True", Discovery: &v1alpha1.DiscoveryStatus{Error: "answered 502"}},
			"Unknown", v1alpha1.ReasonDiscoveryFailed, "answered 502",
		},
		"not asked yet": {
			v1alpha1.APIServiceStatus{Available: "True"}, "Unknown", v1alpha1.ReasonProbing, "waiting",
		},
		"not available": {
			v1alpha1.APIServiceStatus{Available: "False", Discovery: took(time.Second)},
			"Unknown", v1alpha1.ReasonNotAvailable, "see Available",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.told.Name = apiServiceName
			got := discoveryVerdict([]v1alpha1.APIServiceStatus{test.told}, testLimit)
			assertVerdict(t, got, test.status, test.reason, test.message)
		})
	}
}

func throughKubeAPIServer(address string) discovery.Key {
	return discovery.Key{View: discovery.ViewKubeAPIServer, Address: address, GroupVersion: groupVersion}
}

func TestAFigureIsRewrittenOnlyWhenItMoves(t *testing.T) {
	tests := map[string]struct {
		told    *v1alpha1.DiscoveryStatus
		latency time.Duration
		want    time.Duration
	}{
		"the first is told":             {nil, 3 * time.Millisecond, 3 * time.Millisecond},
		"noise is not":                  {took(3 * time.Millisecond), 90 * time.Millisecond, 3 * time.Millisecond},
		"more than a tenth is":          {took(3 * time.Millisecond), 600 * time.Millisecond, 600 * time.Millisecond},
		"crossing the limit is":         {took(4990 * time.Millisecond), 5010 * time.Millisecond, 5010 * time.Millisecond},
		"a success after a failure is":  {&v1alpha1.DiscoveryStatus{Error: "x"}, time.Millisecond, time.Millisecond},
		"figures are rounded when told": {nil, 1234567 * time.Nanosecond, 1200 * time.Microsecond},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := describeSample(test.told, discovery.Sample{Latency: test.latency}, true, testLimit)
			if got.Last.Duration != test.want || got.Error != "" {
				t.Errorf("told %v, want %v", got.Last.Duration, test.want)
			}
		})
	}
}

func TestTheSlowestKubeAPIServerIsTold(t *testing.T) {
	s := scopeOf(1)
	s.Status.APIServices = []v1alpha1.APIServiceStatus{{Name: apiServiceName, Available: "True"}}
	describeDiscovery(s, discovery.Round{Results: discovery.Results{
		throughKubeAPIServer("a"): {Latency: time.Second},
		throughKubeAPIServer("b"): {Latency: 2 * time.Second},
	}}, testLimit)
	if got := s.Status.DiscoveryLatency; got == nil || got.Duration != 2*time.Second {
		t.Errorf("told %v", got)
	}
}

func TestTheWorstEndpointsAreToldFirstAndBounded(t *testing.T) {
	s := scopeOf(1)
	results := discovery.Results{}
	for i := range 2 * maxEndpointsTold {
		address := fmt.Sprintf("10.0.0.%d:8443", i)
		s.endpoints = append(s.endpoints, endpoints.Endpoint{Address: address, Pod: fmt.Sprint("pod-", i)})
		key := discovery.Key{View: discovery.ViewEndpoint, Address: address, GroupVersion: groupVersion}
		results[key] = discovery.Sample{Latency: time.Duration(i) * time.Second}
	}
	failing := discovery.Key{View: discovery.ViewEndpoint, Address: "10.0.0.3:8443", GroupVersion: groupVersion}
	results[failing] = discovery.Sample{Err: errors.New("connection refused")}

	told := describeEndpoints(s, discovery.Round{Results: results}, testLimit)
	if len(told) != maxEndpointsTold {
		t.Fatalf("%d endpoints told", len(told))
	}
	if told[0].Pod != "pod-3" || told[0].Discovery.Error != "connection refused" || told[1].Pod != "pod-19" {
		t.Errorf("first %+v, then %+v", told[0], told[1])
	}
}

func TestAvailableWaitsForTheFirstRequestThatPasses(t *testing.T) {
	s := scopeOf(1)
	s.Spec.Groups = []v1alpha1.APIGroup{{
		Name: groupVersion.Group, Versions: []v1alpha1.APIVersion{{Name: groupVersion.Version}},
	}}
	passes := discovery.Results{throughKubeAPIServer("a"): {}}
	refused := discovery.Results{throughKubeAPIServer("a"): {Err: &discovery.StatusError{Status: "404 Not Found"}}}
	conclude := func(s *scope, results discovery.Results) verdict {
		s.conclude(v1alpha1.ConditionAvailable, good(v1alpha1.ReasonAllAvailable, "fine"))
		confirmAvailable(s, results)
		return s.verdicts[v1alpha1.ConditionAvailable]
	}
	assertVerdict(t, conclude(s, refused), metav1.ConditionUnknown, v1alpha1.ReasonProbing, "first answer")
	assertVerdict(t, conclude(s, passes), metav1.ConditionTrue, v1alpha1.ReasonAllAvailable, "fine")

	summarize(s, nil, noon)
	later := newScope(s.ExtensionAPI)
	assertVerdict(t, conclude(later, refused), metav1.ConditionTrue, v1alpha1.ReasonAllAvailable, "fine")
}
