// SPDX-License-Identifier: Apache-2.0

package report

import (
	"errors"
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/ejection"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

func TestTheWorstOfEachFigureIsReported(t *testing.T) {
	s := snapshottest.New()
	quick := snapshottest.Record(discovery.Healthy, time.Second)
	steady := snapshottest.Record(discovery.Healthy, 2*time.Second)
	quick.Max, steady.Max = 4*time.Second, 3*time.Second
	s.Probes = discovery.NewRound(discovery.Target{}, discovery.Records{
		snapshottest.ThroughKubeAPIServer("a"): quick, snapshottest.ThroughKubeAPIServer("b"): steady,
	})
	status := &v1alpha1.ExtensionAPIStatus{APIServices: []v1alpha1.APIServiceStatus{{Name: apiServiceName}}}
	describeDiscovery(s, status)
	if got := status.DiscoveryLatency; got == nil || got.Duration != 2*time.Second {
		t.Errorf("the latency is %v", got)
	}
	if got := status.APIServices[0].Discovery; got.P50.Duration != 2*time.Second || got.Max.Duration != 4*time.Second {
		t.Errorf("the figures are %+v", got)
	}
}

func TestTheWorstEndpointsAreReportedFirstAndBounded(t *testing.T) {
	s := snapshottest.New()
	records := discovery.Records{}
	var ready []endpoints.Endpoint
	for i := range 2 * maxEndpoints {
		endpoint := endpoints.Endpoint{Address: fmt.Sprintf("10.0.0.%d:8443", i), Pod: fmt.Sprint("pod-", i)}
		ready = append(ready, endpoint)
		records[discovery.AtEndpoint(discovery.Replica{Endpoint: endpoint}, snapshottest.GroupVersion)] = snapshottest.Record(
			discovery.Healthy, time.Duration(i)*time.Second)
	}
	records[discovery.AtEndpoint(discovery.Replica{Endpoint: ready[3]}, snapshottest.GroupVersion)] = snapshottest.Failing(
		errors.New("connection refused"))
	s.Endpoints = snapshot.Of(snapshot.Endpoints{Ready: ready}, nil)
	s.Probes = discovery.NewRound(discovery.Target{}, records)

	described := describeEndpoints(s)
	if len(described) != maxEndpoints {
		t.Fatalf("%d endpoints are reported", len(described))
	}
	first, second := described[0], described[1]
	if first.Pod != "pod-3" || first.Discovery.Error != "connection refused" || second.Pod != "pod-19" {
		t.Errorf("first %+v, then %+v", first, second)
	}
}

func TestAnEjectedEndpointIsReportedWithSinceWhenAndWhy(t *testing.T) {
	s := snapshottest.New()
	snapshottest.Change(&s.Endpoints, func(behind *snapshot.Endpoints) {
		behind.Ejected = []ejection.Ejected{{
			Endpoint: endpoints.Endpoint{Address: "10.0.0.8:8443", Pod: "slow"}, Since: metav1.NewTime(noon), Why: "took 7s",
		}}
	})
	for _, described := range describeEndpoints(s) {
		switch got := described.Ejected; {
		case described.Pod != "slow" && got != nil:
			t.Errorf("Pod %s is ejected", described.Pod)
		case described.Pod == "slow" && (got == nil || !got.Since.Time.Equal(noon) || got.Message != "took 7s"):
			t.Errorf("the ejected Pod is %+v", got)
		}
	}
}

func TestOneFailureIsNotReported(t *testing.T) {
	failed := snapshottest.Record(discovery.Healthy, time.Second)
	failed.Last = discovery.Sample{Err: errors.New("connection reset")}
	described := describe(discovery.Records{snapshottest.ThroughKubeAPIServer("a"): failed},
		func(discovery.Key) (string, bool) { return "all", true })["all"]
	if described.Error != "" || described.Last.Duration != time.Second {
		t.Errorf("the figures are %+v", described)
	}
}

func TestNoiseDoesNotChangeTheOrderOfEndpoints(t *testing.T) {
	a, b := took(3*time.Millisecond), took(4*time.Millisecond)
	a.P50, b.P50 = a.Last, b.Last
	if badness(a, testLimit) != badness(b, testLimit) {
		t.Error("a millisecond changes the order")
	}
}

// A restarted operator has no figures yet.
func TestFiguresOfAnEarlierOperatorStayUntilThereAreOthers(t *testing.T) {
	s := snapshottest.New()
	s.Status.DiscoveryLatency = took(time.Second).Last
	s.Status.Endpoints = []v1alpha1.EndpointStatus{{Address: "10.0.0.9:8443"}}
	r := reconciled(s)
	r.Plan.Probe = &discovery.Target{}
	if status := Of(r).Status; status.DiscoveryLatency == nil || len(status.Endpoints) != 1 {
		t.Errorf("the latency is %v, and the endpoints are %v", status.DiscoveryLatency, status.Endpoints)
	}
	s.Probes = snapshottest.Round(s, snapshottest.Fine, snapshottest.Fine)
	if got := Of(r).Status.Endpoints; len(got) != 1 || got[0].Address != snapshottest.Replica.Address {
		t.Errorf("once it was probed, the endpoints are %v", got)
	}
}
