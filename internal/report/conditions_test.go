// SPDX-License-Identifier: Apache-2.0

package report

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
)

func TestEveryConditionIsSetWithGenerationReasonAndMessage(t *testing.T) {
	s := summarized(7, nil)
	if len(s.Conditions) != len(Found())+3 || s.ObservedGeneration != 7 {
		t.Errorf("%d conditions, observed generation %d", len(s.Conditions), s.ObservedGeneration)
	}
	for _, condition := range s.Conditions {
		if condition.ObservedGeneration != 7 || condition.Reason == "" || condition.Message == "" {
			t.Errorf("incomplete: %+v", condition)
		}
	}
	if got := statusOf(s, v1alpha1.ConditionReady); got != metav1.ConditionUnknown {
		t.Errorf("Ready = %s before anything was observed", got)
	}
}

func TestReconcilingAndStalledFollowKstatus(t *testing.T) {
	fine := finding.Good(v1alpha1.ReasonRegistered, "fine")
	tests := map[string]struct {
		server                       finding.Finding
		ready, reconciling, stalling metav1.ConditionStatus
	}{
		"all is well": {fine, "True", "False", "False"},
		"rolling out": {finding.True(v1alpha1.ReasonRollingOut, "1 of 2", finding.Working), "True", "True", "False"},
		"not up yet":  {finding.Bad(v1alpha1.ReasonRollingOut, "0 of 2", finding.Working), "False", "True", "False"},
		"up to the user": {
			finding.Bad(v1alpha1.ReasonProgressDeadlineExceeded, "0 of 2", finding.Stalled), "False", "False", "True",
		},
		"not known": {finding.Unknown(v1alpha1.ReasonPending, "not observed"), "Unknown", "True", "False"},
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

func TestReadyReportsARolloutThatIsNotComplete(t *testing.T) {
	fine := finding.Good(v1alpha1.ReasonRegistered, "fine")
	other := finding.True(v1alpha1.ReasonImagePullBackOff, "not found", finding.Working).Alarming()
	findings := all(fine, v1alpha1.ConditionServerAvailable, other)
	s := summarized(1, findings)
	ready := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionReady)
	if ready.Status != metav1.ConditionTrue || !strings.Contains(ready.Message, "not found") {
		t.Errorf("Ready is %s: %q", ready.Status, ready.Message)
	}
	for _, n := range Transitions(nil, s.Conditions, findings) {
		if (n.Reason == v1alpha1.ReasonImagePullBackOff) != (n.Type == "Warning") {
			t.Errorf("%s is a %s", n.Reason, n.Type)
		}
	}
}

func TestReadyReportsTheFirstCause(t *testing.T) {
	consequence := finding.Bad(v1alpha1.ReasonNotRegistered, "a consequence", finding.Working)
	cause := finding.Bad(v1alpha1.ReasonImagePullBackOff, "the cause", finding.Working)
	findings := all(consequence, v1alpha1.ConditionServerAvailable, cause)
	findings[v1alpha1.ConditionClaimed] = finding.Good(v1alpha1.ReasonClaimed, "fine")
	findings[v1alpha1.ConditionCertificatesReady] = finding.Good(v1alpha1.ReasonIssued, "fine")
	s := summarized(1, findings)
	if got := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionReady); got.Message != "the cause" {
		t.Errorf("Ready reports %q", got.Message)
	}
}

func TestALongCauseIsReportedInFullByOneCondition(t *testing.T) {
	fine := finding.Good(v1alpha1.ReasonRegistered, "fine")
	evidence := "0 of 2 replicas are available: " + strings.Repeat("its probe fails; ", 30)
	long := finding.Bad(v1alpha1.ReasonUnhealthy, evidence, finding.Stalled).Advising("Look at its log")
	s := summarized(1, all(fine, v1alpha1.ConditionServerAvailable, long))
	if got := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionServerAvailable); got.Message != long.Message() {
		t.Errorf("ServerAvailable does not have it: %s", got.Message)
	}
	for _, conditionType := range []string{v1alpha1.ConditionReady, v1alpha1.ConditionStalled} {
		got := meta.FindStatusCondition(s.Conditions, conditionType)
		if !strings.HasPrefix(got.Message, "see ServerAvailable: 0 of 2 replicas are available") ||
			len(got.Message) > maxRepeated+len("see ServerAvailable: ") || got.Reason != v1alpha1.ReasonUnhealthy {
			t.Errorf("%s repeats it: %s: %s", conditionType, got.Reason, got.Message)
		}
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

func TestAnErrorKeepsWhatWasReportedOfTheGenerationThatItWasObservedOf(t *testing.T) {
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
			t.Errorf("%s claims to be of generation %d", condition.Type, condition.ObservedGeneration)
		}
	}
	if got := statusOf(later, v1alpha1.ConditionReconciling); got != metav1.ConditionTrue {
		t.Errorf("Reconciling = %s", got)
	}
	if got := later.ObservedGeneration; got != 1 {
		t.Errorf("observed generation %d", got)
	}
}

func TestEachTransitionHasOneEvent(t *testing.T) {
	starting := finding.Bad(v1alpha1.ReasonRollingOut, "starting", finding.Working)
	findings := all(starting, "", finding.Finding{})
	before := summarized(1, findings)
	if notes := Transitions(nil, before.Conditions, findings); len(notes) != 0 {
		t.Errorf("what every ExtensionAPI goes through is an Event: %+v", notes)
	}

	crashing := finding.Bad(v1alpha1.ReasonCrashLoopBackOff, "exit code 1", finding.Working)
	after := before.DeepCopy()
	findings = all(finding.Good(v1alpha1.ReasonRegistered, "fine"), v1alpha1.ConditionServerAvailable, crashing)
	Conditions{Generation: 1, Now: noon, Findings: findings}.WriteTo(after)
	notes := Transitions(before.Conditions, after.Conditions, findings)
	var warnings int
	for _, n := range notes {
		if n.Type == "Warning" {
			warnings++
		}
	}
	if len(notes) != len(Found()) || warnings != 1 {
		t.Errorf("%d notes, %d warnings: %+v", len(notes), warnings, notes)
	}
	if again := Transitions(after.Conditions, after.Conditions, findings); len(again) != 0 {
		t.Errorf("there are Events again: %+v", again)
	}
}

func TestReadyHasAnEventWhenItTurnsTrueAlone(t *testing.T) {
	fine := finding.Good(v1alpha1.ReasonRegistered, "fine")
	findings := all(fine, "", finding.Finding{})
	isOfReady := func(n finding.Note) bool { return n.Reason == v1alpha1.ReasonReady }
	notes := Transitions(nil, summarized(1, findings).Conditions, findings)
	if i := slices.IndexFunc(notes, isOfReady); i < 0 || notes[i].Type != corev1.EventTypeNormal {
		t.Errorf("once it is True, the Events are %+v", notes)
	}
	bad := finding.Bad(v1alpha1.ReasonCrashLoopBackOff, "exit code 1", finding.Working)
	findings = all(fine, v1alpha1.ConditionServerAvailable, bad)
	notes = Transitions(nil, summarized(1, findings).Conditions, findings)
	isOfTheCause := func(n finding.Note) bool { return n.Reason == v1alpha1.ReasonCrashLoopBackOff }
	others := slices.DeleteFunc(slices.Clone(notes), isOfTheCause)
	if slices.ContainsFunc(notes, isOfReady) || len(others) != len(Found())-1 {
		t.Errorf("while it is False, the Events are %+v", notes)
	}
}

func TestWhatCouldNotBeObservedForMinutesIsUnknown(t *testing.T) {
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
