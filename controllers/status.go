// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// readyWhen are the conditions that Ready sums up, in the order of a server's life: the first that is not True is the
// cause of the others.
var readyWhen = []string{
	v1alpha1.ConditionCertificatesReady,
	v1alpha1.ConditionServerAvailable,
	v1alpha1.ConditionRegistered,
	v1alpha1.ConditionAvailable,
}

// summarize turns the verdicts into conditions and adds Ready, Reconciling and Stalled.
func summarize(s *scope, now time.Time) {
	s.Status.ObservedGeneration = s.Generation
	for _, conditionType := range append(readyWhen, v1alpha1.ConditionDiscoveryWithinLimit) {
		v, concluded := s.verdicts[conditionType]
		if !concluded {
			v = earlierVerdict(s.Status.Conditions, conditionType)
			s.verdicts[conditionType] = v
		}
		setCondition(s, conditionType, v, now)
	}
	setCondition(s, v1alpha1.ConditionReady, readyVerdict(s.verdicts), now)
	reconciling, stalled := progressVerdicts(s.verdicts)
	setCondition(s, v1alpha1.ConditionReconciling, reconciling, now)
	setCondition(s, v1alpha1.ConditionStalled, stalled, now)
}

// earlierVerdict is what was told before, for a phase that could not conclude this time.
func earlierVerdict(conditions []metav1.Condition, conditionType string) verdict {
	if earlier := meta.FindStatusCondition(conditions, conditionType); earlier != nil {
		return verdict{earlier.Status, earlier.Reason, earlier.Message, working}
	}
	return unknown(v1alpha1.ReasonPending, "not looked at yet")
}

// readyVerdict is the first cause why the API does not serve, or that it does.
func readyVerdict(verdicts map[string]verdict) verdict {
	for _, conditionType := range readyWhen {
		if v := verdicts[conditionType]; v.status != metav1.ConditionTrue {
			return v
		}
	}
	return good(v1alpha1.ReasonReady, "the API is served and registered")
}

// progressVerdicts says whether anything is still being done, or waits for somebody.
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
		reconciling = bad(v1alpha1.ConditionStalled, "see Stalled", settled)
	}
	return reconciling, stalling
}

func setCondition(s *scope, conditionType string, v verdict, now time.Time) {
	meta.SetStatusCondition(&s.Status.Conditions, metav1.Condition{
		Type:               conditionType,
		Status:             v.status,
		Reason:             v.reason,
		Message:            v.message,
		ObservedGeneration: s.Generation,
		LastTransitionTime: metav1.NewTime(now),
	})
}

// writeStatus writes the status if it changed, and then sends the events. The optimistic lock keeps an outdated cache
// from taking back what was written since.
func (r *Reconciler) writeStatus(ctx context.Context, s *scope) error {
	if equality.Semantic.DeepEqual(s.before.Status, s.Status) {
		return nil
	}
	object := s.DeepCopy()
	if err := r.Client.Status().Patch(ctx, object, optimisticMergeFrom(s.before)); err != nil {
		return err
	}
	r.sendEvents(s)
	return nil
}
