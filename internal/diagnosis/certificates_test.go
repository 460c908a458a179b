// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"crypto/x509"
	"errors"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/finding/findingtest"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
)

const day = 24 * time.Hour

// servedFor is a certificate that was issued at a time, and is accepted for that long from noon on.
func servedFor(issued time.Time, validity time.Duration) rotation.Served {
	until := noon.Add(validity)
	return rotation.Served{Chain: []*x509.Certificate{{NotBefore: issued, NotAfter: until}}, Until: until}
}

// renewedAfter is a source that renews every certificate at a time.
func renewedAfter(delay time.Duration) rotation.Source {
	return rotation.Source{Renewal: func(*x509.Certificate) time.Time { return noon.Add(delay) }}
}

func TestCertificatesReportHarmBeforeARotationInProgress(t *testing.T) {
	leaf, none := servedFor(noon.Add(-day), day), rotation.Served{}
	until := pki.Timestamp(leaf.Until)
	managed := renewedAfter(time.Hour)
	provided := rotation.Source{Secret: "provided", Renew: "Put a new one there"}
	pending := rotation.Source{Secret: "provided", Pending: "waiting for cert-manager"}
	waits := rotation.Plan{Waiting: "Pods to serve it: a", Next: "the old one goes"}
	waits.Record.Phase, waits.Record.Since = v1alpha1.RotationAwaitingServed, noon
	stuck := waits
	stuck.Stuck = true
	tests := map[string]struct {
		plan     rotation.Plan
		served   rotation.Served
		source   rotation.Source
		after    time.Duration
		status   metav1.ConditionStatus
		reason   string
		messages []string
	}{
		"issued": {
			rotation.Plan{},
			leaf, managed, 0, "True", v1alpha1.ReasonIssued,
			[]string{"valid until " + until, "will be renewed at " + pki.Timestamp(noon.Add(time.Hour))},
		},
		"a rotation is in progress": {
			waits, leaf, managed, 0, "True", v1alpha1.ReasonRotating,
			[]string{"waiting for Pods to serve it: a; then the old one goes"},
		},
		"a new one was requested": {
			rotation.Plan{}, leaf, pending, 0, "True", v1alpha1.ReasonRotating, []string{"waiting for cert-manager"},
		},
		"a rotation is stuck": {
			stuck, leaf, managed, 0, "True", v1alpha1.ReasonRotationStuck,
			[]string{"since " + pki.Timestamp(noon), "Pods to serve it: a", "delete these Pods one by one"},
		},
		"there is none": {
			waits, none, managed, 0, "False", v1alpha1.ReasonRotating,
			[]string{"there is no serving certificate; waiting for Pods", "No new Pod can start"},
		},
		"provided": {
			rotation.Plan{},
			leaf, provided, 0, "True", v1alpha1.ReasonUserProvided,
			[]string{"from Secret provided, is valid until " + until},
		},
		"provided, and about to expire": {
			rotation.Plan{},
			leaf, provided, 15 * time.Hour, "True", v1alpha1.ReasonExpiresSoon,
			[]string{
				"in Secret provided, or a CA above it, expires at 2026-01-02T12:00:00Z and has not been renewed",
				"When it has expired, every request fails. Put a new one there.",
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := Certificate(test.plan, test.served, test.source, noon.Add(test.after))
			for _, message := range test.messages {
				findingtest.Expect(t, got, test.status, test.reason, message)
			}
		})
	}
}

func TestACertificateThatWillStopWorkingIsAWarningWhileItIsServed(t *testing.T) {
	leaf := servedFor(noon.Add(-day), day)
	stuck := rotation.Plan{Waiting: "Pods", Stuck: true}
	provided := rotation.Source{Secret: "provided"}
	for name, test := range map[string]struct {
		found finding.Finding
		want  bool
	}{
		"issued":              {Certificate(rotation.Plan{}, leaf, renewedAfter(time.Hour), noon), false},
		"rotating":            {Certificate(rotation.Plan{Waiting: "Pods"}, leaf, renewedAfter(time.Hour), noon), false},
		"stuck":               {Certificate(stuck, leaf, renewedAfter(time.Hour), noon), true},
		"about to expire":     {Certificate(rotation.Plan{}, leaf, provided, noon.Add(15*time.Hour)), true},
		"kept until the end":  {KeptCertificate(leaf, provided, noon.Add(23*time.Hour)), true},
		"the Secret is gone":  {WithLastGood(SecretNotFound("a", "b"), leaf), true},
		"the Secret is wrong": {WithLastGood(SecretRefused("a", "b", errors.New("no key")), leaf), true},
		"no cert-manager":     {WithLastGood(CertManagerMissing(), leaf), true},
		"not permitted":       {WithLastGood(CertManagerDisabled(), leaf), true},
		"not applied":         {WithLastGood(CertificateNotApplied(errors.New("timeout")), leaf), true},
	} {
		t.Run(name, func(t *testing.T) {
			if test.found.Status != metav1.ConditionTrue || test.found.IsWarning() != test.want {
				t.Errorf("it is %s, and a warning: %t", test.found.Status, test.found.IsWarning())
			}
		})
	}
}

func TestWhatPreventsANewCertificateIsReportedWithWhatIsServedMeanwhile(t *testing.T) {
	refused := SecretRefused("a", "b", errors.New("tls.key is missing"))
	leaf := []*x509.Certificate{{}}
	tests := map[string]struct {
		served  rotation.Served
		status  metav1.ConditionStatus
		message string
	}{
		"nothing": {
			rotation.Served{},
			"False",
			"tls.key is missing. Until then there is no serving certificate, and no new Pod can start",
		},
		"the last good one": {
			rotation.Served{Chain: leaf, Until: noon},
			"True",
			"tls.key is missing. The last good certificate stays in use, valid until " + pki.Timestamp(noon),
		},
		"one that is not accepted now": {rotation.Served{Chain: leaf}, "False", "so requests fail"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := WithLastGood(refused, test.served)
			findingtest.Expect(t, got, test.status, v1alpha1.ReasonInvalidCertificate, test.message)
		})
	}
}

func TestACertificateThatIsKeptWhileSuspendedIsReportedBeforeItExpires(t *testing.T) {
	leaf := servedFor(noon, 90*day)
	until := pki.Timestamp(leaf.Until)
	expired := rotation.Served{Chain: leaf.Chain}
	managed, late := renewedAfter(60*day), renewedAfter(89*day)
	due, requested := managed, managed
	due.Replace = "the serving certificate was due for renewal"
	requested.Replace = "rotateServingAfter asked for a new serving certificate"
	provided := rotation.Source{Secret: "provided"}
	tests := map[string]struct {
		served   rotation.Served
		source   rotation.Source
		after    time.Duration
		status   metav1.ConditionStatus
		reason   string
		messages []string
	}{
		"it is valid for long": {
			leaf, managed, 0, "True", v1alpha1.ReasonIssued,
			[]string{"valid until " + until + "; it is not renewed while spec.suspend is true"},
		},
		"it was provided": {
			leaf, provided, 0, "True", v1alpha1.ReasonUserProvided,
			[]string{"from Secret provided, is valid until " + until + "; it is not renewed"},
		},
		"it is due for renewal": {
			leaf, due, 60 * day, "True", v1alpha1.ReasonExpiresSoon, []string{"expires at " + until + " and is not renewed"},
		},
		"it is near its end, though not due": {
			leaf, late, 72 * day, "True", v1alpha1.ReasonExpiresSoon,
			[]string{"When it has expired, every request fails", "Set spec.suspend to false"},
		},
		"it was provided, and is near its end": {
			leaf, provided, 72 * day, "True", v1alpha1.ReasonExpiresSoon, []string{"Set spec.suspend to false"},
		},
		"it is to be replaced for another reason": {
			leaf, requested, 0, "True", v1alpha1.ReasonSuspended,
			[]string{
				"although rotateServingAfter asked for a new serving certificate",
				"The last good certificate stays in use, valid until " + until,
			},
		},
		"it has expired": {
			expired, due, 91 * day, "False", v1alpha1.ReasonSuspended, []string{"so requests fail"},
		},
		"there is none": {
			rotation.Served{}, due, 0, "False", v1alpha1.ReasonSuspended, []string{"there is no serving certificate"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := KeptCertificate(test.served, test.source, noon.Add(test.after))
			for _, message := range test.messages {
				findingtest.Expect(t, got, test.status, test.reason, message)
			}
		})
	}
}
