// SPDX-License-Identifier: Apache-2.0

package report

import (
	"errors"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// all are findings of every condition, the same but for one.
func all(same finding.Finding, but string, other finding.Finding) map[string]finding.Finding {
	findings := map[string]finding.Finding{}
	for _, conditionType := range Found() {
		findings[conditionType] = same
	}
	if but != "" {
		findings[but] = other
	}
	return findings
}

func summarized(generation int64, findings map[string]finding.Finding) *v1alpha1.ExtensionAPIStatus {
	status := &v1alpha1.ExtensionAPIStatus{}
	Conditions{Generation: generation, Findings: findings, Now: noon}.WriteTo(status)
	return status
}

func statusOf(status *v1alpha1.ExtensionAPIStatus, conditionType string) metav1.ConditionStatus {
	return meta.FindStatusCondition(status.Conditions, conditionType).Status
}

func TestSummarizeSetsEveryConditionWithGenerationReasonAndMessage(t *testing.T) {
	s := summarized(7, nil)
	if len(s.Conditions) != 9 || s.ObservedGeneration != 7 {
		t.Errorf("%d conditions, observed generation %d", len(s.Conditions), s.ObservedGeneration)
	}
	for _, condition := range s.Conditions {
		if condition.ObservedGeneration != 7 || condition.Reason == "" || condition.Message == "" {
			t.Errorf("incomplete: %+v", condition)
		}
	}
	if got := statusOf(s, v1alpha1.ConditionReady); got != metav1.ConditionUnknown {
		t.Errorf("Ready = %s before anything was looked at", got)
	}
}

func TestSummarizeFollowsKstatus(t *testing.T) {
	fine := finding.Good(v1alpha1.ReasonRegistered, "fine")
	tests := map[string]struct {
		server                       finding.Finding
		ready, reconciling, stalling metav1.ConditionStatus
	}{
		"all is well":    {fine, "True", "False", "False"},
		"rolling out":    {finding.True(v1alpha1.ReasonRollingOut, "1 of 2", finding.Working), "True", "True", "False"},
		"not up yet":     {finding.Bad(v1alpha1.ReasonRollingOut, "0 of 2", finding.Working), "False", "True", "False"},
		"up to the user": {finding.Bad(v1alpha1.ReasonRolloutStalled, "0 of 2", finding.Stalled), "False", "False", "True"},
		"not known":      {finding.Unknown(v1alpha1.ReasonPending, "not looked at"), "Unknown", "True", "False"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := summarized(1, all(fine, v1alpha1.ConditionServerAvailable, test.server))
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
	fine := finding.Good(v1alpha1.ReasonRegistered, "fine")
	other := finding.True(v1alpha1.ReasonImagePullFailed, "not found", finding.Working)
	s := summarized(1, all(fine, v1alpha1.ConditionServerAvailable, other))
	ready := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionReady)
	if ready.Status != metav1.ConditionTrue || !strings.Contains(ready.Message, "not found") {
		t.Errorf("Ready is %s and says %q", ready.Status, ready.Message)
	}
	for _, n := range Transitions(nil, s.Conditions) {
		if (n.Reason == v1alpha1.ReasonImagePullFailed) != (n.Type == "Warning") {
			t.Errorf("%s is a %s", n.Reason, n.Type)
		}
	}
}

func TestReadyTellsTheFirstCause(t *testing.T) {
	consequence := finding.Bad(v1alpha1.ReasonNotRegistered, "a consequence", finding.Working)
	cause := finding.Bad(v1alpha1.ReasonImagePullFailed, "the cause", finding.Working)
	findings := all(consequence, v1alpha1.ConditionServerAvailable, cause)
	findings[v1alpha1.ConditionClaimed] = finding.Good(v1alpha1.ReasonClaimed, "fine")
	findings[v1alpha1.ConditionCertificatesReady] = finding.Good(v1alpha1.ReasonIssued, "fine")
	s := summarized(1, findings)
	if got := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionReady); got.Message != "the cause" {
		t.Errorf("Ready says %q", got.Message)
	}
}

func TestSlowDiscoveryDoesNotMakeAServedAPIUnready(t *testing.T) {
	fine := finding.Good(v1alpha1.ReasonRegistered, "fine")
	other := finding.Bad(v1alpha1.ReasonServerSlow, "slow", finding.Working)
	s := summarized(1, all(fine, v1alpha1.ConditionDiscoveryWithinLimit, other))
	if got := statusOf(s, v1alpha1.ConditionReady); got != metav1.ConditionTrue {
		t.Errorf("Ready = %s", got)
	}
}

func TestAnErrorKeepsWhatWasToldOfTheGenerationThatItWasToldOf(t *testing.T) {
	later := summarized(1, all(finding.Good(v1alpha1.ReasonRegistered, "fine"), "", finding.Finding{}))
	Conditions{
		Generation: 2, Interruption: errors.New("kube-apiserver is away"), Interrupted: noon.Add(time.Hour),
		Now: noon.Add(time.Hour + staysFor - time.Second),
	}.WriteTo(later)
	for _, condition := range later.Conditions {
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
	if got := later.ObservedGeneration; got != 1 {
		t.Errorf("observed generation %d", got)
	}
}

func TestTransitionsTellEachTurnOnce(t *testing.T) {
	starting := finding.Bad(v1alpha1.ReasonRollingOut, "starting", finding.Working)
	before := summarized(1, all(starting, "", finding.Finding{}))
	if notes := Transitions(nil, before.Conditions); len(notes) != 0 {
		t.Errorf("what every ExtensionAPI goes through is an Event: %+v", notes)
	}

	crashing := finding.Bad(v1alpha1.ReasonCrashing, "exit code 1", finding.Working)
	after := before.DeepCopy()
	Conditions{
		Generation: 1, Now: noon, Findings: all(
			finding.Good(v1alpha1.ReasonRegistered, "fine"), v1alpha1.ConditionServerAvailable, crashing),
	}.WriteTo(after)
	notes := Transitions(before.Conditions, after.Conditions)
	var warnings int
	for _, n := range notes {
		if n.Type == "Warning" {
			warnings++
		}
	}
	if len(notes) != 6 || warnings != 1 {
		t.Errorf("%d notes, %d warnings: %+v", len(notes), warnings, notes)
	}
	if again := Transitions(after.Conditions, after.Conditions); len(again) != 0 {
		t.Errorf("there are Events again: %+v", again)
	}
}

func TestWhatCouldNotBeLookedAtForMinutesIsUnknown(t *testing.T) {
	fine := finding.Good(v1alpha1.ReasonRegistered, "fine")
	later := summarized(1, all(fine, "", finding.Finding{}))
	Conditions{
		Generation:   2,
		Findings:     map[string]finding.Finding{v1alpha1.ConditionClaimed: fine},
		Interruption: errors.New("secrets is forbidden"),
		Interrupted:  noon,
		Now:          noon.Add(staysFor),
	}.WriteTo(later)
	for conditionType, want := range map[string]metav1.ConditionStatus{
		v1alpha1.ConditionClaimed:           metav1.ConditionTrue,
		v1alpha1.ConditionCertificatesReady: metav1.ConditionUnknown,
		v1alpha1.ConditionReady:             metav1.ConditionUnknown,
		v1alpha1.ConditionReconciling:       metav1.ConditionTrue,
	} {
		condition := meta.FindStatusCondition(later.Conditions, conditionType)
		if condition.Status != want {
			t.Errorf("%s = %s, want %s", conditionType, condition.Status, want)
		}
		if want == metav1.ConditionUnknown && (condition.Reason != v1alpha1.ReasonNotObserved ||
			!strings.Contains(condition.Message, "since 2026-01-01T12:00:00Z: secrets is forbidden")) {
			t.Errorf("%s is Unknown for %s: %s", conditionType, condition.Reason, condition.Message)
		}
	}
}
