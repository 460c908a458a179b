// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/ejection"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
)

func TestReplicasAreKnownSinceTheyBecameReadyOrAContainerStarted(t *testing.T) {
	at := func(seconds int64) metav1.Time { return metav1.NewTime(time.Unix(seconds, 0)) }
	pod := func(name string, ready, started int64) corev1.Pod {
		return corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.PodStatus{
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, LastTransitionTime: at(ready)}},
			ContainerStatuses: []corev1.ContainerStatus{
				{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: at(started)}}},
				{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{}}},
			},
		}}
	}
	s := &Snapshot{
		ExtensionAPI: &v1alpha1.ExtensionAPI{},
		Server:       Of(Workload{Pods: []corev1.Pod{pod("ready-later", 20, 10), pod("restarted", 20, 30)}}, nil),
		Endpoints: Of(Endpoints{
			Ready:   []endpoints.Endpoint{{Pod: "ready-later"}, {Address: "of-no-pod"}},
			Ejected: []ejection.Ejected{{Endpoint: endpoints.Endpoint{Pod: "restarted"}}},
		}, nil),
	}
	want := []int64{20, 0, 30}
	for i, replica := range s.Replicas() {
		if replica.Since != want[i] {
			t.Errorf("%s is known since %d, want %d", replica, replica.Since, want[i])
		}
	}
}
