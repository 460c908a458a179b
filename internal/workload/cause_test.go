// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding/findingtest"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// unready is a Pod that has not been ready since noon; its container runs unless it has none yet.
func unready(containers ...corev1.ContainerStatus) corev1.Pod {
	pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "wardle-system", Name: "wardle-1", UID: "1"}}
	pod.Status.Conditions = []corev1.PodCondition{{
		Type: corev1.PodReady, Status: corev1.ConditionFalse, LastTransitionTime: metav1.NewTime(noon),
	}}
	pod.Status.ContainerStatuses = containers
	return pod
}

func runs() corev1.ContainerStatus {
	return corev1.ContainerStatus{
		Name: "apiserver", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
	}
}

func started() corev1.ContainerStatus {
	status := runs()
	status.Started, status.Ready = new(true), true
	return status
}

func exited(code int32, reason string) corev1.ContainerStatus {
	return corev1.ContainerStatus{Name: "apiserver", LastTerminationState: corev1.ContainerState{
		Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason},
	}}
}

func unlike(pod corev1.Pod, conditionType corev1.PodConditionType) corev1.Pod {
	pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{
		Type: conditionType, Status: corev1.ConditionFalse, Reason: "Unset", Message: "why",
	})
	return pod
}

// unexplainedSandbox has the condition without a reason (k8s.io/kubernetes pkg/kubelet/status/generate.go).
func unexplainedSandbox(pod corev1.Pod) corev1.Pod {
	pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{
		Type: corev1.PodReadyToStartContainers, Status: corev1.ConditionFalse,
	})
	return pod
}

func evicted(pod corev1.Pod) corev1.Pod {
	pod.Status.Phase = corev1.PodFailed
	return pod
}

func gated(pod corev1.Pod) corev1.Pod {
	pod.Status.Conditions[0].Reason = "ReadinessGatesNotReady"
	pod.Status.Conditions[0].Message = `the gate "a/b" is not "True"`
	return pod
}

func warns(reason, message string) Cause {
	return Cause{Since: noon, Events: []Event{{reason, message}}}
}

func fails(checks ...string) Cause { return Cause{Since: noon, Readyz: Readyz{Failed: checks}} }

func earlier(cause Cause) Cause {
	cause.Since = noon.Add(-time.Hour)
	return cause
}

func TestACauseOutsideOfThePodsStatusIsNamed(t *testing.T) {
	const probe = "Readiness probe failed: HTTP probe failed with statuscode: 404"
	const startup = "Startup probe failed: dial tcp 10.0.0.1:9443: connect: connection refused"
	tests := map[string]struct {
		pod           corev1.Pod
		cause         Cause
		reason, words string
	}{
		"a volume cannot be mounted": {
			unready(), warns("FailedMount", `secret "keys" not found`), v1alpha1.ReasonFailedMount,
			`not been ready since 2026-01-01T12:00:00Z: secret "keys" not found. ` +
				`See its Events: kubectl -n wardle-system describe pod wardle-1`,
		},
		"a volume cannot be attached": {
			unready(), warns("FailedAttachVolume", "multi-attach"), v1alpha1.ReasonFailedAttachVolume, "multi",
		},
		"no network": {
			unready(), warns("FailedCreatePodSandBox", "cni"), v1alpha1.ReasonFailedCreatePodSandBox, "cni",
		},
		"an old warning of a running Pod": {unready(runs()), warns("FailedMount", "gone"), v1alpha1.ReasonRollingOut, ""},
		"its storage is gone": {
			unready(runs()), fails("etcd"), v1alpha1.ReasonUnhealthy, "fails its checks etcd. Check whether its storage runs",
		},
		"it is older than the cluster": {
			unready(runs()), fails("poststarthook/priority-and-fairness-config-producer"), v1alpha1.ReasonUnhealthy,
			"--enable-priority-and-fairness=false",
		},
		"it may not list what it watches": {unready(runs()), fails("informer-sync"), v1alpha1.ReasonUnhealthy, "permissions"},
		"a check that nothing is known of": {
			unready(runs()), fails("custom"), v1alpha1.ReasonUnhealthy, "See its log: kubectl -n wardle-system logs wardle-1",
		},
		"a probe asks the wrong path": {unready(runs()), warns("Unhealthy", probe), v1alpha1.ReasonUnhealthy, probe},
		"a failing startup probe": {
			unready(exited(0, "Completed")), warns("Unhealthy", startup), v1alpha1.ReasonCrashLoopBackOff,
			"exit code 0 (Completed); " + startup + ". The process",
		},
		"out of memory": {
			unready(exited(137, "OOMKilled")), fails(), v1alpha1.ReasonCrashLoopBackOff, "Raise its memory limit",
		},
		"an init container that does not complete": {
			unlike(unready(), corev1.PodInitialized), fails(), v1alpha1.ReasonUnhealthy,
			"its condition Initialized is False: why",
		},
		"no sandbox": {
			unlike(unready(), corev1.PodReadyToStartContainers), fails(), v1alpha1.ReasonUnhealthy, "PodReadyToStartContainers",
		},
		"a readiness gate that nothing sets": {
			gated(unready(runs())), fails(), v1alpha1.ReasonUnhealthy,
			`its condition Ready is False: the gate "a/b" is not "True"`,
		},
		"no sandbox, before Kubernetes 1.37": {
			unexplainedSandbox(unready()), fails(), v1alpha1.ReasonUnhealthy,
			"its condition PodReadyToStartContainers is False: its sandbox and its network are not set up",
		},
		"a cause of an earlier outage": {unready(runs()), earlier(fails("etcd")), v1alpha1.ReasonRollingOut, "waiting"},
		"a Pod that was evicted":       {evicted(unready()), fails("etcd"), v1alpha1.ReasonRollingOut, "waiting"},
		"a check of a server that is old": {
			unready(runs()),
			Cause{Since: noon, Readyz: Readyz{Failed: []string{"custom"}, Healthy: true}},
			v1alpha1.ReasonUnhealthy, "GET /healthz succeeds: a server older than the cluster may need the flag",
		},
		"its ServiceAccount was recreated": {
			unready(runs()),
			Cause{Since: noon, RecreatedAccount: "wardle"},
			v1alpha1.ReasonUnhealthy,
			"its ServiceAccount wardle was recreated after it, so its token is no longer valid. Replace it: kubectl",
		},
		"a startup probe that has succeeded since": {
			gated(unready(started())), warns("Unhealthy", startup), v1alpha1.ReasonUnhealthy,
			`its condition Ready is False: the gate "a/b"`,
		},
		"nothing is known": {unready(runs()), fails(), v1alpha1.ReasonRollingOut, "waiting for Pods to become ready"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := Rollout(State{
				Workload: server, Deployment: deploymentWith(appsv1.DeploymentStatus{}), Replicas: 2, Generation: 2,
				Pods: []corev1.Pod{test.pod}, Causes: map[types.UID]Cause{"1": test.cause},
			})
			findingtest.Expect(t, got, metav1.ConditionFalse, test.reason, test.words)
		})
	}
}

func TestTheOutputOfACommandThatAProbeRunsIsNotRepeated(t *testing.T) {
	for message, want := range map[string]string{
		"Readiness probe failed: HTTP probe failed with statuscode: 503": "Readiness probe failed: HTTP probe failed with " +
			"statuscode: 503",
		`Startup probe failed: Get "https://10.0.0.1:8443/readyz": remote error: tls: bad certificate`: `Startup probe ` +
			`failed: Get "https://10.0.0.1:8443/readyz": remote error: tls: bad certificate`,
		"Liveness probe failed: cannot connect to postgres://admin:1234@db": "Liveness probe failed",
		"Readiness probe errored and resulted in unknown state: 1234": "Readiness probe errored and resulted in unknown " +
			"state",
		"postgres://admin:1234@db": "a probe fails",
	} {
		if got := withoutOutput(message); got != want {
			t.Errorf("%q is quoted as %q", message, got)
		}
	}
}

func TestAReplicaThatIsNotReadyAnyMoreIsNoRollout(t *testing.T) {
	complete := appsv1.DeploymentStatus{
		Replicas: 2, UpdatedReplicas: 2, AvailableReplicas: 1,
		Conditions: []appsv1.DeploymentCondition{progressing(corev1.ConditionTrue, "NewReplicaSetAvailable")},
	}
	state := State{
		Workload: server, Deployment: deploymentWith(complete), Replicas: 2, Generation: 2,
		Pods: []corev1.Pod{unready(runs())},
	}
	got := Rollout(state)
	findingtest.Expect(t, got, metav1.ConditionTrue, v1alpha1.ReasonReplicasUnavailable,
		"1 available: Pod wardle-1 has not been ready since 2026-01-01T12:00:00Z")
	if !got.IsWarning() {
		t.Error("it is worth no Event")
	}
	state.Causes = map[types.UID]Cause{"1": fails("etcd")}
	findingtest.Expect(t, Rollout(state), metav1.ConditionTrue, v1alpha1.ReasonUnhealthy, "etcd")
}

func TestRefusedPodsAreNotAlwaysAQuota(t *testing.T) {
	for message, want := range map[string]string{
		`pods "a" is forbidden: exceeded quota: small`:                                    "Raise the quota",
		`pods "a" is forbidden: error looking up service account x/y: serviceaccount "y"`: "Create the ServiceAccount",
		`admission webhook "policy" denied the request`:                                   "Change what rejects",
	} {
		got := Rollout(State{Workload: server, Replicas: 2, Deployment: deploymentWith(appsv1.DeploymentStatus{
			Conditions: []appsv1.DeploymentCondition{{
				Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Message: message,
			}},
		})})
		findingtest.Expect(t, got, metav1.ConditionFalse, v1alpha1.ReasonFailedCreate, want)
	}
}
