// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

func pending(revision, reason, message string) corev1.Pod {
	pod := unschedulable()
	pod.Name, pod.Labels = "wardle-1", map[string]string{appsv1.DefaultDeploymentUniqueLabelKey: revision}
	pod.Status.Conditions[0].Reason, pod.Status.Conditions[0].Message = reason, message
	return pod
}

func TestAPendingPodIsNamedWhateverTheNumberOfPodsThatAreUpToDate(t *testing.T) {
	const ports = "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports."
	serving := podWith(corev1.ContainerStatus{Name: "apiserver", Ready: true})
	serving.Name, serving.Labels = "wardle-0", map[string]string{appsv1.DefaultDeploymentUniqueLabelKey: "a"}
	terminating := pending("b", corev1.PodReasonUnschedulable, ports)
	terminating.DeletionTimestamp = &metav1.Time{}
	surging := appsv1.DeploymentStatus{Replicas: 2, UpdatedReplicas: 1, AvailableReplicas: 1}
	for name, test := range map[string]struct {
		replicas int32
		status   appsv1.DeploymentStatus
		pod      corev1.Pod
		reason   string
		says     []string
	}{
		"two replicas on one node": {
			2,
			appsv1.DeploymentStatus{Replicas: 2, UpdatedReplicas: 2, AvailableReplicas: 1},
			pending("a", corev1.PodReasonUnschedulable, ports), v1alpha1.ReasonUnschedulable,
			[]string{"2 of 2 replicas are up to date, 1 available: Pod wardle-1: ", "free ports", "lower spec.server.replicas"},
		},
		"a new Pod beside the only one": {
			1, surging, pending("b", corev1.PodReasonUnschedulable, ports), v1alpha1.ReasonUnschedulable,
			[]string{"1 of 1 replicas are up to date, 1 available: Pod wardle-1: ", "set its maxSurge to 0"},
		},
		"a Pod that is not to be scheduled": {
			1, surging, pending("b", corev1.PodReasonSchedulingGated, "gated"), v1alpha1.ReasonUnschedulable,
			[]string{"Pod wardle-1: gated"},
		},
		"a Pod that is terminating": {1, surging, terminating, v1alpha1.ReasonRollingOut, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := Rollout(State{
				Workload: server, Deployment: deploymentWith(test.status), Pods: []corev1.Pod{serving, test.pod},
				Replicas: test.replicas, Generation: 2,
			})
			if got.Code != test.reason {
				t.Errorf("it is %s: %s", got.Code, got.Message())
			}
			for _, part := range test.says {
				if !strings.Contains(got.Message(), part) {
					t.Errorf("message %q lacks %q", got.Message(), part)
				}
			}
		})
	}
}
