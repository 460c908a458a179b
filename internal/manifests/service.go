// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"cmp"

	corev1 "k8s.io/api/core/v1"
	core "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// Service returns the stable address of the server, to which kube-apiserver sends requests.
func Service(extensionAPI *v1alpha1.ExtensionAPI) *core.ServiceApplyConfiguration {
	wanted := ptr.Deref(extensionAPI.Spec.Server.Service, v1alpha1.ServerService{})
	spec := core.ServiceSpec().
		WithType(corev1.ServiceTypeClusterIP).
		WithSelector(servingLabels(extensionAPI.Name)).
		WithPorts(core.ServicePort().
			WithName(portName).
			WithProtocol(corev1.ProtocolTCP).
			WithPort(servicePort).
			WithTargetPort(targetPort(extensionAPI.Spec.Server))).
		WithPorts(furtherPorts(wanted.Ports)...).
		WithIPFamilies(wanted.IPFamilies...)
	if wanted.IPFamilyPolicy != "" {
		spec.WithIPFamilyPolicy(wanted.IPFamilyPolicy)
	}
	if wanted.TrafficDistribution != "" {
		spec.WithTrafficDistribution(wanted.TrafficDistribution)
	}
	return core.Service(extensionAPI.Name, extensionAPI.Spec.Server.Namespace).
		WithLabels(componentLabels(extensionAPI)).
		WithAnnotations(objectAnnotations(extensionAPI, texts(wanted.Annotations))).
		WithSpec(spec)
}

func furtherPorts(wanted []v1alpha1.ServerServicePort) []*core.ServicePortApplyConfiguration {
	var ports []*core.ServicePortApplyConfiguration
	for _, port := range wanted {
		further := core.ServicePort().
			WithName(port.Name).
			WithProtocol(cmp.Or(port.Protocol, corev1.ProtocolTCP)).
			WithPort(port.Port)
		if port.TargetPort != nil {
			further.WithTargetPort(*port.TargetPort)
		}
		ports = append(ports, further)
	}
	return ports
}
