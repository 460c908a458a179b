// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	apps "k8s.io/client-go/applyconfigurations/apps/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// settled is for how many seconds a controller without a readiness probe runs before it counts as available. It is
// ready as soon as its containers run, so one that crashes at its start would replace one that works.
const settled = 10

// rollout is how the Pods of a Deployment are replaced.
func (w Workload) rollout() *apps.DeploymentSpecApplyConfiguration {
	spec := apps.DeploymentSpec().WithStrategy(strategyOf(w.strategy, &w.Template.Spec))
	if w.server == nil {
		if !hasReadinessProbe(w.Template.Spec.Containers) {
			spec.WithMinReadySeconds(settled)
		}
		return spec
	}
	spec.MinReadySeconds = w.server.MinReadySeconds
	if w.server.ProgressDeadlineSeconds > 0 {
		spec.WithProgressDeadlineSeconds(w.server.ProgressDeadlineSeconds)
	}
	return spec
}

func hasReadinessProbe(containers []corev1.Container) bool {
	return slices.ContainsFunc(containers, func(container corev1.Container) bool {
		return container.ReadinessProbe != nil
	})
}

func strategyOf(wanted *v1alpha1.Strategy, pod *corev1.PodSpec) *apps.DeploymentStrategyApplyConfiguration {
	strategy := ptr.Deref(wanted, v1alpha1.Strategy{})
	if strategy.Type == appsv1.RecreateDeploymentStrategyType {
		return apps.DeploymentStrategy().WithType(strategy.Type)
	}
	surge, unavailable := pace(strategy.RollingUpdate, needsRoom(pod))
	return apps.DeploymentStrategy().
		WithType(appsv1.RollingUpdateDeploymentStrategyType).
		WithRollingUpdate(apps.RollingUpdateDeployment().WithMaxUnavailable(unavailable).WithMaxSurge(surge))
}

// pace returns how many Pods a rollout adds and removes at a time. exclusive reports whether a Pod may be unable to
// start beside an old one. One of the two is not 0, or no Pod could be replaced.
func pace(wanted *v1alpha1.RollingUpdate, exclusive bool) (surge, unavailable intstr.IntOrString) {
	set := ptr.Deref(wanted, v1alpha1.RollingUpdate{})
	surge = intstr.FromInt32(1)
	if exclusive && !isZero(set.MaxUnavailable) {
		surge = intstr.FromInt32(0)
	}
	surge = ptr.Deref(set.MaxSurge, surge)
	if isZero(&surge) {
		unavailable = intstr.FromInt32(1)
	}
	return surge, ptr.Deref(set.MaxUnavailable, unavailable)
}

func isZero(count *intstr.IntOrString) bool {
	return count != nil && (*count == intstr.FromInt32(0) || count.StrVal == "0%")
}

// needsRoom reports whether a Pod may be unable to start beside another one of the same template: they may not fit on
// one node, or both need a volume that is attached to one node only.
func needsRoom(pod *corev1.PodSpec) bool {
	return pod.HostNetwork || hasHostPort(pod.Containers) || hasHostPort(pod.InitContainers) ||
		slices.ContainsFunc(pod.Volumes, func(v corev1.Volume) bool { return v.PersistentVolumeClaim != nil })
}

func hasHostPort(containers []corev1.Container) bool {
	return slices.ContainsFunc(containers, func(container corev1.Container) bool {
		return slices.ContainsFunc(container.Ports, func(port corev1.ContainerPort) bool { return port.HostPort != 0 })
	})
}
