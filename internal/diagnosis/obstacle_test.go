// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/finding/findingtest"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

func TestAnObstacleIsTheFirstThingThatPreventsRequests(t *testing.T) {
	trust := []byte("a bundle")
	answered := func(s *snapshot.Snapshot) {
		s.Probes = discovery.NewRound(discovery.Target{CABundle: trust}, discovery.Records{
			discovery.AtEndpoint(discovery.Replica{Endpoint: snapshottest.Replica}, groupVersion): {},
		})
	}
	tests := map[string]struct {
		change          func(*snapshot.Snapshot)
		trust           []byte
		status          metav1.ConditionStatus
		reason, message string
	}{
		"the Service is not routable": {
			func(s *snapshot.Snapshot) {
				snapshottest.Change(&s.Endpoints, func(behind *snapshot.Endpoints) {
					behind.Service = serviceAt("None", corev1.ServicePort{Port: 443})
				})
			}, trust, "False", v1alpha1.ReasonServiceNotRoutable, "see ServerAvailable",
		},
		"the endpoints are unknown": {
			func(s *snapshot.Snapshot) { s.Endpoints = snapshot.Of(snapshot.Endpoints{}, errors.New("timeout")) },
			trust, "False", v1alpha1.ReasonRetrying, "endpoints of the Service could not be read",
		},
		"there is no certificate": {
			answered, nil, "False", v1alpha1.ReasonWaitingForServer, "see CertificatesReady",
		},
		"there is no ready replica": {
			func(s *snapshot.Snapshot) { s.Endpoints = snapshot.Of(snapshot.Endpoints{}, nil) },
			trust, "False", v1alpha1.ReasonWaitingForServer, "see ServerAvailable",
		},
		"probes verified the server differently": {
			answered, []byte("another bundle"), "False", v1alpha1.ReasonProbing, "first discovery probes",
		},
		"a replica was not probed": {
			func(s *snapshot.Snapshot) { s.Probes = discovery.NewRound(discovery.Target{CABundle: trust}, nil) },
			trust, "False", v1alpha1.ReasonProbing, "waiting for Pod api-7c9",
		},
		"the Service's address does not answer": {
			func(s *snapshot.Snapshot) {
				answered(s)
				snapshottest.Change(&s.Endpoints, func(behind *snapshot.Endpoints) { behind.Address = "10.1.0.1:443" })
			}, trust, "False", v1alpha1.ReasonServiceUnreachable, "10.1.0.1:443",
		},
		"nothing": {answered, trust, "", "", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := snapshottest.New()
			test.change(s)
			target := discovery.Target{CABundle: test.trust, Replicas: s.Replicas()}
			findingtest.Expect(t, Obstacle(s, groupVersion, target), test.status, test.reason, test.message)
		})
	}
}

func TestAServiceThatDoesNotAnswerIsReportedAsTroubleOfTheNetwork(t *testing.T) {
	key := discovery.AtService("10.1.0.1:443", groupVersion)
	refused := discovery.Records{key: {Last: discovery.Sample{Err: errors.New("dial: connect: connection refused")}}}
	got := serviceObstacle(key.Address, groupVersion, refused)
	findingtest.Expect(t, got, "False", v1alpha1.ReasonServiceUnreachable,
		"connection refused. If this persists, inspect kube-proxy")
	got = serviceObstacle(key.Address, groupVersion, nil)
	findingtest.Expect(t, got, "False", v1alpha1.ReasonServiceUnreachable,
		"not yet through the Service's address 10.1.0.1:443")
	findingtest.Expect(t, serviceObstacle(key.Address, groupVersion, discovery.Records{key: {}}), "", "", "")
	findingtest.Expect(t, serviceObstacle("", groupVersion, nil), "", "", "")
}

func TestOnlyReplicasThatGetRequestsAreWaitedFor(t *testing.T) {
	serving := discovery.Replica{Endpoint: endpoints.Endpoint{Address: "10.0.0.1:8443", Pod: "a"}}
	ejected := discovery.Replica{Endpoint: endpoints.Endpoint{Address: "10.0.0.2:8443", Pod: "b"}, Ejected: true}
	both := discovery.Target{Replicas: []discovery.Replica{serving, ejected}}
	findingtest.Expect(t, replicaObstacle(both, groupVersion, nil), "False", v1alpha1.ReasonProbing, "waiting for Pod a")
	answered := discovery.Records{discovery.AtEndpoint(serving, groupVersion): {}}
	findingtest.Expect(t, replicaObstacle(both, groupVersion, answered), "", "", "")
}

func TestAReplicaPreventsRequestsUntilItsLastProbeIsGood(t *testing.T) {
	tests := map[string]struct {
		sample  discovery.Sample
		found   bool
		reason  string
		message string
	}{
		"not probed yet": {discovery.Sample{}, false, v1alpha1.ReasonProbing, "Pod a"},
		"it fails": {
			discovery.Sample{Err: errors.New("answered 500")},
			true, v1alpha1.ReasonProbeFailed,
			"Pod a fails discovery: answered 500",
		},
		"it is too slow": {
			discovery.Sample{Latency: 6 * time.Second},
			true, v1alpha1.ReasonProbeFailed,
			"took 6s to answer discovery; kube-apiserver times out after 5s. A registered group-version that is so slow affects",
		},
		"its certificate is for other names": {
			discovery.Sample{Err: &discovery.ProbeError{Class: discovery.ClassWrongName, Text: "valid for a.svc, not b.svc"}},
			true, v1alpha1.ReasonCertificateForOtherName,
			"valid for a.svc, not b.svc. Issue the server's certificate for the DNS name b.svc",
		},
		"it answers well": {discovery.Sample{Latency: time.Second}, true, "", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := sampleObstacle("Pod a", test.sample, test.found, "b.svc")
			if stalled := got.Progress == finding.Stalled; stalled != (test.reason == v1alpha1.ReasonCertificateForOtherName) {
				t.Errorf("it is stalled: %v", stalled)
			}
			findingtest.Expect(t, got, got.Status, test.reason, test.message)
		})
	}
}
