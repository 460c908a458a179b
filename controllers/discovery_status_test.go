// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
)

const testLimit = 5 * time.Second

func throughKubeAPIServer(address string) discovery.Key {
	return discovery.Key{View: discovery.ViewKubeAPIServer, Address: address, GroupVersion: groupVersion}
}

func took(latency time.Duration) *v1alpha1.DiscoveryStatus {
	return &v1alpha1.DiscoveryStatus{Last: &metav1.Duration{Duration: latency}}
}

func TestAFigureIsRewrittenOnlyWhenItMoves(t *testing.T) {
	tests := map[string]struct {
		before, after *v1alpha1.DiscoveryStatus
		noise         bool
	}{
		"the first is told":            {nil, took(3 * time.Millisecond), false},
		"noise is not":                 {took(3 * time.Millisecond), took(90 * time.Millisecond), true},
		"more than a tenth is":         {took(3 * time.Millisecond), took(600 * time.Millisecond), false},
		"crossing the limit is":        {took(4990 * time.Millisecond), took(5010 * time.Millisecond), false},
		"a success after a failure is": {&v1alpha1.DiscoveryStatus{Error: "x"}, took(time.Millisecond), false},
		"another failure is":           {&v1alpha1.DiscoveryStatus{Error: "x"}, &v1alpha1.DiscoveryStatus{Error: "y"}, false},
		"one sample more is not": {
			took(time.Second), &v1alpha1.DiscoveryStatus{Last: took(time.Second).Last, Samples: 2}, true,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			before, after := statusWith(test.before), statusWith(test.after)
			if got := onlyNoise(before, after, testLimit); got != test.noise {
				t.Errorf("taken for noise: %v", got)
			}
		})
	}
}

// statusWith has the figures of an APIService, and those of two endpoints of which the worse comes first.
func statusWith(told *v1alpha1.DiscoveryStatus) *v1alpha1.ExtensionAPIStatus {
	endpoints := []v1alpha1.EndpointStatus{
		{Address: "10.0.0.1:8443", Discovery: told}, {Address: "10.0.0.2:8443", Discovery: took(50 * time.Millisecond)},
	}
	if told != nil && badness(told) < 50*time.Millisecond {
		slices.Reverse(endpoints)
	}
	return &v1alpha1.ExtensionAPIStatus{
		APIServices: []v1alpha1.APIServiceStatus{{Name: apiServiceName, Discovery: told}}, Endpoints: endpoints,
	}
}

func TestAnythingButFiguresIsNoNoise(t *testing.T) {
	before, after := statusWith(took(time.Second)), statusWith(took(time.Second))
	after.Endpoints[0].Pod = "another"
	if onlyNoise(before, after, testLimit) {
		t.Error("another Pod is taken for noise")
	}
	after = statusWith(took(time.Second))
	after.Endpoints = after.Endpoints[:1]
	if onlyNoise(before, after, testLimit) {
		t.Error("an endpoint less is taken for noise")
	}
}

func TestTheSlowestKubeAPIServerIsTold(t *testing.T) {
	s := scopeOf(1)
	s.Status.APIServices = []v1alpha1.APIServiceStatus{{Name: apiServiceName, Available: "True"}}
	describeDiscovery(s, discovery.Round{Results: discovery.Results{
		throughKubeAPIServer("a"): {Latency: time.Second},
		throughKubeAPIServer("b"): {Latency: 2 * time.Second},
	}})
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

	told := describeEndpoints(s, discovery.Round{Results: results})
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
	refused := discovery.Results{throughKubeAPIServer("a"): {Err: &discovery.ProbeError{Class: discovery.ClassMissing}}}
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
