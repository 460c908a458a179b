// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"crypto/x509"
	"errors"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding/findingtest"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
)

func TestCertificateVerdict(t *testing.T) {
	until := noon.Add(24 * time.Hour)
	leaf := served{[]*x509.Certificate{{NotBefore: noon.Add(-24 * time.Hour), NotAfter: until}}, until}
	managed := certificateSource{renewal: func(*x509.Certificate) time.Time { return noon.Add(time.Hour) }}
	brought := certificateSource{secret: "brought", renew: "put a new one there"}
	pending := certificateSource{secret: "brought", pending: "waiting for cert-manager"}
	waits := rotation.Plan{Waiting: "Pods to serve it: a", Next: "the old one goes"}
	waits.Record.Phase, waits.Record.Since = v1alpha1.RotationAwaitingServed, noon
	stuck := waits
	stuck.Stuck = true
	tests := map[string]struct {
		plan    rotation.Plan
		served  served
		source  certificateSource
		after   time.Duration
		status  metav1.ConditionStatus
		reason  string
		message string
	}{
		"issued": {
			rotation.Plan{},
			leaf, managed, 0, metav1.ConditionTrue, v1alpha1.ReasonIssued,
			"will be renewed at " + pki.Timestamp(noon.Add(time.Hour)),
		},
		"under way": {
			waits, leaf, managed, 0, metav1.ConditionTrue, v1alpha1.ReasonRotating,
			"waiting for Pods to serve it: a; then the old one goes",
		},
		"asked anew": {
			rotation.Plan{}, leaf, pending, 0, metav1.ConditionTrue, v1alpha1.ReasonRotating, "waiting for cert-manager",
		},
		"stuck": {
			stuck, leaf, managed, 0, metav1.ConditionTrue, v1alpha1.ReasonRotationStuck, "delete these Pods one by one",
		},
		"nothing": {waits, served{}, managed, 0, metav1.ConditionFalse, v1alpha1.ReasonRotating, "no new Pod can start"},
		"brought": {
			rotation.Plan{}, leaf, brought, 0, metav1.ConditionTrue, v1alpha1.ReasonUserProvided, "from Secret brought",
		},
		"brought, and soon expired": {
			rotation.Plan{},
			leaf, brought, 15 * time.Hour, metav1.ConditionTrue, v1alpha1.ReasonExpiresSoon,
			"or an authority above it, expires at 2026-01-02T12:00:00Z and has not been renewed; put a new one there",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := certificateVerdict(test.plan, test.served, test.source, noon.Add(test.after))
			findingtest.Expect(t, got, test.status, test.reason, test.message)
		})
	}
}

func TestWithLastGoodTellsWhatIsServedMeanwhile(t *testing.T) {
	refused := secretRefused("a", "b", errors.New("tls.key is missing"))
	leaf := []*x509.Certificate{{}}
	tests := map[string]struct {
		served  served
		status  metav1.ConditionStatus
		message string
	}{
		"nothing": {
			served{}, metav1.ConditionFalse, "tls.key is missing; until then there is no serving certificate",
		},
		"the last good one": {
			served{leaf, noon}, metav1.ConditionTrue, "until then the last good certificate is served",
		},
		"one that is not accepted now": {served{leaf, time.Time{}}, metav1.ConditionFalse, "so requests fail"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			findingtest.Expect(t, withLastGood(refused, test.served), test.status, v1alpha1.ReasonSecretRefused, test.message)
		})
	}
}

func TestExpiryIsWarnedOfAFifthOfTheLifeBeforeButNotMonths(t *testing.T) {
	day := 24 * time.Hour
	for life, left := range map[time.Duration]time.Duration{
		10 * day: 2 * day, 90 * day: 18 * day, 3650 * day: 30 * day,
	} {
		until := noon.Add(life)
		s := served{[]*x509.Certificate{{NotBefore: noon, NotAfter: until}}, until}
		if got := until.Sub(s.warning()); got != left {
			t.Errorf("of a life of %s, %s are left at the warning, want %s", life, got, left)
		}
		if s.nextWarning(noon) != s.warning() || s.nextWarning(s.warning()) != until {
			t.Error("the warning and the end are not looked for, one after the other")
		}
	}
}

func newSigner(t *testing.T) pki.KeyPair {
	t.Helper()
	signer, err := pki.NewSigner("test", noon, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func TestServedIsAcceptedUntilTheFirstOfItsCertificatesExpires(t *testing.T) {
	signer, other := newSigner(t), newSigner(t)
	serving, err := signer.IssueServing([]string{"a.b.svc"}, noon, 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	state := rotation.State{Bundle: signer.Certificate, Serving: serving}
	if got := servedOf(state, "a.b.svc", noon); !got.until.Equal(noon.Add(time.Hour)) {
		t.Errorf("accepted until %s", got.until)
	}
	for why, got := range map[string]served{
		"under another name":   servedOf(state, "c.d.svc", noon),
		"after it has expired": servedOf(state, "a.b.svc", noon.Add(time.Hour+time.Second)),
		"by another authority": servedOf(rotation.State{Bundle: other.Certificate, Serving: serving}, "a.b.svc", noon),
	} {
		if got.leaf() == nil || !got.until.IsZero() {
			t.Errorf("%s it is accepted until %s", why, got.until)
		}
	}
}

func TestCertManagerMessageNamesTheCause(t *testing.T) {
	request := func(status, message string) unstructured.Unstructured {
		return unstructured.Unstructured{Object: map[string]any{"status": map[string]any{"conditions": []any{
			map[string]any{"type": "Approved", "status": "True", "message": "approved"},
			map[string]any{"type": "Ready", "status": status, "message": message},
		}}}}
	}
	const base = "waiting for cert-manager to issue Certificate x"
	for _, test := range []struct {
		requests []unstructured.Unstructured
		want     string
	}{
		{nil, base + "; if that lasts, look at it: kubectl describe certificate x"},
		{[]unstructured.Unstructured{request("False", "no issuer")}, base + ", of which it says: no issuer"},
		{
			[]unstructured.Unstructured{request("True", "issued")},
			base + "; if that lasts, look at it: kubectl describe certificate x",
		},
	} {
		if got := certManagerMessage("x", test.requests); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
