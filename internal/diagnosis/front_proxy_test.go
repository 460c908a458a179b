// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

var rejected = finding.Bad(v1alpha1.ReasonFrontProxyRejected, "401", finding.Working)

// startedAt returns a Pod whose server was started then.
func startedAt(name string, at time.Time) corev1.Pod {
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(at)}}
	return corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.PodStatus{
		ContainerStatuses: []corev1.ContainerStatus{{Name: v1alpha1.ServerContainer, State: running}},
	}}
}

func TestPodsThatStartedBeforeTheFrontProxyCAChangedAreToBeRestarted(t *testing.T) {
	const command = ": kubectl -n wardle-system rollout restart deployment wardle"
	before, after := noon.Add(-time.Hour), noon.Add(time.Hour)
	leaving := startedAt("leaving", before)
	leaving.DeletionTimestamp = &metav1.Time{Time: noon}
	var many []corev1.Pod
	for i := range 7 {
		many = append(many, startedAt(fmt.Sprint("api-", i), before))
	}
	for name, test := range map[string]struct {
		changed time.Time
		pods    []corev1.Pod
		want    string
	}{
		"one of them": {
			noon,
			[]corev1.Pod{startedAt("late", after), startedAt("early", before), leaving},
			"That ConfigMap last changed at 2026-01-01T12:00:00Z, after these Pods started: early. Unless they reload it, " +
				"restart them" + command,
		},
		"many of them": {
			noon, many, "That ConfigMap last changed at 2026-01-01T12:00:00Z, after these Pods started: api-0, api-1, api-2, " +
				"api-3, api-4 and 2 more. Unless they reload it, restart them" + command,
		},
		"none of them": {noon, []corev1.Pod{startedAt("late", after)}, ""},
		"it is not known when it changed": {
			time.Time{},
			nil,
			"If the CA in that ConfigMap has changed, restart the Pods of the server that started before" + command,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := snapshottest.New()
			s.Layer.Looked, s.Layer.TrustChanged = true, test.changed
			s.Server = snapshot.Of(snapshot.Workload{Pods: test.pods}, nil)
			found := withOutdatedPods(s, rejected)
			if found.Remedy != test.want {
				t.Errorf("the remedy is %q\nwant %q", found.Remedy, test.want)
			}
			other := withOutdatedPods(s, finding.Bad(v1alpha1.ReasonNetworkBlocked, "", finding.Working))
			if other.Remedy != "" {
				t.Errorf("of another cause, the remedy is %q", other.Remedy)
			}
		})
	}
}

func TestNothingIsAdvisedBeforeItIsKnownWhetherTheFrontProxyCAChanged(t *testing.T) {
	found := withOutdatedPods(snapshottest.New(), rejected)
	if found.Remedy != "" {
		t.Errorf("the remedy is %q", found.Remedy)
	}
}

func TestReplicasOfAnExistingServiceAreToBeRestartedThatStartedBeforeTheFrontProxyCAChanged(t *testing.T) {
	s := snapshottest.BehindExistingService()
	s.Layer.TrustChanged = noon
	found := withOutdatedPods(s, rejected)
	const want = "If the CA in that ConfigMap has changed (it last did at 2026-01-01T12:00:00Z), restart the Pods of " +
		"the server that started before"
	if found.Remedy != want {
		t.Errorf("the remedy is %q\nwant %q", found.Remedy, want)
	}
}
