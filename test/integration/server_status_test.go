// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// overdue is the condition that the deployment controller sets when a rollout exceeds its deadline.
var overdue = appsv1.DeploymentCondition{
	Type: appsv1.DeploymentProgressing, Status: corev1.ConditionFalse, Reason: "ProgressDeadlineExceeded",
	Message: `ReplicaSet "server-1" has timed out progressing.`,
}

func TestServerFaultsAreReportedVerbatimAndRecover(t *testing.T) {
	t.Parallel()
	const name = "trouble"
	startRollout(t, name)
	for _, test := range []struct {
		trouble string
		// documented is the id of the message in the docs, if it is documented.
		documented string
		// available is the number of available replicas, of two.
		available  int32
		deployment []appsv1.DeploymentCondition
		pod        *corev1.PodStatus
		kstatus    status.Status
		wants      condition
	}{
		{
			trouble:    "an image that cannot be pulled",
			documented: "image-pull",
			pod:        waiting("ErrImagePull", `failed to resolve "registry.example.com/server": not found`),
			kstatus:    status.InProgressStatus,
			wants: isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonImagePullBackOff, "0 of 2 replicas",
				"Pod trouble-0, container apiserver", `"registry.example.com/server": not found`, "Check the image name"),
		},
		{
			trouble:    "a container that crashes",
			documented: "crashing",
			pod:        crashed(),
			kstatus:    status.InProgressStatus,
			wants: isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonCrashLoopBackOff,
				"Pod trouble-0, container apiserver terminated with exit code 1 (Error). See its log",
				"kubectl -n trouble logs trouble-0 -c apiserver --previous"),
		},
		{
			trouble:    "an image for another architecture",
			documented: "architecture",
			pod: &corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{
				Name: v1alpha1.ServerContainer,
				LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
					ExitCode: 255, Reason: "Error", Message: "exec /server: exec format error\n",
				}},
			}}},
			kstatus: status.InProgressStatus,
			wants: isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonCrashLoopBackOff,
				"exec format error: the image is for another architecture", "kubernetes.io/arch"),
		},
		{
			trouble:    "a service mesh that takes over connections",
			documented: "injected",
			pod: &corev1.PodStatus{
				Conditions: []corev1.PodCondition{{
					Type: corev1.PodReady, Status: corev1.ConditionFalse,
					LastTransitionTime: metav1.NewTime(time.Now().Add(-time.Hour)),
				}},
				ContainerStatuses: []corev1.ContainerStatus{{Name: v1alpha1.ServerContainer}, {Name: "istio-proxy"}},
			},
			kstatus: status.InProgressStatus,
			wants: isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonRollingOut, "container istio-proxy",
				`label sidecar.istio.io/inject: "false"`),
		},
		{
			trouble:    "a container that crashes until the deadline",
			deployment: []appsv1.DeploymentCondition{overdue},
			pod:        crashed(),
			kstatus:    status.FailedStatus,
			wants:      isTrue(v1alpha1.ConditionStalled, v1alpha1.ReasonCrashLoopBackOff, "exit code 1"),
		},
		{
			trouble:    "a template that refers to an object that does not exist",
			documented: "container-config",
			pod:        waiting("CreateContainerConfigError", `configmap "config" not found`),
			kstatus:    status.InProgressStatus,
			wants: isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonCreateContainerError,
				`configmap "config" not found`, "Correct spec.server.template"),
		},
		{
			trouble:    "no node for the Pods",
			documented: "unschedulable",
			pod: &corev1.PodStatus{Conditions: []corev1.PodCondition{{
				Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable,
				Message: "0/3 nodes are available: 3 Insufficient memory.",
			}}},
			kstatus: status.InProgressStatus,
			wants:   isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonUnschedulable, "3 Insufficient memory."),
		},
		{
			trouble:    "no node without a Pod of the same ports",
			documented: "unschedulable-ports",
			available:  1,
			pod: &corev1.PodStatus{Conditions: []corev1.PodCondition{{
				Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable,
				Message: "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
			}}},
			kstatus: status.InProgressStatus,
			wants: isTrue(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonUnschedulable, "Pod trouble-0",
				"lower spec.server.replicas"),
		},
		{
			trouble:    "Pods that the cluster refuses",
			documented: "pods-refused",
			deployment: []appsv1.DeploymentCondition{{
				Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Reason: "FailedCreate",
				Message: `pods "trouble-0" is forbidden: exceeded quota: small`,
			}},
			kstatus: status.InProgressStatus,
			wants: isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonFailedCreate,
				`pods "trouble-0" is forbidden: exceeded quota: small`, "Raise the quota"),
		},
		{
			trouble:    "a rollout that does not get on",
			deployment: []appsv1.DeploymentCondition{overdue},
			kstatus:    status.FailedStatus,
			wants: isTrue(v1alpha1.ConditionStalled, v1alpha1.ReasonProgressDeadlineExceeded,
				"has timed out progressing", "kubectl -n trouble describe pods"),
		},
		{
			trouble:   "a rollout on its way, with a replica that serves",
			available: 1,
			kstatus:   status.InProgressStatus,
			wants: isTrue(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonRollingOut,
				"1 available", "waiting for Pods to become ready"),
		},
	} {
		t.Run(test.trouble, func(t *testing.T) {
			pod := runPod(t, name, test.pod)
			setDeploymentStatus(t, name, test.available, test.deployment...)
			await(t, name, test.kstatus, test.wants)
			if test.documented != "" {
				expectDocumented(t, test.documented, name, v1alpha1.ConditionServerAvailable)
			}
			deleteNow(t, pod)
			setDeploymentStatus(t, name, 2)
			await(t, name, status.InProgressStatus,
				isTrue(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonReplicasAvailable, "2 of 2 replicas are available"),
				isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonWaitingForServer),
				isFalse(v1alpha1.ConditionStalled, v1alpha1.ReasonAsDesired))
		})
	}
}

// runPod creates the first Pod of a server, with the status that the kubelet would report.
func runPod(t *testing.T, name string, podStatus *corev1.PodStatus) *corev1.Pod {
	t.Helper()
	pod := &corev1.Pod{
		ObjectMeta: asReplica(t, name, labelled(in(name, name+"-0"), manifests.ServerLabels(name))),
		Spec:       served(name).Spec.Server.Template.Spec,
	}
	// Without a kubelet on the node, no component would finish a graceful deletion.
	pod.Spec.NodeName = "node"
	createUntilCleanup(t, pod)
	if podStatus != nil {
		pod.Status = *podStatus
		if err := plane.client.Status().Update(ctx, pod); err != nil {
			t.Fatal(err)
		}
	}
	return pod
}

// asReplica makes a Pod owned by the ReplicaSet of a server's Deployment, which it creates instead of the deployment
// controller.
func asReplica(t *testing.T, name string, pod metav1.ObjectMeta) metav1.ObjectMeta {
	t.Helper()
	deployment := deploymentOf(t, name)
	template := deployment.Spec.Template
	replicaSet := &appsv1.ReplicaSet{
		ObjectMeta: labelled(in(name, name+"-"+string(deployment.UID)), template.Labels),
		Spec:       appsv1.ReplicaSetSpec{Selector: deployment.Spec.Selector, Template: template},
	}
	replicaSet.OwnerReferences = controllerReference(deployment, "Deployment")
	err := plane.client.Get(ctx, client.ObjectKeyFromObject(replicaSet), replicaSet)
	if apierrors.IsNotFound(err) {
		createUntilCleanup(t, replicaSet)
	} else if err != nil {
		t.Fatal(err)
	}
	pod.OwnerReferences = controllerReference(replicaSet, "ReplicaSet")
	return pod
}

func controllerReference(controller metav1.Object, kind string) []metav1.OwnerReference {
	return []metav1.OwnerReference{*metav1.NewControllerRef(controller, appsv1.SchemeGroupVersion.WithKind(kind))}
}

func waiting(reason, message string) *corev1.PodStatus {
	return &corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{
		Name:  v1alpha1.ServerContainer,
		State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}},
	}}}
}

func crashed() *corev1.PodStatus {
	podStatus := waiting("CrashLoopBackOff", "back-off 5m0s restarting failed container")
	podStatus.ContainerStatuses[0].RestartCount = 7
	podStatus.ContainerStatuses[0].LastTerminationState.Terminated = &corev1.ContainerStateTerminated{
		ExitCode: 1, Reason: "Error", Message: "panic: no etcd\n",
	}
	return podStatus
}

// setDeploymentStatus writes the status that the deployment controller would report for a server with two replicas.
func setDeploymentStatus(t *testing.T, name string, available int32, conditions ...appsv1.DeploymentCondition) {
	t.Helper()
	setStatusOf(t, &appsv1.Deployment{ObjectMeta: in(name, name)}, available, conditions...)
}

func setStatusOf(
	t *testing.T, deployment *appsv1.Deployment, available int32, conditions ...appsv1.DeploymentCondition,
) {
	t.Helper()
	eventually(t, func() error {
		if err := plane.client.Get(ctx, client.ObjectKeyFromObject(deployment), deployment); err != nil {
			return err
		}
		deployment.Status = appsv1.DeploymentStatus{
			ObservedGeneration: deployment.Generation,
			Replicas:           available, UpdatedReplicas: available, ReadyReplicas: available, AvailableReplicas: available,
			Conditions: conditions,
		}
		return plane.client.Status().Update(ctx, deployment)
	})
}
