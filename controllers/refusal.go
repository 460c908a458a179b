// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/apply"
)

// refusalRetry is the time after which a refused object is tried again: what refused it need not tell when it changes.
const refusalRetry = 5 * time.Second

// writeVerdict says why an object could not be written, in the cluster's own words, and what to do about it. An error
// that is not the user's to solve is returned, too, to be logged and tried again.
func writeVerdict(err error) (verdict, error) {
	if conflict, ok := errors.AsType[*apply.ConflictError](err); ok {
		return bad(v1alpha1.ReasonNameConflict, fmt.Sprintf(
			"%v; delete it, or give the ExtensionAPI another name", conflict), stalled), nil
	}
	switch {
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return bad(v1alpha1.ReasonNamespaceTerminating, err.Error(), working), nil
	case apierrors.IsForbidden(err), apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		return bad(v1alpha1.ReasonRefused, fmt.Sprintf(
			"the API server refused it: %v; change the ExtensionAPI or what refused it; it is tried again every %s",
			err, refusalRetry), stalled), nil
	default:
		return bad(v1alpha1.ReasonWriteFailed, fmt.Sprintf("%v; it is tried again", err), working), err
	}
}
