// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/ejection"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

func TestReplicasAreEjectedWithinTheBoundsOfTheSpec(t *testing.T) {
	const enabled, disabled = v1alpha1.PolicyEnabled, v1alpha1.PolicyDisabled
	tests := map[string]struct {
		replicas   *int32
		policy     v1alpha1.Policy
		maxPercent int32
		want       ejection.Bounds
	}{
		"nothing is set": {nil, "", 0, ejection.Bounds{MaxPercent: 50}},
		"enabled":        {new(int32(3)), enabled, 50, ejection.Bounds{MaxPercent: 50}},
		"fewer":          {nil, enabled, 20, ejection.Bounds{MaxPercent: 20}},
		"disabled":       {new(int32(3)), disabled, 50, ejection.Bounds{Disabled: true, MaxPercent: 50}},
		"one replica":    {new(int32(1)), enabled, 50, ejection.Bounds{Disabled: true, MaxPercent: 50}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := snapshottest.New()
			s.Spec.Server = &v1alpha1.Server{
				Replicas: test.replicas, OutlierEjection: test.policy, MaxEjectionPercent: test.maxPercent,
			}
			if got := ejectionBounds(s); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestTheWorstReplicasAreJudgedFirst(t *testing.T) {
	s := answering(map[string]discovery.Record{
		"good": snapshottest.Fine, "slow": snapshottest.Slow,
		"slower": snapshottest.Record(discovery.Unhealthy, 7*time.Second),
	}, []string{"good", "slow", "new"}, "slower")
	judged, why := judge(s)
	if want := []ejection.Replica{
		{Pod: "slower", Ejected: true, Standing: discovery.Unhealthy},
		{Pod: "slow", Standing: discovery.Unhealthy},
		{Pod: "good", Standing: discovery.Healthy},
		{Pod: "new", Standing: discovery.Unsettled},
	}; !slices.Equal(judged, want) {
		t.Errorf("judged %+v, want %+v", judged, want)
	}
	if !strings.Contains(why["slow"], "6.2s") {
		t.Errorf("the slow one is judged because of %q", why["slow"])
	}
}

func TestAReplicaThatOnlyTheOperatorDoesNotReachIsNotJudged(t *testing.T) {
	unreachable := snapshottest.Failing(
		&discovery.ProbeError{Class: discovery.ClassUnreachable, Text: "no connection"})
	for name, test := range map[string]struct {
		through discovery.Record
		want    discovery.Standing
	}{
		"clients are served":   {snapshottest.Fine, discovery.Unsettled},
		"clients are affected": {snapshottest.Slow, discovery.Unhealthy},
	} {
		t.Run(name, func(t *testing.T) {
			s := snapshottest.New()
			s.Probes = snapshottest.Round(s, test.through, unreachable)
			judged, _ := judge(s)
			if len(judged) != 1 || judged[0].Standing != test.want {
				t.Errorf("judged %+v", judged)
			}
		})
	}
}

func TestOnlyPodsThatAreStillReadyCount(t *testing.T) {
	gone, unready := ejection.Replica{Pod: "gone"}, ejection.Replica{Pod: "unready"}
	judged := []ejection.Replica{gone, unready, {Pod: "a"}}
	kept := stillReady(judged, []corev1.Pod{ready("a"), {ObjectMeta: metav1.ObjectMeta{Name: "unready"}}})
	if len(kept) != 1 || kept[0].Pod != "a" {
		t.Errorf("kept %+v", kept)
	}
	if len(judged) != 3 || judged[0] != gone || judged[1] != unready {
		t.Errorf("what was judged has become %+v", judged)
	}
}

func TestAnEjectionIsPlannedOnlyWhileOneIsDue(t *testing.T) {
	answers := map[string]discovery.Record{"good": snapshottest.Fine, "slow": snapshottest.Slow}
	disabled := answering(answers, []string{"good", "slow"})
	disabled.Spec.Server.OutlierEjection = v1alpha1.PolicyDisabled
	for name, test := range map[string]struct {
		s    *snapshot.Snapshot
		want *ejection.Plan
	}{
		"one is slow":           {answering(answers, []string{"good", "slow"}), &ejection.Plan{Eject: []string{"slow"}}},
		"none is slow":          {answering(answers, []string{"good"}), nil},
		"none is to be ejected": {disabled, nil},
		"one has recovered": {
			answering(map[string]discovery.Record{"a": snapshottest.Fine, "b": snapshottest.Fine}, []string{"a"}, "b"),
			&ejection.Plan{Restore: []string{"b"}, Reason: ejection.Recovered},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := ejects(test.s)
			if (got == nil) != (test.want == nil) {
				t.Fatalf("planned is %+v", got)
			}
			if test.want == nil {
				return
			}
			now := ejection.Next(got.bounds, got.Judged)
			if !slices.Equal(now.Eject, test.want.Eject) || !slices.Equal(now.Restore, test.want.Restore) ||
				len(now.Restore) > 0 && now.Reason != test.want.Reason {
				t.Errorf("planned is %+v, want %+v", now, test.want)
			}
		})
	}
}

func TestNothingIsEjectedOnceOthersAreEjectedOrHaveLeft(t *testing.T) {
	answers := map[string]discovery.Record{"good": snapshottest.Fine, "slow": snapshottest.Slow}
	planned := ejects(answering(answers, []string{"good", "slow"}))
	if planned == nil {
		t.Fatal("nothing is planned")
	}
	server := &v1alpha1.Server{Port: 8443}
	ejected := ready("other")
	ejection.Record(&ejected, snapshottest.Noon, "took 7s")
	for name, test := range map[string]struct {
		pods  []corev1.Pod
		eject []string
	}{
		"nothing has changed":       {[]corev1.Pod{ready("good"), ready("slow")}, []string{"slow"}},
		"another one is ejected":    {[]corev1.Pod{ready("good"), ready("slow"), ejected}, nil},
		"the good one has left":     {[]corev1.Pod{ready("slow")}, nil},
		"the slow one has left":     {[]corev1.Pod{ready("good")}, nil},
		"the slow one is not ready": {[]corev1.Pod{ready("good"), {ObjectMeta: metav1.ObjectMeta{Name: "slow"}}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got := planned.Now(test.pods, server); !slices.Equal(got.Eject, test.eject) || len(got.Restore) > 0 {
				t.Errorf("what is done is %+v, want to eject %q", got, test.eject)
			}
		})
	}
}
