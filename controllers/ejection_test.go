// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/ejection"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
)

// ready is a ready Pod.
func ready(name string) corev1.Pod {
	pod := corev1.Pod{Status: corev1.PodStatus{
		Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
	}}
	pod.Name = name
	return pod
}

func TestAnEjectedPodIsNoEndpointAnyMoreThoughTheEndpointSlicesSaySo(t *testing.T) {
	stillThere := []endpoints.Endpoint{{Pod: "a"}, {Pod: "b"}, {Address: "10.0.0.9:8443"}}
	pods := []corev1.Pod{ready("a"), ready("b")}
	ejection.Record(&pods[0], noon, "took 7s")
	got := withoutEjected(stillThere, pods)
	if !slices.Equal(got, []endpoints.Endpoint{{Pod: "b"}, {Address: "10.0.0.9:8443"}}) {
		t.Errorf("left are %v", got)
	}
}

func TestReplicasAreEjectedUnlessThereIsOneOrTheSpecSaysNo(t *testing.T) {
	tests := map[string]struct {
		replicas *int32
		asked    v1alpha1.OutlierEjection
		want     bool
	}{
		"nothing said": {nil, "", true},
		"enabled":      {ptr.To[int32](3), v1alpha1.OutlierEjectionEnabled, true},
		"disabled":     {ptr.To[int32](3), v1alpha1.OutlierEjectionDisabled, false},
		"one replica":  {ptr.To[int32](1), v1alpha1.OutlierEjectionEnabled, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			extensionAPI := &v1alpha1.ExtensionAPI{Spec: v1alpha1.ExtensionAPISpec{
				Server: &v1alpha1.Server{Replicas: test.replicas, OutlierEjection: test.asked},
			}}
			if got := ejects(extensionAPI); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
}

func TestTheWorstReplicasAreJudgedFirst(t *testing.T) {
	s := discovered(testLimit)
	s.endpoints = []endpoints.Endpoint{{Pod: "good"}, {Pod: "slow"}, {Pod: "new"}}
	s.ejected = []ejection.Ejected{{Endpoint: endpoints.Endpoint{Pod: "slower"}}}
	answers := map[string]discovery.Record{
		"good": fine, "slow": slow, "slower": record(discovery.Bad, 7*time.Second),
	}
	records := discovery.Records{}
	for _, key := range probeTarget(s).Direct() {
		records[key] = answers[key.Pod]
	}
	judged, why := judge(s, discovery.NewRound(probeTarget(s), records))
	if want := []ejection.Replica{
		{Pod: "slower", Ejected: true, Standing: discovery.Bad},
		{Pod: "slow", Standing: discovery.Bad},
		{Pod: "good", Standing: discovery.Good},
		{Pod: "new", Standing: discovery.Unsettled},
	}; !slices.Equal(judged, want) {
		t.Errorf("judged %+v, want %+v", judged, want)
	}
	if !strings.Contains(why["slow"], "6.2s") {
		t.Errorf("of the slow one it says %q", why["slow"])
	}
}

func TestAReplicaThatOnlyTheOperatorDoesNotReachIsNotJudged(t *testing.T) {
	failure := discovery.Sample{Err: &discovery.ProbeError{Class: discovery.ClassUnreachable, Text: "no connection"}}
	unreachable := discovery.Record{Standing: discovery.Bad, Last: failure, Worst: failure}
	for name, test := range map[string]struct {
		through discovery.Record
		want    discovery.Standing
	}{
		"clients are served": {fine, discovery.Unsettled},
		"clients suffer":     {slow, discovery.Bad},
	} {
		t.Run(name, func(t *testing.T) {
			judged, _ := judge(discovered(testLimit), roundOf(test.through, unreachable))
			if len(judged) != 1 || judged[0].Standing != test.want {
				t.Errorf("judged %+v", judged)
			}
		})
	}
}

func TestOnlyPodsThatAreStillReadyCount(t *testing.T) {
	gone, unready := ejection.Replica{Pod: "gone"}, ejection.Replica{Pod: "unready"}
	kept := stillReady([]ejection.Replica{gone, unready, {Pod: "a"}}, []corev1.Pod{ready("a"), {
		ObjectMeta: metav1.ObjectMeta{Name: "unready"},
	}})
	if len(kept) != 1 || kept[0].Pod != "a" {
		t.Errorf("kept %+v", kept)
	}
}
