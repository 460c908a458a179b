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
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
)

func TestCertificateVerdict(t *testing.T) {
	leaf := &x509.Certificate{NotBefore: noon.Add(-24 * time.Hour), NotAfter: noon.Add(24 * time.Hour)}
	managed := certificateSource{renewal: func(*x509.Certificate) time.Time { return noon.Add(time.Hour) }}
	brought := certificateSource{secret: "brought"}
	waits := rotation.Plan{Waiting: "Pods to serve it: a", Next: "the old one goes"}
	waits.Record.Phase, waits.Record.Since = rotation.AwaitingServed, noon
	stuck := waits
	stuck.Stuck = true
	tests := map[string]struct {
		plan    rotation.Plan
		leaf    *x509.Certificate
		source  certificateSource
		after   time.Duration
		status  metav1.ConditionStatus
		reason  string
		message string
	}{
		"issued": {
			rotation.Plan{},
			leaf, managed, 0, metav1.ConditionTrue, v1alpha1.ReasonIssued,
			"will be renewed at " + timestamp(noon.Add(time.Hour)),
		},
		"under way": {
			waits, leaf, managed, 0, metav1.ConditionTrue, v1alpha1.ReasonRotating,
			"waiting for Pods to serve it: a; then the old one goes",
		},
		"stuck": {
			stuck, leaf, managed, 0, metav1.ConditionTrue, v1alpha1.ReasonRotationStuck, "delete these Pods one by one",
		},
		"nothing": {waits, nil, managed, 0, metav1.ConditionFalse, v1alpha1.ReasonRotating, "no new Pod can start"},
		"brought": {
			rotation.Plan{}, leaf, brought, 0, metav1.ConditionTrue, v1alpha1.ReasonUserProvided, "from Secret brought",
		},
		"brought, and soon expired": {
			rotation.Plan{},
			leaf, brought, 15 * time.Hour, metav1.ConditionTrue, v1alpha1.ReasonExpiresSoon,
			"Secret brought expires at",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := certificateVerdict(test.plan, test.leaf, test.source, noon.Add(test.after))
			assertVerdict(t, got, test.status, test.reason, test.message)
		})
	}
}

func TestWithLastGoodTellsWhatIsServedMeanwhile(t *testing.T) {
	signer, err := pki.NewSigner("test", noon, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	refused := secretRefused("a", "b", errors.New("tls.key is missing"))
	tests := map[string]struct {
		serving pki.KeyPair
		after   time.Duration
		status  metav1.ConditionStatus
		message string
	}{
		"nothing": {
			pki.KeyPair{}, 0, metav1.ConditionFalse, "tls.key is missing; until then there is no serving certificate",
		},
		"the last good one": {signer, 0, metav1.ConditionTrue, "until then the last good certificate is served"},
		"an expired one":    {signer, time.Hour, metav1.ConditionFalse, "so every request fails"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := withLastGood(refused, test.serving, noon.Add(test.after))
			assertVerdict(t, got, test.status, v1alpha1.ReasonSecretRefused, test.message)
		})
	}
}

func TestExpiryIsWarnedOfAFifthOfTheLifeBeforeButNotMonths(t *testing.T) {
	day := 24 * time.Hour
	for life, left := range map[time.Duration]time.Duration{
		10 * day: 2 * day, 90 * day: 18 * day, 3650 * day: 30 * day,
	} {
		certificate := &x509.Certificate{NotBefore: noon, NotAfter: noon.Add(life)}
		if got := certificate.NotAfter.Sub(expiryWarning(certificate)); got != left {
			t.Errorf("of a life of %s, %s are left at the warning, want %s", life, got, left)
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
