// SPDX-License-Identifier: Apache-2.0

package report

import (
	"errors"
	"maps"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/claims"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/plan"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

// executed is a reconciliation in which everything came as it was planned.
func executed(t *testing.T, s *snapshot.Snapshot) Reconciliation {
	t.Helper()
	next, err := plan.Next(s)
	if err != nil {
		t.Fatal(err)
	}
	r := Reconciliation{Snapshot: s, Plan: next}
	if next.Registration != nil {
		r.Outcome.GroupVersions = next.Registration.GroupVersions
	}
	return r
}

func TestWhatIsUnknownOrHasFailedIsNotReported(t *testing.T) {
	failed := errors.New("timeout")
	const (
		claimed, certificates = v1alpha1.ConditionClaimed, v1alpha1.ConditionCertificatesReady
		server, registered    = v1alpha1.ConditionServerAvailable, v1alpha1.ConditionRegistered
		available, discovery  = v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ConditionDiscoveryWithinLimit
		objects               = v1alpha1.ConditionServesObjects
		namespaces            = v1alpha1.ConditionNamespacesDeletable
	)
	for name, test := range map[string]struct {
		read    func(*snapshot.Snapshot)
		came    func(*plan.Outcome)
		without []string
	}{
		"all is known": {nil, nil, nil},
		"the namespace is unknown": {
			func(s *snapshot.Snapshot) { s.Namespace = snapshot.Of(snapshot.Active, failed) }, nil,
			[]string{certificates, server, registered, available, discovery, objects},
		},
		"the claims are unknown": {
			func(s *snapshot.Snapshot) { s.Claims = snapshot.Of([]claims.Claim(nil), failed) }, nil,
			[]string{claimed, registered, available, discovery, objects},
		},
		"the APIServices are unknown": {
			func(s *snapshot.Snapshot) {
				s.Registered = snapshot.Of[map[string]*apiregistrationv1.APIService](nil, failed)
			}, nil,
			[]string{certificates, registered, available, discovery, objects, namespaces},
		},
		"the namespaces that are being deleted are unknown": {
			func(s *snapshot.Snapshot) { s.Terminating = snapshot.Of([]corev1.Namespace(nil), failed) }, nil,
			[]string{namespaces},
		},
		"the Deployment and its Pods are unknown": {
			func(s *snapshot.Snapshot) { s.Server = snapshot.Of(snapshot.Workload{}, failed) }, nil,
			[]string{certificates, server},
		},
		"the endpoints are unknown": {
			func(s *snapshot.Snapshot) { s.Endpoints = snapshot.Of(snapshot.Endpoints{}, failed) }, nil,
			[]string{discovery, objects},
		},
		"the certificates are unknown": {
			func(s *snapshot.Snapshot) { s.Certificates = snapshot.Of(snapshot.Certificates{}, failed) }, nil,
			[]string{certificates},
		},
		"the certificates could not be stored": {
			nil, func(o *plan.Outcome) { o.Failed.Certificates = failed }, []string{certificates},
		},
		"the server could not be applied": {
			nil, func(o *plan.Outcome) { o.Failed.Server = failed }, []string{server},
		},
		"a registration failed": {nil, func(o *plan.Outcome) { o.Failed.Registration = failed }, nil},
		"an ejection failed":    {nil, func(o *plan.Outcome) { o.Failed.Ejection = failed }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := snapshottest.New()
			if test.read != nil {
				test.read(s)
			}
			r := executed(t, s)
			if test.came != nil {
				test.came(&r.Outcome)
			}
			findings, _ := r.findings(nil)
			want := slices.DeleteFunc(Found(), func(conditionType string) bool {
				return slices.Contains(test.without, conditionType)
			})
			if got := slices.Sorted(maps.Keys(findings)); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
				t.Errorf("reported are %q, want %q", got, want)
			}
		})
	}
}

func TestWhatIsUnknownStaysInTheStatus(t *testing.T) {
	failed := errors.New("timeout")
	s := snapshottest.New()
	s.Namespace = snapshot.Of(snapshot.Active, failed)
	s.Endpoints = snapshot.Of(snapshot.Endpoints{}, failed)
	s.Status = v1alpha1.ExtensionAPIStatus{
		ObservedGeneration: 1,
		APIServices:        []v1alpha1.APIServiceStatus{{Name: apiServiceName, Available: metav1.ConditionTrue}},
		Endpoints:          []v1alpha1.EndpointStatus{{Address: "10.0.0.7:8443"}},
		Certificate:        &v1alpha1.CertificateStatus{NotAfter: metav1.NewTime(noon)},
		ReadyReplicas:      new(int32(1)),
		BlockedNamespaces:  2,
	}
	s.Terminating = snapshot.Of([]corev1.Namespace(nil), failed)
	snapshottest.Report(s, v1alpha1.ConditionRegistered, metav1.ConditionTrue, v1alpha1.ReasonRegistered, "fine")
	r := executed(t, s)
	r.Interruption, r.Interrupted = s.Err(), noon
	status := Of(r).Status
	if len(status.APIServices) != 1 || len(status.Endpoints) != 1 || status.Certificate == nil ||
		status.BlockedNamespaces != 2 {
		t.Errorf("the status is %+v", status)
	}
	if status.ReadyReplicas != nil {
		t.Errorf("%d replicas are ready, although that is unknown", *status.ReadyReplicas)
	}
	if got := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionRegistered).Message; got != "fine" {
		t.Errorf("Registered reports %q", got)
	}
	if got := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReconciling); got.Reason != "Retrying" {
		t.Errorf("Reconciling is %+v", got)
	}
}

func TestNoCertificateIsReportedOfAServerWithoutANamespace(t *testing.T) {
	s := snapshottest.New()
	s.Namespace = snapshot.Of(snapshot.Missing, nil)
	s.Status.Certificate = &v1alpha1.CertificateStatus{NotAfter: metav1.NewTime(noon)}
	r := executed(t, s)
	if got := Of(r).Status.Certificate; got != nil {
		t.Errorf("the certificate is %+v", got)
	}
	findings, _ := r.findings(nil)
	for _, conditionType := range []string{v1alpha1.ConditionCertificatesReady, v1alpha1.ConditionServerAvailable} {
		if got := findings[conditionType]; got.Code != v1alpha1.ReasonNamespaceNotFound {
			t.Errorf("%s reports %+v", conditionType, got)
		}
	}
}

func TestAnIssuedCertificateIsReportedOnceItHasBeenStored(t *testing.T) {
	s := snapshottest.New()
	snapshottest.Unregister(s)
	r := executed(t, s)
	if reported := Of(r); reported.Status.Certificate != nil || len(reported.Done) != 0 {
		t.Errorf("before it is stored, the certificate is %+v, and the Events are %+v",
			reported.Status.Certificate, reported.Done)
	}
	r.Outcome.Stored = true
	reported := Of(r)
	if got := reported.Status.Certificate; got == nil || got.RenewalTime == nil || got.CANotAfter == nil {
		t.Errorf("the certificate is %+v", got)
	}
	if got := reasonsOf(reported.Done, v1alpha1.ReasonCertificateIssued); len(got) != 1 {
		t.Errorf("the Events are %+v", reported.Done)
	}
	if got := meta.FindStatusCondition(reported.Status.Conditions, v1alpha1.ConditionCertificatesReady); got.Reason !=
		v1alpha1.ReasonIssued {
		t.Errorf("CertificatesReady is %+v", got)
	}
	if reported.Status.Groups != snapshottest.GroupVersion.Group {
		t.Errorf("the groups are %q", reported.Status.Groups)
	}
}

func TestWhatTheAPIServerRejectsIsReportedInsteadOfWhatWasPlanned(t *testing.T) {
	refused := finding.Bad(v1alpha1.ReasonRejected, "no", finding.Stalled).Alarming()
	r := executed(t, snapshottest.New())
	r.Outcome.Certificates, r.Outcome.Server.Refused = refused, refused
	findings, _ := r.findings(nil)
	for _, conditionType := range []string{v1alpha1.ConditionCertificatesReady, v1alpha1.ConditionServerAvailable} {
		if got := findings[conditionType]; got.Code != v1alpha1.ReasonRejected || !got.IsWarning() {
			t.Errorf("%s reports %+v", conditionType, got)
		}
	}
}
