// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
	"testing"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/finding/findingtest"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

// trusting returns a snapshot of a Service whose CA bundle a Secret contains.
func trusting(bundle snapshot.CABundle) *snapshot.Snapshot {
	s := snapshottest.BehindExistingService()
	s.Spec.ExistingService.CABundleFrom = &v1alpha1.CABundleSource{
		SecretRef: &v1alpha1.CABundleKeyReference{Name: "ca", Key: "ca.crt"},
	}
	bundle.Source, bundle.Key = manifests.CABundleSource(s.Spec.ExistingService)
	s.Certificates = snapshot.Of(snapshot.Certificates{CABundle: bundle}, nil)
	return s
}

func TestABundleOfAnotherOwnerIsStoredOnceItCanBeUsed(t *testing.T) {
	ca := newSigner(t).Certificate
	outOfReach := finding.Bad(v1alpha1.ReasonNamespaceNotAllowed, "not allowed", finding.Stalled)
	for name, test := range map[string]struct {
		bundle          snapshot.CABundle
		reason, message string
		watched         bool
	}{
		"it can be used": {snapshot.CABundle{Exists: true, HasKey: true, PEM: ca}, "", "", true},
		"there is no such Secret": {
			snapshot.CABundle{}, v1alpha1.ReasonCABundleNotFound, "Secret wardle-system/ca does not exist", true,
		},
		"it has no such key": {
			snapshot.CABundle{Exists: true},
			v1alpha1.ReasonCABundleNotFound, "Secret wardle-system/ca has no key ca.crt",
			true,
		},
		"it is no PEM": {
			snapshot.CABundle{Exists: true, HasKey: true, PEM: []byte("x")},
			v1alpha1.ReasonInvalidCABundle,
			"Secret wardle-system/ca, key ca.crt cannot be used", true,
		},
		"it must not be read": {
			snapshot.CABundle{Unreadable: outOfReach}, v1alpha1.ReasonNamespaceNotAllowed, "not allowed", false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := trusting(test.bundle)
			snapshottest.Unregister(s)
			c := nextOf(t, s).Certificates
			if c.Problem.Code != test.reason || (c.Rotation != nil) != (test.reason == "") ||
				(c.Watched != nil) != test.watched {
				t.Errorf("planned is %+v", c)
			}
			if test.reason != "" {
				findingtest.Expect(t, c.Problem, "False", test.reason, test.message)
			}
		})
	}
}

func TestABundleIsReplacedOnlyOnceItIsKnownWhatTheEndpointsServe(t *testing.T) {
	s := trusting(snapshot.CABundle{Exists: true, HasKey: true, PEM: newSigner(t).Certificate})
	s.Existing(groupVersion).Spec.CABundle = newSigner(t).Certificate
	c := nextOf(t, s).Certificates
	if len(c.Handshakes) != 1 || c.Handshakes[0].Address != snapshottest.Replica.Address || c.Rotation != nil {
		t.Errorf("before the handshake, planned is %+v", c)
	}
	s.Handshakes.Ended = noon
	if c = nextOf(t, s).Certificates; c.Rotation == nil || c.Rotation.Record.Phase != v1alpha1.RotationPublishingTrust {
		t.Errorf("after the handshake, planned is %+v", c)
	}

	s.Endpoints = snapshot.Of(snapshot.Endpoints{}, errors.New("connection refused"))
	if c = nextOf(t, s).Certificates; c.Rotation != nil {
		t.Errorf("without endpoints, planned is %+v", c.Rotation)
	}
}

func TestAnEarlierCAStaysTrustedWhileThereIsNoEndpoint(t *testing.T) {
	s := trusting(snapshot.CABundle{Exists: true, HasKey: true, PEM: newSigner(t).Certificate})
	s.Existing(groupVersion).Spec.CABundle = newSigner(t).Certificate
	s.Endpoints = snapshot.Of(snapshot.Endpoints{}, nil)
	c := nextOf(t, s).Certificates
	if len(c.Handshakes) != 0 || c.Rotation == nil || c.Rotation.Record.Phase != v1alpha1.RotationPublishingTrust {
		t.Errorf("planned is %+v", c)
	}
}
