// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/objectcheck"
	"github.com/extensionapi/extensionapi-operator/test/audit"
)

// TestProbeTokensAreRevokedWithTheirSecret uses a dedicated control plane, where nothing is probed for a while.
func TestProbeTokensAreRevokedWithTheirSecret(t *testing.T) {
	const name, group = "revoked", "wardle.example.com"
	useAnotherControlPlane(t)
	start(t, installed)
	sample := exposeBackend(t, name, freePort(t))
	plane.startSampleServer(t, sample.port, servingFor(t, sample.signer, name))
	apply(t, sample.declare(groups(group, "v1beta1")))
	await(t, name, status.CurrentStatus, isTrue(v1alpha1.ConditionDiscoveryWithinLimit, v1alpha1.ReasonWithinLimit))
	account := client.ObjectKey{Namespace: operatorNamespace, Name: proberAccount}
	token, err := discovery.TokensOf(t.Context(), plane.client, clock.RealClock{}, account).Token(t.Context())
	if err != nil || !authenticates(t, token) {
		t.Fatalf("a new token is not valid (%v)", err)
	}

	secret := &corev1.Secret{ObjectMeta: in(operatorNamespace, proberAccount)}
	deleteNow(t, secret)
	eventually(t, func() error {
		if authenticates(t, token) {
			return errors.New("the token is still valid")
		}
		return nil
	})
	await(t, name, status.CurrentStatus,
		isUnknown(v1alpha1.ConditionDiscoveryWithinLimit, v1alpha1.ReasonProbeNotPossible,
			"cannot get a token for probing", `secrets "extensionapi-operator-prober" not found`),
		isTrue(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonAllAvailable))

	create(t, &corev1.Secret{ObjectMeta: in(operatorNamespace, proberAccount)})
	await(t, name, status.CurrentStatus, isTrue(v1alpha1.ConditionDiscoveryWithinLimit, v1alpha1.ReasonWithinLimit))
	if sent := probesAsOperator(t, group); len(sent) > 0 {
		t.Errorf("with its own credentials the operator sent %q", sent)
	}
}

// authenticates reports whether kube-apiserver accepts a token as one of the prober.
func authenticates(t *testing.T, token string) bool {
	t.Helper()
	review := &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token}}
	if err := plane.client.Create(ctx, review); err != nil {
		t.Fatal(err)
	}
	prober := fmt.Sprintf("system:serviceaccount:%s:%s", operatorNamespace, proberAccount)
	return review.Status.Authenticated && review.Status.User.Username == prober
}

// probesAsOperator returns the discovery requests for a group that carried the operator's own credentials.
func probesAsOperator(t *testing.T, group string) (sent []string) {
	t.Helper()
	events, err := audit.Read(plane.dir, operatorUser)
	if err != nil || len(events) == 0 {
		t.Fatalf("the operator sent %d requests (%v)", len(events), err)
	}
	for _, event := range events {
		if strings.HasPrefix(event.RequestURI, "/apis/"+group+"/") && event.UserAgent != objectcheck.UserAgent {
			sent = append(sent, event.RequestURI)
		}
	}
	return sent
}
