// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

func TestServerThatFailsDiscoveryIsRegisteredOnceItRecovers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		behaviour extensionserver.Behaviour
		limit     time.Duration
		// cause is part of the condition's message.
		cause string
	}{
		{
			name:      "error",
			behaviour: failing(http.StatusInternalServerError),
			cause:     "answered 500 Internal Server Error",
		},
		{
			name:      "redirect",
			behaviour: failing(http.StatusFound),
			cause:     "answered 302 Found",
		},
		{
			name:      "other-group-version",
			behaviour: extensionserver.Behaviour{AnswerFor: "other.example.com/v1"},
			cause: `answered for group-version "other.example.com/v1" instead of ` +
				`"other-group-version.example.com/v1"`,
		},
		{
			name:      "slow",
			behaviour: slow(5600 * time.Millisecond),
			limit:     10 * time.Second,
			cause:     "took 6s to answer discovery; kube-apiserver times out after 5s",
		},
		{
			name:      "hanging",
			behaviour: slow(time.Hour),
			cause:     "no complete answer within 6s",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			backend, server := startBackend(t, test.name, "v1")
			server.Behave(test.behaviour)
			extensionAPI := backend.declare(groups(test.name+".example.com", "v1"))
			if test.limit > 0 {
				extensionAPI.Spec.Discovery.Limit = &metav1.Duration{Duration: test.limit}
			}
			apply(t, extensionAPI)
			expectNotRegistered(t, backend, test.cause)
			server.Behave(extensionserver.Behaviour{})
			awaitRegistered(t, test.name)
		})
	}
}

func TestServerWithAnInvalidCertificateIsRegisteredOnceItIsValid(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		wrong func(*testing.T, *backend) tls.Certificate
		// state is Failed where no certificate comes by itself that kube-apiserver accepts.
		state         status.Status
		reason, cause string
	}{
		{
			name: "unknown-authority", state: status.InProgressStatus, reason: v1alpha1.ReasonProbeFailed,
			wrong: func(t *testing.T, _ *backend) tls.Certificate {
				t.Helper()
				return keyPair(t, servingFor(t, newSigner(t), "unknown-authority"))
			},
			cause: "certificate signed by unknown authority",
		},
		{
			name: "other-host", state: status.FailedStatus, reason: v1alpha1.ReasonCertificateForOtherName,
			wrong: func(t *testing.T, b *backend) tls.Certificate {
				t.Helper()
				return keyPair(t, servingFor(t, b.signer, "somewhere-else"))
			},
			cause: "certificate is valid for somewhere-else.somewhere-else.svc, not other-host.other-host.svc",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			backend, server := startBackend(t, test.name, "v1")
			server.Present(test.wrong(t, backend))
			apply(t, backend.declare(groups(test.name+".example.com", "v1")))
			expectNotRegisteredFor(t, backend, test.reason, test.state, test.cause)
			expectDocumented(t, test.name, test.name, v1alpha1.ConditionRegistered)
			server.Present(keyPair(t, servingFor(t, backend.signer, test.name)))
			awaitRegistered(t, test.name)
		})
	}
}

func TestOnlyMissingVersionsAreNotRegistered(t *testing.T) {
	t.Parallel()
	const name = "half-served"
	backend, _ := startBackend(t, name, "v1")
	apply(t, backend.declare(groups(name+".example.com", "v1", "v2")))
	await(t, name, status.InProgressStatus,
		isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonProbeFailed,
			"v2.half-served.example.com", "answered 404 Not Found"),
		isFalse(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonNotRegistered))
	expectDocumented(t, "version-not-served", name, v1alpha1.ConditionRegistered)
	expectAPIServices(t, name, "v1.half-served.example.com")
}

func TestInvalidCABundleStallsAndRecovers(t *testing.T) {
	t.Parallel()
	const name = "garbled-authority"
	backend, _ := startBackend(t, name, "v1")
	extensionAPI := backend.declare(groups(name+".example.com", "v1"))
	extensionAPI.Spec.ExistingService.CABundle = []byte("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
	apply(t, extensionAPI)
	await(t, name, status.FailedStatus,
		isFalse(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonInvalidCABundle, "spec.existingService.caBundle"),
		isTrue(v1alpha1.ConditionStalled, v1alpha1.ReasonInvalidCABundle))
	expectDocumented(t, "invalid-ca-bundle", name, v1alpha1.ConditionCertificatesReady)
	expectAPIServices(t, name)
	setCABundle(t, name, backend.signer.Certificate)
	awaitRegistered(t, name)
}

func TestDiscoveryOverLimitIsReportedAndTheAPIStaysAvailable(t *testing.T) {
	t.Parallel()
	const name = "sluggish"
	backend, server := startBackend(t, name, "v1")
	server.Behave(slow(300 * time.Millisecond))
	extensionAPI := backend.declare(groups(name+".example.com", "v1"))
	extensionAPI.Spec.Discovery.Limit = &metav1.Duration{Duration: 100 * time.Millisecond}
	apply(t, extensionAPI)
	await(t, name, status.CurrentStatus,
		isTrue(v1alpha1.ConditionReady, v1alpha1.ReasonReady),
		isFalse(v1alpha1.ConditionDiscoveryWithinLimit, v1alpha1.ReasonServerSlow,
			"v1.sluggish.example.com took ", "(limit 100ms)", "waiting for endpoint localhost"))
	server.Behave(extensionserver.Behaviour{})
	await(t, name, status.CurrentStatus,
		isTrue(v1alpha1.ConditionDiscoveryWithinLimit, v1alpha1.ReasonWithinLimit, "100ms"))
}

func TestRegisteredServerThatFailsIsReportedAndStaysRegistered(t *testing.T) {
	t.Parallel()
	const name = "failing-later"
	backend, server := startBackend(t, name, "v1")
	apply(t, backend.declare(groups(name+".example.com", "v1")))
	awaitRegistered(t, name)
	before := apiServices(t, name)["v1.failing-later.example.com"].UID

	server.Behave(failing(http.StatusInternalServerError))
	triggerAvailabilityCheck(t, backend)
	await(t, name, status.InProgressStatus,
		isTrue(v1alpha1.ConditionRegistered, v1alpha1.ReasonRegistered),
		isFalse(v1alpha1.ConditionAPIServicesAvailable, "FailedDiscoveryCheck", "v1.failing-later.example.com"),
		isFalse(v1alpha1.ConditionDiscoveryWithinLimit, v1alpha1.ReasonServerError,
			"answered 500", "look at the server's log"))
	expectDocumented(t, "discovery-fails", name, v1alpha1.ConditionAPIServicesAvailable)
	if after := apiServices(t, name)["v1.failing-later.example.com"].UID; after != before {
		t.Error("the APIService was recreated")
	}
	server.Behave(extensionserver.Behaviour{})
	awaitRegistered(t, name)
}

func TestRegisteredServerThatIsNoLongerTrustedIsUnavailable(t *testing.T) {
	t.Parallel()
	const name = "trust-lost"
	backend, server := startBackend(t, name, "v1")
	apply(t, backend.declare(groups(name+".example.com", "v1")))
	awaitRegistered(t, name)

	server.Present(keyPair(t, servingFor(t, newSigner(t), name)))
	server.CloseClientConnections()
	triggerAvailabilityCheck(t, backend)
	reason := "FailedDiscoveryCheck"
	if !availableProvesTrust(t) {
		reason = v1alpha1.ReasonCertificateUntrusted
	}
	await(t, name, status.InProgressStatus,
		isTrue(v1alpha1.ConditionRegistered, v1alpha1.ReasonRegistered),
		isFalse(v1alpha1.ConditionAPIServicesAvailable, reason, "v1.trust-lost.example.com", "unknown authority"),
		isFalse(v1alpha1.ConditionDiscoveryWithinLimit, v1alpha1.ReasonCertificateUntrusted),
		isFalse(v1alpha1.ConditionReady, reason))
	server.Present(keyPair(t, servingFor(t, backend.signer, name)))
	triggerAvailabilityCheck(t, backend)
	awaitRegistered(t, name)
}

func expectNotRegistered(t *testing.T, b *backend, cause string) {
	t.Helper()
	expectNotRegisteredFor(t, b, v1alpha1.ReasonProbeFailed, status.InProgressStatus, cause)
}

func expectNotRegisteredFor(t *testing.T, b *backend, reason string, state status.Status, cause string) {
	t.Helper()
	name := b.service.Name
	await(t, name, state,
		isFalse(v1alpha1.ConditionRegistered, reason,
			"v1."+name+".example.com", fmt.Sprintf("endpoint localhost:%d", b.port), cause),
		isFalse(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonNotRegistered),
		isUnknown(v1alpha1.ConditionDiscoveryWithinLimit, v1alpha1.ReasonNotAvailable))
	expectAPIServices(t, name)
}

// awaitRegistered waits until an ExtensionAPI is registered and healthy.
func awaitRegistered(t *testing.T, name string) {
	t.Helper()
	await(t, name, status.CurrentStatus,
		isTrue(v1alpha1.ConditionRegistered, v1alpha1.ReasonRegistered),
		isTrue(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonAllAvailable),
		isTrue(v1alpha1.ConditionDiscoveryWithinLimit, v1alpha1.ReasonWithinLimit),
		isTrue(v1alpha1.ConditionReady, v1alpha1.ReasonReady))
}

// triggerAvailabilityCheck makes kube-apiserver check the availability immediately instead of within 30 seconds.
func triggerAvailabilityCheck(t *testing.T, b *backend) {
	t.Helper()
	annotate(t, b.service)
}
