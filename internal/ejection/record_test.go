// SPDX-License-Identifier: Apache-2.0

package ejection

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// serving returns a ready Pod that gets requests.
func serving(name string) corev1.Pod {
	pod := corev1.Pod{Status: corev1.PodStatus{
		PodIP:      "10.0.0.1",
		Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
	}}
	pod.Name = name
	pod.Labels = map[string]string{manifests.ServingLabel: manifests.Serving}
	return pod
}

func ejected(name, why string) corev1.Pod {
	pod := serving(name)
	Record(&pod, noon, why)
	return pod
}

func changed(pod corev1.Pod, change func(*corev1.Pod)) corev1.Pod {
	change(&pod)
	return pod
}

func TestFoundReturnsReadyPodsEjectedByTheOperator(t *testing.T) {
	reset := func(p *corev1.Pod) { p.Labels[manifests.ServingLabel] = manifests.Serving }
	takeOut := func(p *corev1.Pod) { delete(p.Labels, manifests.ServingLabel) }
	fail := func(p *corev1.Pod) { p.Status.Conditions = nil }
	end := func(p *corev1.Pod) { p.DeletionTimestamp = new(metav1.NewTime(noon)) }
	tests := map[string]struct {
		pod  corev1.Pod
		want bool
	}{
		"one that serves":          {serving("a"), false},
		"one that was ejected":     {ejected("a", "took 7s"), true},
		"one that was restored":    {changed(ejected("a", "took 7s"), RecordRestoration), false},
		"one that a user restored": {changed(ejected("a", "took 7s"), reset), false},
		"one that a user removed":  {changed(serving("a"), takeOut), false},
		"one that is not ready":    {changed(ejected("a", "took 7s"), fail), false},
		"one that terminates":      {changed(ejected("a", "took 7s"), end), false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			found := Found([]corev1.Pod{test.pod}, &v1alpha1.Server{Port: 8443})
			if got := len(found) > 0; got != test.want {
				t.Errorf("ejected: %t, want %t", got, test.want)
			}
		})
	}
}

func TestFoundReadsTheRecordOfEjectedReplicas(t *testing.T) {
	pods := []corev1.Pod{ejected("b", "took 7s"), ejected("a", strings.Repeat("x", 2*1024)), ejected("c", "")}
	pods[2].Annotations[Annotation] = "not a time"
	found := Found(pods, &v1alpha1.Server{Port: 8443})
	if len(found) != 3 || found[0].Pod != "a" || found[1].Pod != "b" || found[2].Pod != "c" {
		t.Fatalf("found %v", found)
	}
	if got := found[1]; got.Address != "10.0.0.1:8443" || !got.Since.Time.Equal(noon) || got.Why != "took 7s" {
		t.Errorf("for b it found %+v", got)
	}
	if got := len(found[0].Why); got > 1024 {
		t.Errorf("the reason has %d bytes, more than the status allows", got)
	}
	if got := found[2]; !got.Since.IsZero() || got.Why != "not a time" {
		t.Errorf("for an invalid record it found %+v", got)
	}
}
