// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"slices"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

const (
	// OwnerLabel is the name of the ExtensionAPI that an object was created for. The objects have no ownerReference: with
	// foreground deletion the garbage collector would delete the server before its APIServices.
	OwnerLabel = "aggregation.extensionapi.dev/extensionapi"
	// UIDAnnotation is the UID of that ExtensionAPI, which distinguishes it from an earlier one. It is not on Pods, which
	// would have to be replaced if it changes.
	UIDAnnotation = "aggregation.extensionapi.dev/uid"
	// ComponentLabel is the workload of an ExtensionAPI that an object belongs to: the server, or a controller.
	ComponentLabel = "app.kubernetes.io/component"
	// ServerComponent is the value of ComponentLabel on the objects that run the extension API server.
	ServerComponent = "server"
	// controllerComponentPrefix is before the name of a controller in the value of ComponentLabel.
	controllerComponentPrefix = "controller-"
	// ServingLabel is on every Pod. The Service selects Pods with the value Serving: the Pod template sets it, and the
	// operator changes it on a Pod to remove it from the Service.
	ServingLabel = "aggregation.extensionapi.dev/serving"
	// Serving is the value of ServingLabel on a Pod that receives requests.
	Serving = "true"
	// ManagedByLabel is on every object with OwnerLabel, with the value ManagedBy.
	ManagedByLabel = "app.kubernetes.io/managed-by"
	// ManagedBy is the value of ManagedByLabel.
	ManagedBy = "extensionapi-operator"
	// OwnPrefix is the prefix of every annotation key that the operator writes.
	OwnPrefix = "aggregation.extensionapi.dev/"

	// AuthReaderNamespace holds the Role that lets a server read the aggregator's request-header configuration.
	AuthReaderNamespace = "kube-system"
	authReaderRole      = "extension-apiserver-authentication-reader"
	authDelegatorRole   = "system:auth-delegator"
	// ServerRole is the ClusterRole with the permissions of every server built on k8s.io/apiserver: to read namespaces,
	// and admission and flow control configuration. The chart installs it.
	ServerRole = "extensionapi-operator:extension-apiserver"
	// leaderElectionRole is the ClusterRole with what the leader election of a controller needs, and eventsRole that with
	// what its Events need, which are in the namespaces of the objects they are about. The chart installs them.
	leaderElectionRole = "extensionapi-operator:controller-leader-election"
	eventsRole         = "extensionapi-operator:controller-events"

	servicePort = 443
)

// Labels returns the labels of every object of an ExtensionAPI.
func Labels(name string) map[string]string {
	return map[string]string{OwnerLabel: name}
}

// ServerLabels returns the labels of the server's Pods and of the other objects that run it.
func ServerLabels(name string) map[string]string {
	return map[string]string{OwnerLabel: name, ComponentLabel: ServerComponent}
}

// servingLabels returns the labels of the Pods that receive requests.
func servingLabels(name string) map[string]string {
	return labels.Merge(ServerLabels(name), labels.Set{ServingLabel: Serving})
}

// TrustSecretName returns the name of the Secret with the CA, the trust bundle and the progress of a rotation, in the
// operator's namespace.
func TrustSecretName(name string) string { return name + "-trust" }

// ServingSecretName returns the name of the Secret with the serving certificate, in the server's namespace.
func ServingSecretName(name string) string { return name + "-serving-cert" }

// CertManagerName returns the name of the cert-manager Certificate and of its Secret, in the server's namespace.
func CertManagerName(name string) string { return name + "-cert-manager" }

// ProvidedSecretName is the name of the Secret that another owner writes, empty where the operator issues the
// certificates.
func ProvidedSecretName(extensionAPI *v1alpha1.ExtensionAPI) string {
	certificates := extensionAPI.Spec.Server.Certificates
	switch {
	case certificates == nil:
		return ""
	case certificates.SecretRef != nil:
		return certificates.SecretRef.Name
	case certificates.CertManager != nil:
		return CertManagerName(extensionAPI.Name)
	default:
		return ""
	}
}

// AuthDelegatorName returns the name of the ClusterRoleBinding that lets the server delegate authentication and
// authorization.
func AuthDelegatorName(name string) string { return "extensionapi:" + name + ":auth-delegator" }

// AuthReaderName returns the name of the RoleBinding in kube-system.
func AuthReaderName(name string) string { return "extensionapi:" + name + ":auth-reader" }

// ServerBindingName returns the name of the ClusterRoleBinding to ServerRole.
func ServerBindingName(name string) string { return "extensionapi:" + name + ":server" }

// ControllerBindingName returns the name of the RoleBinding in the server's namespace, and of the ClusterRoleBinding,
// for all controllers.
func ControllerBindingName(name string) string { return "extensionapi:" + name + ":controllers" }

// APIServiceName returns the name that kube-apiserver requires for the APIService of a group-version.
func APIServiceName(groupVersion schema.GroupVersion) string {
	return groupVersion.Version + "." + groupVersion.Group
}

// ServingHost returns the DNS name that kube-apiserver verifies a serving certificate for (kube-aggregator
// pkg/apiserver/handler_proxy.go).
func ServingHost(service Backend) string { return service.Name + "." + service.Namespace + ".svc" }

// ServingNames are the names that a serving certificate is issued for; the first is ServingHost. The order of those
// that the spec adds has no meaning.
func ServingNames(extensionAPI *v1alpha1.ExtensionAPI) []string {
	host := ServingHost(BackendOf(extensionAPI))
	names := []string{host, host + ".cluster.local"}
	for _, name := range slices.Sorted(slices.Values(furtherNames(extensionAPI))) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func furtherNames(extensionAPI *v1alpha1.ExtensionAPI) []string {
	certificates := ptr.Deref(extensionAPI.Spec.Server.Certificates, v1alpha1.Certificates{})
	switch {
	case certificates.Managed != nil:
		return certificates.Managed.DNSNames
	case certificates.CertManager != nil:
		return certificates.CertManager.DNSNames
	default:
		return nil
	}
}

// Backend is the Service behind the APIServices of an ExtensionAPI.
type Backend struct {
	Namespace string
	Name      string
	Port      int32
}

// Key returns the namespaced name of the Service.
func (b Backend) Key() types.NamespacedName {
	return types.NamespacedName{Namespace: b.Namespace, Name: b.Name}
}

// BackendOf returns the Service that serves the API: the one that the operator creates, or the user's.
func BackendOf(extensionAPI *v1alpha1.ExtensionAPI) Backend {
	if service := extensionAPI.Spec.ExistingService; service != nil {
		return Backend{Namespace: service.Namespace, Name: service.Name, Port: service.Port}
	}
	return Backend{Namespace: extensionAPI.Spec.Server.Namespace, Name: extensionAPI.Name, Port: servicePort}
}

// GroupVersions returns every group-version of an ExtensionAPI, in the order of the spec.
func GroupVersions(extensionAPI *v1alpha1.ExtensionAPI) []schema.GroupVersion {
	var result []schema.GroupVersion
	for _, group := range extensionAPI.Spec.Groups {
		for _, version := range group.Versions {
			result = append(result, schema.GroupVersion{Group: group.Name, Version: version.Name})
		}
	}
	return result
}
