// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// drained is the time limit for the Pods of a rollout to terminate: the default grace period, and a margin for the
// kubelet.
const drained = 2 * time.Minute

func TestRolloutsLoseNoRequest(t *testing.T) {
	extensionAPI := drainingWardle(t, sampleNamespace)
	create(t, extensionAPI)
	eventually(t, time.Minute, ready(extensionAPI))
	args := container(&extensionAPI.Spec).Args

	t.Run("5 rolling updates in a row", func(t *testing.T) {
		defer lossless(t)()
		for i := range 5 {
			change(t, extensionAPI, func(spec *v1alpha1.ExtensionAPISpec) {
				container(spec).Env = []corev1.EnvVar{{Name: "E2E_UPDATE", Value: fmt.Sprint(i + 1)}}
			})
			progress("  update %d: Ready after %s", i+1, eventually(t, time.Minute, ready(extensionAPI)))
		}
		eventually(t, drained, settled(extensionAPI))
	})
	t.Run("eviction of a Pod, then deletion of one 10 times in a row", func(t *testing.T) {
		defer lossless(t)()
		evict(t, oldestPod(t, ownerLabel))
		eventually(t, time.Minute, readyPods(ownerLabel, 2))
		for range 10 {
			if err := kube.Delete(t.Context(), oldestPod(t, ownerLabel)); err != nil {
				t.Fatal(err)
			}
			eventually(t, time.Minute, readyPods(ownerLabel, 2))
		}
		eventually(t, drained, settled(extensionAPI))
	})
	t.Run("scaling from 2 to 3 and back", func(t *testing.T) {
		defer lossless(t)()
		scale(t, extensionAPI, 3)
		scale(t, extensionAPI, 2)
		eventually(t, drained, settled(extensionAPI))
	})
	t.Run("a version that never becomes ready", func(t *testing.T) {
		defer lossless(t)()
		change(t, extensionAPI, func(spec *v1alpha1.ExtensionAPISpec) {
			container(spec).Args = append(slices.Clone(args), "--no-such-flag")
		})
		reported := shows(extensionAPI, v1alpha1.ConditionServerAvailable, metav1.ConditionTrue,
			v1alpha1.ReasonCrashLoopBackOff, "container apiserver terminated with exit code 1 (Error). See its log",
			status.InProgressStatus)
		progress("  reported after %s", eventually(t, time.Minute, reported))
		stays(t, 30*time.Second, shows(extensionAPI, v1alpha1.ConditionAPIServicesAvailable, metav1.ConditionTrue,
			v1alpha1.ReasonAllAvailable, "", status.InProgressStatus))
	})
	t.Run("the version that fixes it", func(t *testing.T) {
		defer lossless(t)()
		change(t, extensionAPI, func(spec *v1alpha1.ExtensionAPISpec) {
			container(spec).Args = append(slices.Clone(args), "--v=1")
		})
		progress("  Ready after %s", eventually(t, time.Minute, ready(extensionAPI)))
		eventually(t, drained, settled(extensionAPI))
	})
}

// evict requests an eviction, as kubectl drain does. The only node is not cordoned, because there is no other one for
// the replacement.
func evict(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	if err := kube.SubResource("eviction").Create(t.Context(), pod, &policyv1.Eviction{}); err != nil {
		t.Fatal(err)
	}
}

// oldestPod returns the Pod that kube-apiserver is most likely connected to. The label selects the Pods: the operator's
// or those written by hand.
func oldestPod(t *testing.T, label string) *corev1.Pod {
	t.Helper()
	pods, err := serverPods(t.Context(), label)
	if err != nil {
		t.Fatal(err)
	}
	staying := slices.DeleteFunc(pods, isDeleted)
	if len(staying) == 0 {
		t.Fatal("the server has no Pod")
	}
	return new(slices.MinFunc(staying, func(a, b corev1.Pod) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	}))
}

func serverPods(ctx context.Context, label string) ([]corev1.Pod, error) {
	return labelledPods(ctx, label, "wardle")
}

func labelledPods(ctx context.Context, label, value string) ([]corev1.Pod, error) {
	pods := &corev1.PodList{}
	err := kube.List(ctx, pods, client.InNamespace(sampleNamespace), client.MatchingLabels{label: value})
	return pods.Items, err
}

func isDeleted(pod corev1.Pod) bool { return pod.DeletionTimestamp != nil }

func isReady(pod corev1.Pod) bool {
	return !isDeleted(pod) && slices.ContainsFunc(pod.Status.Conditions, func(condition corev1.PodCondition) bool {
		return condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue
	})
}

// readyPods succeeds when that many Pods are ready and not being deleted.
func readyPods(label string, want int) func(context.Context) error {
	return func(ctx context.Context) error {
		pods, err := serverPods(ctx, label)
		pods = slices.DeleteFunc(pods, func(pod corev1.Pod) bool { return !isReady(pod) })
		if err == nil && len(pods) != want {
			err = fmt.Errorf("%d Pods are ready, want %d", len(pods), want)
		}
		return err
	}
}

// onlyPods succeeds when that many Pods are ready and all others have terminated.
func onlyPods(label string, want int) func(context.Context) error {
	return func(ctx context.Context) error {
		pods, err := serverPods(ctx, label)
		if err == nil && len(pods) != want {
			err = fmt.Errorf("there are %d Pods, want %d", len(pods), want)
		}
		return errors.Join(err, readyPods(label, want)(ctx))
	}
}

// settled succeeds when the ExtensionAPI is Ready and the replaced Pods have terminated.
func settled(extensionAPI *v1alpha1.ExtensionAPI) func(context.Context) error {
	return func(ctx context.Context) error {
		pods := onlyPods(ownerLabel, int(*extensionAPI.Spec.Server.Replicas))
		return errors.Join(pods(ctx), ready(extensionAPI)(ctx))
	}
}
