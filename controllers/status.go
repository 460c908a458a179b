// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// readyWhen are the conditions that Ready sums up, in the order of a server's life: the first that is not True is the
// cause of the others.
var readyWhen = []string{
	v1alpha1.ConditionClaimed,
	v1alpha1.ConditionCertificatesReady,
	v1alpha1.ConditionServerAvailable,
	v1alpha1.ConditionRegistered,
	v1alpha1.ConditionAPIServicesAvailable,
}

// summarize turns the verdicts into conditions and adds Ready, Reconciling and Stalled. After an error that interrupted
// the phases, what was not looked at stays as it was told, of the generation that it was told of.
func summarize(s *scope, interruption error, now time.Time) {
	for _, conditionType := range append(readyWhen, v1alpha1.ConditionDiscoveryWithinLimit) {
		v, concluded := s.verdicts[conditionType]
		earlier := meta.FindStatusCondition(s.Status.Conditions, conditionType)
		switch {
		case concluded:
			setCondition(s, conditionType, v, s.Generation, now)
		case earlier != nil:
			s.verdicts[conditionType] = verdictOf(earlier)
		default:
			s.verdicts[conditionType] = unknown(v1alpha1.ReasonPending, "not looked at yet")
			setCondition(s, conditionType, s.verdicts[conditionType], s.Generation, now)
		}
	}
	reconciling, stalled := progressOf(s, interruption)
	if interruption == nil {
		s.Status.ObservedGeneration = s.Generation
	}
	observed := max(0, s.Status.ObservedGeneration)
	setCondition(s, v1alpha1.ConditionReady, readyVerdict(s.verdicts), observed, now)
	setCondition(s, v1alpha1.ConditionReconciling, reconciling, observed, now)
	setCondition(s, v1alpha1.ConditionStalled, stalled, observed, now)
}

// readyVerdict is the first cause why the API does not serve, or that it does.
func readyVerdict(verdicts map[string]verdict) verdict {
	for _, conditionType := range readyWhen {
		if v := verdicts[conditionType]; v.status != metav1.ConditionTrue {
			return v
		}
	}
	if server := verdicts[v1alpha1.ConditionServerAvailable]; server.progress != settled {
		return good(v1alpha1.ReasonReady, "the API is served and registered, but not all of its replicas are as the spec "+
			"says: "+server.message)
	}
	return good(v1alpha1.ReasonReady, "the API is served and registered")
}

// progressOf says whether anything is still being done, or waits for somebody. Both at once would contradict each
// other; what waits for somebody shows again when the request succeeds, or spec.suspend is false.
func progressOf(s *scope, interruption error) (reconciling, stalling verdict) {
	stalling = bad(v1alpha1.ReasonAsDesired, "nothing waits for you", settled)
	switch {
	case s.isSuspended():
		return suspendedVerdict(s, interruption), stalling
	case interruption != nil:
		return verdict{
			metav1.ConditionTrue, v1alpha1.ReasonRetrying, fmt.Sprintf("%v; it is tried again", interruption), working,
		}, stalling
	default:
		return progressVerdicts(s.verdicts)
	}
}

func progressVerdicts(verdicts map[string]verdict) (reconciling, stalling verdict) {
	reconciling = bad(v1alpha1.ReasonAsDesired, "nothing is left to do", settled)
	stalling = bad(v1alpha1.ReasonAsDesired, "nothing waits for you", settled)
	for _, conditionType := range slices.Backward(readyWhen) {
		v := verdicts[conditionType]
		switch v.progress {
		case working:
			reconciling = verdict{metav1.ConditionTrue, v1alpha1.ReasonProgressing, v.message, working}
		case stalled:
			stalling = verdict{metav1.ConditionTrue, v.reason, v.message, stalled}
		}
	}
	if stalling.status == metav1.ConditionTrue {
		reconciling = bad(v1alpha1.ReasonStalled, "see Stalled", settled)
	}
	return reconciling, stalling
}

// groupNames are those of the spec, for a column of kubectl get: a JSONPath there prints the first of several results
// only (apiextensions-apiserver pkg/registry/customresource/tableconvertor).
func groupNames(extensionAPI *v1alpha1.ExtensionAPI) string {
	var names []string
	for _, group := range extensionAPI.Spec.Groups {
		names = append(names, group.Name)
	}
	return strings.Join(names, ",")
}

func setCondition(s *scope, conditionType string, v verdict, generation int64, now time.Time) {
	meta.SetStatusCondition(&s.Status.Conditions, metav1.Condition{
		Type:               conditionType,
		Status:             v.status,
		Reason:             v.reason,
		Message:            v.message,
		ObservedGeneration: generation,
		LastTransitionTime: metav1.NewTime(now),
	})
}

// writeStatus writes the status if it changed, and then tells of the conditions that turned. What the phases did is
// told in any case: it is done. The optimistic lock keeps an outdated cache from taking back what was written since.
func (r *Reconciler) writeStatus(ctx context.Context, s *scope) error {
	boundTexts(&s.Status)
	r.sendEvents(s, s.notes)
	r.Metrics.observe(s.Name, &s.Status)
	if onlyNoise(&s.before.Status, &s.Status, policy(s).Limit) {
		return nil
	}
	object := s.DeepCopy()
	if err := r.Client.Status().Patch(ctx, object, optimisticMergeFrom(s.before)); err != nil {
		return err
	}
	r.sendEvents(s, append(transitions(s.before.Status.Conditions, s.Status.Conditions), suspensionNotes(s)...))
	return nil
}
