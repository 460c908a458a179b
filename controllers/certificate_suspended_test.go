// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"crypto/x509"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding/findingtest"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
)

func TestKeptCertificateIsToldOfInTime(t *testing.T) {
	const day = 24 * time.Hour
	until := noon.Add(90 * day)
	leaf := served{[]*x509.Certificate{{NotBefore: noon, NotAfter: until}}, until}
	managed := certificateSource{renewal: func(*x509.Certificate) time.Time { return noon.Add(60 * day) }}
	late := certificateSource{renewal: func(*x509.Certificate) time.Time { return noon.Add(89 * day) }}
	due, asked := managed, managed
	due.Wanted = rotation.Wanted{Replace: "the serving certificate was due for renewal"}
	asked.Wanted = rotation.Wanted{Replace: "rotateServingAfter asked for a new serving certificate"}
	brought := certificateSource{secret: "brought"}
	tests := map[string]struct {
		served  served
		source  certificateSource
		after   time.Duration
		status  metav1.ConditionStatus
		reason  string
		message string
	}{
		"long valid": {
			leaf, managed, 0, metav1.ConditionTrue, v1alpha1.ReasonIssued,
			"valid until " + pki.Timestamp(until) + "; it is not renewed while spec.suspend is true",
		},
		"brought by others": {
			leaf, brought, 0, metav1.ConditionTrue, v1alpha1.ReasonUserProvided, "from Secret brought",
		},
		"due for renewal": {
			leaf, due, 60 * day, metav1.ConditionTrue, v1alpha1.ReasonExpiresSoon, "expires at " + pki.Timestamp(until),
		},
		"near its end, though not due": {
			leaf, late, 72 * day, metav1.ConditionTrue, v1alpha1.ReasonExpiresSoon, "set it to false",
		},
		"brought, and near its end": {
			leaf, brought, 72 * day, metav1.ConditionTrue, v1alpha1.ReasonExpiresSoon, "set it to false",
		},
		"to be replaced for another reason": {
			leaf, asked, 0, metav1.ConditionTrue, v1alpha1.ReasonSuspended,
			"although rotateServingAfter asked for a new serving certificate; until then the last good certificate is served",
		},
		"expired": {
			served{leaf.chain, time.Time{}}, due, 91 * day, metav1.ConditionFalse, v1alpha1.ReasonSuspended, "so requests fail",
		},
		"nothing": {
			served{}, due, 0, metav1.ConditionFalse, v1alpha1.ReasonSuspended, "there is no serving certificate",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := keptCertificateVerdict(test.served, test.source, noon.Add(test.after))
			findingtest.Expect(t, got, test.status, test.reason, test.message)
		})
	}
}
