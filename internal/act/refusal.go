// SPDX-License-Identifier: Apache-2.0

package act

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
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
	"github.com/extensionapi/extensionapi-operator/internal/plan"
)

// refusalRetry is the time after which a rejected object is tried again: nothing reports when what rejected it changes.
const refusalRetry = 5 * time.Second

// refusal finds that the API server rejected an object, for reasons that a user can do something about. Any other error
// is to be logged and tried again.
func refusal(err error) (found finding.Finding, refused bool) {
	if conflict, ok := errors.AsType[*apply.ConflictError](err); ok {
		return nameConflict(conflict), true
	}
	switch {
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return finding.Bad(v1alpha1.ReasonNamespaceTerminating, excerpt.Quote(err.Error()), finding.Working), true
	case apierrors.IsForbidden(err), apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		return finding.Bad(v1alpha1.ReasonRejected, "the API server rejected it: "+excerpt.Quote(err.Error()),
			finding.Stalled).Alarming().
			Advising(fmt.Sprintf("Fix the ExtensionAPI or the rejecting policy; retrying every %s", refusalRetry)), true
	default:
		return finding.Finding{}, false
	}
}

// refuse records that the API server rejected an object, and has it tried again. Any other error is returned.
func (e *execution) refuse(into *finding.Finding, err error) error {
	found, refused := refusal(err)
	if !refused {
		return err
	}
	*into = found
	e.out.After(refusalRetry)
	return nil
}

func nameConflict(conflict *apply.ConflictError) finding.Finding {
	advice := "Give the ExtensionAPI another name; or, if it belongs to a server that runs, declare that with " +
		"spec.existingService. Before you delete it, check what uses it: " + conflict.Look()
	if conflict.Owner.Kind == ownership.EarlierExtensionAPI {
		advice = "Set spec.adoptionPolicy: Adopt to adopt it, with everything else that was orphaned and may still serve " +
			"requests; or give the ExtensionAPI another name"
	}
	return finding.Bad(v1alpha1.ReasonNameConflict, conflict.Error(), finding.Stalled).Alarming().Advising(advice)
}

// fightReported is the pause from which on a fight is reported: two or three changes in a row may be one person's.
const fightReported = 4 * time.Second

// obstacle is what a user can do something about; any other error is returned.
func (e *execution) obstacle(err error) (finding.Finding, error) {
	if conflict, ok := errors.AsType[*apply.ConflictError](err); ok {
		return plan.NotClaimed("it", conflict.Owner), nil
	}
	if fight, ok := errors.AsType[*apply.ContentionError](err); ok {
		e.out.After(fight.RetryAfter)
		if fight.RetryAfter < fightReported {
			return finding.Finding{}, nil
		}
		return contested(fight), nil
	}
	var found finding.Finding
	err = e.refuse(&found, err)
	return found, err
}

// fought is about an object that another client keeps changing, and that is reverted each time.
func fought(c apply.Contention) finding.Note {
	remedy := "Remove it from what that client manages, and change the ExtensionAPI instead"
	if c.Contender.Scales && manifests.IsOfController(c.Object.GetLabels()) {
		remedy = "Delete what scales it, and set the replicas of the controller in spec.controllers"
	} else if c.Contender.Scales {
		remedy = "If it is to be scaled so, by a HorizontalPodAutoscaler for example, set spec.server.scaleTarget: " +
			"Deployment. Otherwise delete what scales it, and scale the ExtensionAPI: kubectl scale xapi " + c.Object.GetName()
	}
	return finding.WarningNote(v1alpha1.ReasonContested, fmt.Sprintf(
		"%s %s/%s: %s keeps changing it, and each change is reverted. %s", c.Kind, c.Object.GetNamespace(),
		c.Object.GetName(), c.Contender, remedy), c.Object)
}

// contested is found of an APIService that another owner keeps changing.
func contested(fight *apply.ContentionError) finding.Finding {
	return finding.Bad(v1alpha1.ReasonContested, fight.Error(), finding.Stalled).Alarming().
		Affecting("Every change makes kube-apiserver reconnect, or connect to another server").
		Advising("Remove the APIService from where that comes from, such as a GitOps repository or a Helm chart")
}
