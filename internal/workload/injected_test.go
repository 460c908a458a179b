// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

func TestAnInjectedContainerIsNamedWhileItsPodIsNotReady(t *testing.T) {
	const radius = "which was injected and is not in the template"
	template := corev1.PodTemplateSpec{Spec: corev1.PodSpec{
		InitContainers: []corev1.Container{{Name: "init"}}, Containers: []corev1.Container{{Name: "apiserver"}},
	}}
	for name, test := range map[string]struct {
		containers, sidecars []string
		looked               bool
		says                 []string
	}{
		"none": {[]string{"apiserver"}, []string{"init"}, true, nil},
		"Istio": {
			[]string{"apiserver", "istio-proxy"},
			nil, true,
			[]string{"istio-proxy, " + radius, `sidecar.istio.io/inject: "false"`},
		},
		"Istio, natively": {[]string{"apiserver"}, []string{"istio-init", "istio-proxy"}, true, []string{"istio-proxy, "}},
		"Linkerd": {
			[]string{"linkerd-proxy", "apiserver"},
			nil, true,
			[]string{"linkerd.io/inject: disabled", "rejects kube-apiserver"},
		},
		"an unknown one": {
			[]string{"apiserver", "agent"}, nil, true, []string{"agent, " + radius, "If it intercepts connections"},
		},
		"in a Pod that starts": {[]string{"apiserver", "istio-proxy"}, nil, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			pod := podWith(corev1.ContainerStatus{})
			pod.UID, pod.Status.ContainerStatuses = "1", statuses(test.containers)
			pod.Status.InitContainerStatuses = statuses(test.sidecars)
			pod.CreationTimestamp.Time = pod.CreationTimestamp.AddDate(2026, 0, 0)
			templated := server
			templated.Template = template
			state := State{
				Workload: templated, Deployment: deploymentWith(appsv1.DeploymentStatus{Replicas: 2, UpdatedReplicas: 2}),
				Pods: []corev1.Pod{pod}, Replicas: 2, Generation: 2,
			}
			if test.looked {
				state.Causes = map[types.UID]Cause{pod.UID: {Since: UnreadySince(&pod)}}
			}
			found := Rollout(state)
			if strings.Contains(found.Message(), radius) != (test.says != nil) {
				t.Errorf("message %q", found.Message())
			}
			for _, part := range test.says {
				if !strings.Contains(found.Message(), part) {
					t.Errorf("message %q lacks %q", found.Message(), part)
				}
			}
		})
	}
}

func statuses(names []string) (result []corev1.ContainerStatus) {
	for _, name := range names {
		result = append(result, corev1.ContainerStatus{Name: name})
	}
	return result
}
