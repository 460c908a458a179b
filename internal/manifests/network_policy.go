// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"cmp"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	meta "k8s.io/client-go/applyconfigurations/meta/v1"
	networking "k8s.io/client-go/applyconfigurations/networking/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// HasNetworkPolicy reports whether the server has a NetworkPolicy.
func HasNetworkPolicy(extensionAPI *v1alpha1.ExtensionAPI) bool {
	return extensionAPI.Spec.Server.NetworkPolicy == v1alpha1.PolicyEnabled
}

// NetworkPolicy denies ingress to all ports of the server's Pods but those behind the Service. These are open to every
// source: kube-apiserver's address, often that of a node or of a proxy, is not known, and TLS authenticates clients.
func NetworkPolicy(extensionAPI *v1alpha1.ExtensionAPI) *networking.NetworkPolicyApplyConfiguration {
	return networking.NetworkPolicy(extensionAPI.Name, extensionAPI.Spec.Server.Namespace).
		WithLabels(componentLabels(extensionAPI)).
		WithAnnotations(objectAnnotations(extensionAPI)).
		WithSpec(networking.NetworkPolicySpec().
			WithPodSelector(meta.LabelSelector().WithMatchLabels(ServerLabels(extensionAPI.Name))).
			WithPolicyTypes(networkingv1.PolicyTypeIngress).
			WithIngress(networking.NetworkPolicyIngressRule().WithPorts(exposedPorts(extensionAPI.Spec.Server)...)))
}

// exposedPorts are the ports of the Pods that the Service targets, by name where it does that: Pods of another revision
// may listen on another number.
func exposedPorts(server *v1alpha1.Server) []*networking.NetworkPolicyPortApplyConfiguration {
	ports := []*networking.NetworkPolicyPortApplyConfiguration{
		networking.NetworkPolicyPort().WithProtocol(corev1.ProtocolTCP).WithPort(targetPort(server)),
	}
	for _, port := range ptr.Deref(server.Service, v1alpha1.ServerService{}).Ports {
		ports = append(ports, networking.NetworkPolicyPort().
			WithProtocol(cmp.Or(port.Protocol, corev1.ProtocolTCP)).
			WithPort(ptr.Deref(port.TargetPort, intstr.FromInt32(port.Port))))
	}
	return ports
}
