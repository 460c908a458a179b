// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/finding/findingtest"
)

const testLimit = 5 * time.Second

func throughKubeAPIServer(address string) discovery.Key {
	return discovery.ThroughKubeAPIServer(address, groupVersion)
}

func took(latency time.Duration) *v1alpha1.DiscoveryStatus {
	return &v1alpha1.DiscoveryStatus{Last: &metav1.Duration{Duration: latency}}
}

func TestTheWorstOfEachFigureIsTold(t *testing.T) {
	s := scopeOf(1)
	s.Status.APIServices = []v1alpha1.APIServiceStatus{{Name: apiServiceName, Available: "True"}}
	quick, steady := record(discovery.Good, time.Second), record(discovery.Good, 2*time.Second)
	quick.Max, steady.Max = 4*time.Second, 3*time.Second
	describeDiscovery(s, discovery.NewRound(discovery.Target{}, discovery.Records{
		throughKubeAPIServer("a"): quick, throughKubeAPIServer("b"): steady,
	}))
	if got := s.Status.DiscoveryLatency; got == nil || got.Duration != 2*time.Second {
		t.Errorf("told %v", got)
	}
	if got := s.Status.APIServices[0].Discovery; got.P50.Duration != 2*time.Second || got.Max.Duration != 4*time.Second {
		t.Errorf("told %+v", got)
	}
}

func TestTheWorstEndpointsAreToldFirstAndBounded(t *testing.T) {
	s := discovered(testLimit)
	s.endpoints = nil
	records := discovery.Records{}
	for i := range 2 * maxEndpointsTold {
		endpoint := endpoints.Endpoint{Address: fmt.Sprintf("10.0.0.%d:8443", i), Pod: fmt.Sprint("pod-", i)}
		s.endpoints = append(s.endpoints, endpoint)
		records[discovery.AtEndpoint(endpoint, groupVersion)] = record(discovery.Good, time.Duration(i)*time.Second)
	}
	failing := discovery.Record{
		Standing: discovery.Bad, Worst: discovery.Sample{Err: errors.New("connection refused")},
	}
	records[discovery.AtEndpoint(s.endpoints[3], groupVersion)] = failing

	told := describeEndpoints(s, discovery.NewRound(discovery.Target{}, records))
	if len(told) != maxEndpointsTold {
		t.Fatalf("%d endpoints told", len(told))
	}
	if told[0].Pod != "pod-3" || told[0].Discovery.Error != "connection refused" || told[1].Pod != "pod-19" {
		t.Errorf("first %+v, then %+v", told[0], told[1])
	}
}

func TestOneFailureIsNotTold(t *testing.T) {
	failed := record(discovery.Good, time.Second)
	failed.Last = discovery.Sample{Err: errors.New("connection reset")}
	told := describe(discovery.Records{throughKubeAPIServer("a"): failed}, func(discovery.Key) (string, bool) {
		return "all", true
	})["all"]
	if told.Error != "" || told.Last.Duration != time.Second {
		t.Errorf("told %+v", told)
	}
}

func TestNoiseDoesNotChangeTheOrderOfEndpoints(t *testing.T) {
	a, b := took(3*time.Millisecond), took(4*time.Millisecond)
	a.P50, b.P50 = a.Last, b.Last
	if badness(a, testLimit) != badness(b, testLimit) {
		t.Error("a millisecond changes the order")
	}
}

func TestAvailableWaitsForTheFirstRequestThatPasses(t *testing.T) {
	s := scopeOf(1)
	s.Spec.Groups = []v1alpha1.APIGroup{{
		Name: groupVersion.Group, Versions: []v1alpha1.APIVersion{{Name: groupVersion.Version}},
	}}
	passes := discovery.Records{throughKubeAPIServer("a"): {}}
	missing := discovery.Sample{Err: &discovery.ProbeError{Class: discovery.ClassMissing}}
	refused := discovery.Records{throughKubeAPIServer("a"): {Last: missing}}
	conclude := func(s *scope, records discovery.Records) finding.Finding {
		s.conclude(v1alpha1.ConditionAPIServicesAvailable, finding.Good(v1alpha1.ReasonAllAvailable, "fine"))
		confirmAvailable(s, discovery.NewRound(discovery.Target{}, records))
		return s.verdicts[v1alpha1.ConditionAPIServicesAvailable]
	}
	findingtest.Expect(t, conclude(s, refused), metav1.ConditionUnknown, v1alpha1.ReasonProbing, "first answer")
	findingtest.Expect(t, conclude(s, passes), metav1.ConditionTrue, v1alpha1.ReasonAllAvailable, "fine")

	s.summarize(nil, noon, noon)
	later := newScope(s.ExtensionAPI)
	findingtest.Expect(t, conclude(later, refused), metav1.ConditionTrue, v1alpha1.ReasonAllAvailable, "fine")
}

func TestAvailableIsFalseWhileKubeAPIServerDoesNotTrustTheServerThatItCallsAvailable(t *testing.T) {
	s := scopeOf(1)
	s.Spec.Groups = []v1alpha1.APIGroup{{
		Name: groupVersion.Group, Versions: []v1alpha1.APIVersion{{Name: groupVersion.Version}},
	}}
	s.before.Status.Conditions = []metav1.Condition{
		{Type: v1alpha1.ConditionAPIServicesAvailable, Status: metav1.ConditionTrue},
	}
	failing := func(status int, text string) discovery.Record {
		failure := discovery.Sample{Err: &discovery.ProbeError{
			Class: discovery.ClassServerError, Status: status, Text: text,
		}}
		return discovery.Record{Standing: discovery.Bad, Worst: failure, Last: failure}
	}
	const untrusted = "answered 503 Service Unavailable: error trying to reach service: tls: x509: unknown authority"
	distrust := failing(http.StatusServiceUnavailable, untrusted)
	once, recovered := distrust, distrust
	once.Standing, recovered.Last = discovery.Good, discovery.Sample{}
	unmoved := finding.Finding{Status: metav1.ConditionTrue, Code: v1alpha1.ReasonAllAvailable, Message: "fine"}
	for name, test := range map[string]struct {
		record discovery.Record
		want   finding.Finding
	}{
		"several answers say so": {distrust, finding.Finding{
			Status: metav1.ConditionFalse, Code: v1alpha1.ReasonCertificateUntrusted, Message: "unknown authority",
		}},
		"one answer says so":      {once, unmoved},
		"the last answer is good": {recovered, unmoved},
		"the server itself fails": {failing(http.StatusInternalServerError, "x509: my own trouble"), unmoved},
	} {
		t.Run(name, func(t *testing.T) {
			s.conclude(v1alpha1.ConditionAPIServicesAvailable, finding.Good(v1alpha1.ReasonAllAvailable, "fine"))
			confirmAvailable(s, discovery.NewRound(
				discovery.Target{}, discovery.Records{throughKubeAPIServer("a"): test.record}))
			got := s.verdicts[v1alpha1.ConditionAPIServicesAvailable]
			findingtest.Expect(t, got, test.want.Status, test.want.Code, test.want.Message)
		})
	}
}
