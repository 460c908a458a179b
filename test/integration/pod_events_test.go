// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

func TestEventOfAPodIsQuotedUntilThePodIsReady(t *testing.T) {
	t.Parallel()
	const name, cause = "unmounted", `MountVolume.SetUp failed for volume "keys": secret "keys" not found`
	startRollout(t, name)
	pod := runPod(t, name, waiting("ContainerCreating", ""))
	warnAbout(t, pod, "FailedMount", cause)
	pod.Status.Conditions = []corev1.PodCondition{{
		Type: corev1.PodReady, Status: corev1.ConditionFalse, LastTransitionTime: metav1.NewTime(time.Now().Add(-time.Hour)),
	}}
	if err := plane.client.Status().Update(ctx, pod); err != nil {
		t.Fatal(err)
	}
	await(t, name, status.InProgressStatus, isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonFailedMount,
		"0 of 2 replicas", "Pod unmounted-0 has not been ready since", cause,
		"kubectl -n unmounted describe pod unmounted-0"))

	setReadiness(t, pod, corev1.ConditionTrue, metav1.Now())
	setDeploymentStatus(t, name, 2)
	await(t, name, status.InProgressStatus,
		isTrue(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonReplicasAvailable))
}

// warnAbout creates the Event with which the kubelet warns about a Pod.
func warnAbout(t *testing.T, pod *corev1.Pod, reason, message string) {
	t.Helper()
	create(t, &corev1.Event{
		ObjectMeta: in(pod.Namespace, pod.Name+".1"),
		InvolvedObject: corev1.ObjectReference{
			APIVersion: "v1", Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID,
		},
		Type: corev1.EventTypeWarning, Reason: reason, Message: message,
		LastTimestamp: metav1.Now(),
	})
}
