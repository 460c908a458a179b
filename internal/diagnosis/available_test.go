// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"errors"
	"net/http"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/claims"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/finding/findingtest"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

// through is a round of probes of the group-version through a kube-apiserver.
func through(record discovery.Record) discovery.Round {
	return discovery.NewRound(discovery.Target{}, discovery.Records{snapshottest.ThroughKubeAPIServer("a"): record})
}

func TestAvailableRepeatsWhatKubeAPIServerReports(t *testing.T) {
	passed := snapshottest.Available(apiregistrationv1.ConditionTrue, "Passed", "all checks passed")
	tests := map[string]struct {
		registered func(*snapshot.Snapshot)
		status     metav1.ConditionStatus
		reason     string
		message    string
	}{
		"available": {
			func(s *snapshot.Snapshot) { snapshottest.Register(s, passed) },
			"True", v1alpha1.ReasonAllAvailable, "every APIService",
		},
		"not available": {
			func(s *snapshot.Snapshot) { snapshottest.Register(s, snapshottest.CheckFailed("connection refused")) },
			"False", "FailedDiscoveryCheck", apiServiceName + " as unavailable: connection refused. Namespace deletion and " +
				"discovery are affected in the whole cluster",
		},
		"not available for a reason that conditions do not allow": {
			func(s *snapshot.Snapshot) {
				snapshottest.Register(s, snapshottest.Available(apiregistrationv1.ConditionFalse, "no reason", "refused"))
			},
			"False", v1alpha1.ReasonNotReported, "refused",
		},
		"just registered": {snapshottest.Unregister, "Unknown", v1alpha1.ReasonNotReported, apiServiceName},
		"not checked": {
			func(s *snapshot.Snapshot) { snapshottest.Register(s) },
			"Unknown", v1alpha1.ReasonNotReported, apiServiceName,
		},
		"the namespace is terminating": {
			func(s *snapshot.Snapshot) { s.Namespace = snapshot.Of(snapshot.Terminating, nil) },
			"False", v1alpha1.ReasonNamespaceTerminating, "removed",
		},
		"the namespace is missing": {
			func(s *snapshot.Snapshot) { s.Namespace = snapshot.Of(snapshot.Missing, nil) },
			"False", v1alpha1.ReasonNamespaceNotFound, "no APIServices",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := snapshottest.New()
			s.Probes = through(discovery.Record{})
			test.registered(s)
			findingtest.Expect(t, Available(s), test.status, test.reason, test.message)
		})
	}
}

func TestAvailableWaitsForTheFirstRequestThatPasses(t *testing.T) {
	missing := discovery.Sample{Err: &discovery.ProbeError{Class: discovery.ClassMissing}}
	refused, passes := through(discovery.Record{Last: missing}), through(discovery.Record{})
	s := snapshottest.New()
	s.Probes = refused
	findingtest.Expect(t, Available(s), "Unknown", v1alpha1.ReasonProbing, "first answer")
	if !AwaitsAnswers(s) {
		t.Error("it waits for no answer")
	}
	s.Probes = discovery.Round{}
	findingtest.Expect(t, Available(s), "Unknown", v1alpha1.ReasonProbing, "first answer")
	s.Probes = passes
	findingtest.Expect(t, Available(s), "True", v1alpha1.ReasonAllAvailable, "every APIService")
	if AwaitsAnswers(s) {
		t.Error("it still waits for answers")
	}

	later := after(v1alpha1.ConditionAPIServicesAvailable, Available(s))
	later.Probes = refused
	findingtest.Expect(t, Available(later), "True", v1alpha1.ReasonAllAvailable, "every APIService")
}

func TestAvailableDoesNotWaitForAnswersOfAGroupVersionOfAnotherOwner(t *testing.T) {
	s := snapshottest.New()
	s.Spec.Groups[0].Versions = append(s.Spec.Groups[0].Versions, v1alpha1.APIVersion{Name: "v2"})
	held := groupVersion
	held.Version = "v2"
	s.Claims = snapshot.Of([]claims.Claim{
		{GroupVersion: groupVersion}, {GroupVersion: held, Standing: claims.Held},
	}, nil)
	s.Probes = through(discovery.Record{})
	findingtest.Expect(t, Available(s), "True", v1alpha1.ReasonAllAvailable, "")
	if AwaitsAnswers(s) {
		t.Error("it waits for answers of what it has not registered")
	}
}

func TestAvailableIsFalseWhileKubeAPIServerDoesNotTrustTheServerThatItReportsAvailable(t *testing.T) {
	failing := func(status int, text string) discovery.Record {
		return snapshottest.Failing(&discovery.ProbeError{Class: discovery.ClassServerError, Status: status, Text: text})
	}
	const untrusted = "answered 503 Service Unavailable: error trying to reach service: tls: x509: unknown authority"
	distrust := failing(http.StatusServiceUnavailable, untrusted)
	once, recovered := distrust, distrust
	once.Standing, recovered.Last = discovery.Healthy, discovery.Sample{}
	for name, test := range map[string]struct {
		record          discovery.Record
		status          metav1.ConditionStatus
		reason, message string
	}{
		"several answers show it": {
			distrust, "False", v1alpha1.ReasonCertificateUntrusted, "unknown authority. Every request fails",
		},
		"one answer shows it":     {once, "True", v1alpha1.ReasonAllAvailable, "every APIService"},
		"the last answer is good": {recovered, "True", v1alpha1.ReasonAllAvailable, "every APIService"},
		"the server itself fails": {
			failing(http.StatusInternalServerError, "x509: my own trouble"),
			"True", v1alpha1.ReasonAllAvailable, "every APIService",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := snapshottest.New()
			snapshottest.Report(s, v1alpha1.ConditionAPIServicesAvailable, metav1.ConditionTrue, v1alpha1.ReasonAllAvailable, "")
			s.Probes = through(test.record)
			findingtest.Expect(t, Available(s), test.status, test.reason, test.message)
		})
	}
}

func TestClientsSufferFromWhatKubeAPIServerMeets(t *testing.T) {
	unreachable := snapshottest.Failing(errors.New("no connection"))
	for name, test := range map[string]struct {
		s    *snapshot.Snapshot
		want bool
	}{
		"only the operator fails":      {probed(fine, unreachable), false},
		"kube-apiserver fails as well": {probed(slow, unreachable), true},
		"it is unavailable":            {refusing(), true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := ClientsSuffer(test.s); got != test.want {
				t.Errorf("clients suffer: %t", got)
			}
		})
	}
}
