// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func scopeOf(generation int64) *scope {
	s := newScope(&v1alpha1.ExtensionAPI{Spec: v1alpha1.ExtensionAPISpec{Server: &v1alpha1.Server{}}})
	s.Generation = generation
	return s
}

func concludeAll(s *scope, v verdict) {
	for _, conditionType := range append(readyWhen, v1alpha1.ConditionDiscoveryWithinLimit) {
		s.conclude(conditionType, v)
	}
}

func statusOf(s *scope, conditionType string) metav1.ConditionStatus {
	return meta.FindStatusCondition(s.Status.Conditions, conditionType).Status
}

func TestSummarizeSetsEveryConditionWithGenerationReasonAndMessage(t *testing.T) {
	s := scopeOf(7)
	summarize(s, nil, noon)
	if len(s.Status.Conditions) != 9 || s.Status.ObservedGeneration != 7 {
		t.Errorf("%d conditions, observed generation %d", len(s.Status.Conditions), s.Status.ObservedGeneration)
	}
	for _, condition := range s.Status.Conditions {
		if condition.ObservedGeneration != 7 || condition.Reason == "" || condition.Message == "" {
			t.Errorf("incomplete: %+v", condition)
		}
	}
	if got := statusOf(s, v1alpha1.ConditionReady); got != metav1.ConditionUnknown {
		t.Errorf("Ready = %s before anything was looked at", got)
	}
}

func TestSummarizeFollowsKstatus(t *testing.T) {
	fine := good(v1alpha1.ReasonRegistered, "fine")
	tests := map[string]struct {
		server                       verdict
		ready, reconciling, stalling metav1.ConditionStatus
	}{
		"all is well":    {fine, "True", "False", "False"},
		"rolling out":    {verdict{"True", v1alpha1.ReasonRollingOut, "1 of 2", working}, "True", "True", "False"},
		"not up yet":     {bad(v1alpha1.ReasonRollingOut, "0 of 2", working), "False", "True", "False"},
		"up to the user": {bad(v1alpha1.ReasonRolloutStalled, "0 of 2", stalled), "False", "False", "True"},
		"not known":      {unknown(v1alpha1.ReasonPending, "not looked at"), "Unknown", "True", "False"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := scopeOf(1)
			concludeAll(s, fine)
			s.conclude(v1alpha1.ConditionServerAvailable, test.server)
			summarize(s, nil, noon)
			for conditionType, want := range map[string]metav1.ConditionStatus{
				v1alpha1.ConditionReady:       test.ready,
				v1alpha1.ConditionReconciling: test.reconciling,
				v1alpha1.ConditionStalled:     test.stalling,
			} {
				if got := statusOf(s, conditionType); got != want {
					t.Errorf("%s = %s, want %s", conditionType, got, want)
				}
			}
		})
	}
}

func TestReadyTellsOfAChangeThatIsNotRolledOut(t *testing.T) {
	s := scopeOf(1)
	concludeAll(s, good(v1alpha1.ReasonRegistered, "fine"))
	s.conclude(v1alpha1.ConditionServerAvailable, verdict{"True", v1alpha1.ReasonImagePullFailed, "not found", working})
	summarize(s, nil, noon)
	ready := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ConditionReady)
	if ready.Status != metav1.ConditionTrue || !strings.Contains(ready.Message, "not found") {
		t.Errorf("Ready is %s and says %q", ready.Status, ready.Message)
	}
	for _, n := range transitions(nil, s.Status.Conditions) {
		if (n.reason == v1alpha1.ReasonImagePullFailed) != (n.eventType == "Warning") {
			t.Errorf("%s is a %s", n.reason, n.eventType)
		}
	}
}

func TestReadyTellsTheFirstCause(t *testing.T) {
	s := scopeOf(1)
	concludeAll(s, bad(v1alpha1.ReasonNotRegistered, "a consequence", working))
	s.conclude(v1alpha1.ConditionClaimed, good(v1alpha1.ReasonClaimed, "fine"))
	s.conclude(v1alpha1.ConditionCertificatesReady, good(v1alpha1.ReasonIssued, "fine"))
	s.conclude(v1alpha1.ConditionServerAvailable, bad(v1alpha1.ReasonImagePullFailed, "the cause", working))
	summarize(s, nil, noon)
	if got := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ConditionReady); got.Message != "the cause" {
		t.Errorf("Ready says %q", got.Message)
	}
}

func TestSlowDiscoveryDoesNotMakeAServedAPIUnready(t *testing.T) {
	s := scopeOf(1)
	concludeAll(s, good(v1alpha1.ReasonRegistered, "fine"))
	s.conclude(v1alpha1.ConditionDiscoveryWithinLimit, bad(v1alpha1.ReasonServerSlow, "slow", working))
	summarize(s, nil, noon)
	if got := statusOf(s, v1alpha1.ConditionReady); got != metav1.ConditionTrue {
		t.Errorf("Ready = %s", got)
	}
}

func TestAnErrorKeepsWhatWasToldOfTheGenerationThatItWasToldOf(t *testing.T) {
	s := scopeOf(1)
	concludeAll(s, good(v1alpha1.ReasonRegistered, "fine"))
	summarize(s, nil, noon)

	later := newScope(s.ExtensionAPI)
	later.Generation = 2
	summarize(later, errors.New("kube-apiserver is away"), noon.Add(time.Hour))
	for _, condition := range later.Status.Conditions {
		if condition.Type != v1alpha1.ConditionReconciling && !condition.LastTransitionTime.Time.Equal(noon) {
			t.Errorf("%s turned to %s", condition.Type, condition.Status)
		}
		if condition.ObservedGeneration != 1 {
			t.Errorf("%s claims to speak of generation %d", condition.Type, condition.ObservedGeneration)
		}
	}
	if got := statusOf(later, v1alpha1.ConditionReconciling); got != metav1.ConditionTrue {
		t.Errorf("Reconciling = %s", got)
	}
	if got := later.Status.ObservedGeneration; got != 1 {
		t.Errorf("observed generation %d", got)
	}
}

func TestTransitionsTellEachTurnOnce(t *testing.T) {
	before := scopeOf(1)
	concludeAll(before, bad(v1alpha1.ReasonRollingOut, "starting", working))
	summarize(before, nil, noon)
	if notes := transitions(nil, before.Status.Conditions); len(notes) != 0 {
		t.Errorf("what every ExtensionAPI goes through was told: %+v", notes)
	}

	after := newScope(before.ExtensionAPI)
	concludeAll(after, good(v1alpha1.ReasonRegistered, "fine"))
	after.conclude(v1alpha1.ConditionServerAvailable, bad(v1alpha1.ReasonCrashing, "exit code 1", working))
	summarize(after, nil, noon)
	notes := transitions(before.Status.Conditions, after.Status.Conditions)
	var warnings int
	for _, n := range notes {
		if n.eventType == "Warning" {
			warnings++
		}
	}
	if len(notes) != 6 || warnings != 1 {
		t.Errorf("%d notes, %d warnings: %+v", len(notes), warnings, notes)
	}
	if again := transitions(after.Status.Conditions, after.Status.Conditions); len(again) != 0 {
		t.Errorf("told again: %+v", again)
	}
}
