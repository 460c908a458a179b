// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"errors"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/finding/findingtest"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

func TestABundleThatCannotBeUsedIsReportedWithTheReason(t *testing.T) {
	findingtest.Expect(t, CABundle(nil), "True", v1alpha1.ReasonUserProvided, "spec.existingService.caBundle")
	got := CABundle(errors.New("no certificate in it"))
	for _, message := range []string{"cannot be used: no certificate in it", "Set it to the PEM certificate of the CA"} {
		findingtest.Expect(t, got, "False", v1alpha1.ReasonInvalidCABundle, message)
	}
	if got.Progress != finding.Stalled {
		t.Error("a user must act, but it is not stalled")
	}
}

func TestWhatIsTrustedMeanwhileIsReportedWithWhatPreventsANewBundle(t *testing.T) {
	ca, err := pki.NewSigner("test", noon, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	problem := CABundleMissing(snapshot.CABundle{Source: manifests.SecretSource("a", "ca")})
	for name, test := range map[string]struct {
		trusted []byte
		after   time.Duration
		status  metav1.ConditionStatus
		message string
	}{
		"the last good bundle": {
			ca.Certificate, 0, "True", "Secret a/ca does not exist. The last good bundle stays in use",
		},
		"none":                     {nil, 0, "False", "Until then the API is not registered. Create it, or correct"},
		"one that has expired now": {ca.Certificate, 2 * time.Hour, "False", "have expired, so requests fail"},
	} {
		t.Run(name, func(t *testing.T) {
			got := WithLastGoodBundle(problem, test.trusted, noon.Add(test.after))
			findingtest.Expect(t, got, test.status, v1alpha1.ReasonCABundleNotFound, test.message)
			if !got.IsWarning() {
				t.Error("it is no warning")
			}
		})
	}
}

func TestAChangeOfTheBundleIsReportedUntilItIsComplete(t *testing.T) {
	read := snapshot.CABundle{Source: manifests.SecretSource("a", "ca"), Key: "ca.crt"}
	waiting := rotation.Plan{Waiting: "replicas: a", Next: "it ends"}
	waiting.Record.Phase, waiting.Record.Since = v1alpha1.RotationAwaitingServed, noon
	stuck := waiting
	stuck.Stuck = true
	for name, test := range map[string]struct {
		got             finding.Finding
		reason, message string
	}{
		"in progress": {TrustedCAs(waiting, read), v1alpha1.ReasonRotating, "waiting for replicas: a; then it ends"},
		"stuck": {
			TrustedCAs(stuck, read), v1alpha1.ReasonRotationStuck, "Have the server serve a certificate of a CA in the bundle",
		},
		"complete": {
			TrustedCAs(rotation.Plan{}, read), v1alpha1.ReasonUserProvided, "the CA bundle in Secret a/ca, key ca.crt",
		},
		"suspended": {KeptTrust(false, read), v1alpha1.ReasonUserProvided, "not updated while spec.suspend is true"},
	} {
		t.Run(name, func(t *testing.T) {
			findingtest.Expect(t, test.got, "True", test.reason, test.message)
		})
	}
	findingtest.Expect(t, KeptTrust(true, read), "False", v1alpha1.ReasonSuspended, "differs from that in Secret a/ca")
}
