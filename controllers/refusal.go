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
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/holder"
)

// refusalRetry is the time after which a refused object is tried again: what refused it need not tell when it changes.
const refusalRetry = 5 * time.Second

// refuse concludes that the API server refused an object, in its own words and with what to do about it. Any other
// error is returned, to be logged and tried again: it says nothing of what the condition is about.
func (s *scope) refuse(conditionType string, err error) error {
	v, refused := s.refusal(err)
	if !refused {
		return err
	}
	s.conclude(conditionType, v)
	return nil
}

// refusal tells that the API server refused an object, and has it tried again.
func (s *scope) refusal(err error) (v finding.Finding, refused bool) {
	v, refused = refusalVerdict(err)
	if refused {
		s.requeueAfter(refusalRetry)
	}
	return v, refused
}

func refusalVerdict(err error) (v finding.Finding, refused bool) {
	if conflict, ok := errors.AsType[*apply.ConflictError](err); ok {
		advice := "delete it, or give the ExtensionAPI another name"
		if conflict.Holder.Kind == holder.EarlierExtensionAPI {
			advice = "set spec.adoptionPolicy: Adopt to take it back, with everything else that was left; or " + advice
		}
		return finding.Bad(v1alpha1.ReasonNameConflict, fmt.Sprintf("%v; %s", conflict, advice), finding.Stalled), true
	}
	switch {
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return finding.Bad(v1alpha1.ReasonNamespaceTerminating, excerpt.Quote(err.Error()), finding.Working), true
	case apierrors.IsForbidden(err), apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		return finding.Bad(v1alpha1.ReasonRefused, fmt.Sprintf(
			"the API server refused it: %s; change the ExtensionAPI or what refused it; it is tried again every %s",
			excerpt.Quote(err.Error()), refusalRetry), finding.Stalled), true
	default:
		return finding.Finding{}, false
	}
}
