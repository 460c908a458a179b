// SPDX-License-Identifier: Apache-2.0

package migration

import (
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// server makes the operator run what the Deployment runs.
func (m *Manifest) server(service *corev1.Service, deployment *appsv1.Deployment) {
	template := deployment.Spec.Template.DeepCopy()
	s := &v1alpha1.Server{Namespace: deployment.Namespace}
	container := m.container(&template.Spec, service)
	s.Port = m.port(&template.Spec, container, service)
	m.flags(&template.Spec, container)
	m.probes(container)
	m.pod(template)
	withoutDefaults(&template.Spec)
	s.Template = corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Annotations: template.Annotations}, Spec: template.Spec,
	}
	m.rollout(s, deployment)
	m.serviceExtras(service)
	m.ExtensionAPI.Spec.Server = s
}

// container is the one that serves: with the port of the Service, or else the first. It gets the name that the operator
// looks for.
func (m *Manifest) container(pod *corev1.PodSpec, service *corev1.Service) *corev1.Container {
	i := slices.IndexFunc(pod.Containers, func(c corev1.Container) bool { return hasTarget(&c, service) })
	container := &pod.Containers[max(i, 0)]
	if container.Name != v1alpha1.ServerContainer {
		m.note("container %s is named %s here", container.Name, v1alpha1.ServerContainer)
		container.Name = v1alpha1.ServerContainer
	}
	return container
}

func hasTarget(container *corev1.Container, service *corev1.Service) bool {
	return slices.ContainsFunc(container.Ports, func(port corev1.ContainerPort) bool {
		return slices.ContainsFunc(service.Spec.Ports, func(s corev1.ServicePort) bool { return leadsTo(s, port) })
	})
}

func leadsTo(service corev1.ServicePort, port corev1.ContainerPort) bool {
	target := service.TargetPort
	return target.StrVal != "" && target.StrVal == port.Name || target.IntVal != 0 && target.IntVal == port.ContainerPort
}

// probes are the operator's, and fit the port and the rollout.
func (m *Manifest) probes(container *corev1.Container) {
	if container.StartupProbe != nil || container.ReadinessProbe != nil || container.LivenessProbe != nil {
		m.note("probes are left out: the operator sets them for /readyz and /livez of the port; keep yours if the server " +
			"has no such paths")
	}
	container.StartupProbe, container.ReadinessProbe, container.LivenessProbe = nil, nil, nil
}

// pod leaves out what ties the Pods to the earlier server.
func (m *Manifest) pod(template *corev1.PodTemplateSpec) {
	if len(template.Labels) > 0 {
		m.note("labels of the Pods are left out, as the earlier Service selects by them; a NetworkPolicy that does, too, " +
			"needs to select the new Pods")
	}
	m.placement(template)
	maps.DeleteFunc(template.Annotations, func(key, _ string) bool {
		return key == "kubectl.kubernetes.io/restartedAt" || strings.HasPrefix(key, v1alpha1.GroupVersion.Group+"/")
	})
	if name := template.Spec.ServiceAccountName; name != "" && name != "default" {
		m.note("serviceAccountName %s is left out: the Pods run as ServiceAccount %s, which is bound to the same roles below",
			name, m.ExtensionAPI.Name)
	}
	template.Spec.ServiceAccountName, template.Spec.DeprecatedServiceAccount = "", ""
}

// rollout takes over what differs from the defaults of a Deployment.
func (m *Manifest) rollout(s *v1alpha1.Server, deployment *appsv1.Deployment) {
	spec := deployment.Spec
	if replicas := ptr.Deref(spec.Replicas, 1); replicas >= v1alpha1.DefaultReplicas {
		s.Replicas = new(min(replicas, 100))
	} else {
		m.note("%d replicas run today; the default of %d is kept here, so that rollouts lose no request", replicas,
			v1alpha1.DefaultReplicas)
	}
	if spec.MinReadySeconds > 0 {
		s.MinReadySeconds = new(min(spec.MinReadySeconds, 3600))
	}
	if deadline := ptr.Deref(spec.ProgressDeadlineSeconds, 600); deadline != 600 {
		s.ProgressDeadlineSeconds = min(deadline, 86400)
	}
	if spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType {
		m.note("strategy Recreate is not carried over: set spec.server.strategy if two Pods cannot run at the same time")
	}
}

// serviceExtras notes what the new Service does not have.
func (m *Manifest) serviceExtras(service *corev1.Service) {
	if len(service.Spec.Ports) > 1 {
		m.note("the Service has %d ports, the new one has 443: add others in "+
			"spec.server.service.ports", len(service.Spec.Ports))
	}
	if service.Spec.Type != corev1.ServiceTypeClusterIP && service.Spec.Type != "" {
		m.note("the Service is of type %s, the new one has a ClusterIP", service.Spec.Type)
	}
}

// withoutDefaults leaves out what kube-apiserver fills in: set in a template, it would count as the user's choice.
func withoutDefaults(pod *corev1.PodSpec) {
	for _, field := range []struct {
		value        *string
		defaultValue string
	}{
		{(*string)(&pod.RestartPolicy), string(corev1.RestartPolicyAlways)},
		{(*string)(&pod.DNSPolicy), string(corev1.DNSClusterFirst)},
		{&pod.SchedulerName, corev1.DefaultSchedulerName},
	} {
		if *field.value == field.defaultValue {
			*field.value = ""
		}
	}
	if ptr.Deref(pod.TerminationGracePeriodSeconds, 0) == corev1.DefaultTerminationGracePeriodSeconds {
		pod.TerminationGracePeriodSeconds = nil
	}
	if equality.Semantic.DeepEqual(pod.SecurityContext, &corev1.PodSecurityContext{}) {
		pod.SecurityContext = nil
	}
	for _, containers := range [][]corev1.Container{pod.Containers, pod.InitContainers} {
		for i := range containers {
			if containers[i].TerminationMessagePath == corev1.TerminationMessagePathDefault {
				containers[i].TerminationMessagePath = ""
			}
			if containers[i].TerminationMessagePolicy == corev1.TerminationMessageReadFile {
				containers[i].TerminationMessagePolicy = ""
			}
		}
	}
}
