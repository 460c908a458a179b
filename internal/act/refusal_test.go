// SPDX-License-Identifier: Apache-2.0

package act

import (
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/apply"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/finding/findingtest"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
)

func conflictWith(kind ownership.Kind) error {
	return &apply.ConflictError{Kind: "Service", Namespace: "a", Name: "b", Owner: ownership.Owner{
		Kind: kind, Words: "another owner",
	}}
}

func terminating() error {
	err := apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "a", errors.New("being terminated"))
	err.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
	return err
}

func TestOnlyWhatAUserCanActOnIsARefusal(t *testing.T) {
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "a", errors.New("no policy allows it"))
	for name, test := range map[string]struct {
		err             error
		reason, message string
		warning         bool
	}{
		"another owner's object": {
			conflictWith(ownership.HelmRelease), v1alpha1.ReasonNameConflict,
			"Give the ExtensionAPI another name; or, if it belongs to a server that runs, declare", true,
		},
		"an object of an earlier ExtensionAPI": {
			conflictWith(ownership.EarlierExtensionAPI), v1alpha1.ReasonNameConflict,
			"Set spec.adoptionPolicy: Adopt to adopt it, with everything else that was orphaned and may still serve", true,
		},
		"a namespace that is terminating": {terminating(), v1alpha1.ReasonNamespaceTerminating, "being terminated", false},
		"a policy": {
			forbidden, v1alpha1.ReasonRejected, "no policy allows it. Fix the ExtensionAPI", true,
		},
		"an invalid object": {apierrors.NewBadRequest("x"), v1alpha1.ReasonRejected, "retrying every 5s", true},
		"a timeout":         {apierrors.NewTimeoutError("x", 1), "", "", false},
		"no error":          {nil, "", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			got, refused := refusal(test.err)
			if refused != (test.reason != "") {
				t.Errorf("it is a refusal: %t", refused)
			}
			findingtest.Expect(t, got, got.Status, test.reason, test.message)
			// It may be reported of a certificate that is still served.
			if got.Status = metav1.ConditionTrue; got.Found() && got.IsWarning() != test.warning {
				t.Errorf("it is a warning: %t", got.IsWarning())
			}
		})
	}
}

func TestWhatPreventsAnAPIServiceIsAnObstacleOrAnError(t *testing.T) {
	const soon, late = fightReported - time.Second, fightReported
	timeout := apierrors.NewTimeoutError("x", 1)
	for name, test := range map[string]struct {
		err    error
		status metav1.ConditionStatus
		reason string
		fails  bool
		retry  time.Duration
	}{
		"another owner has it":     {conflictWith(ownership.Other), "False", v1alpha1.ReasonNotClaimed, false, 0},
		"another owner changed it": {&apply.ContentionError{RetryAfter: soon}, "", "", false, soon},
		"another owner keeps changing it": {
			&apply.ContentionError{RetryAfter: late}, "False", v1alpha1.ReasonContested, false, late,
		},
		"the API server rejects it": {
			apierrors.NewBadRequest("x"), "False", v1alpha1.ReasonRejected, false, refusalRetry,
		},
		"the API server does not answer": {timeout, "", "", true, 0},
		"nothing":                        {nil, "", "", false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			e := &execution{}
			got, err := e.obstacle(test.err)
			findingtest.Expect(t, got, test.status, test.reason, "")
			if (err != nil) != test.fails || e.out.Retry != test.retry {
				t.Errorf("the error is %v, and it is retried after %s", err, e.out.Retry)
			}
			if got.Found() && got.Code != v1alpha1.ReasonNotClaimed && got.Progress != finding.Stalled {
				t.Error("a user must act, but it is not stalled")
			}
		})
	}
}
