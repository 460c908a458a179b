// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

const (
	// OwnerLabel names the ExtensionAPI that an object was made for. The objects have no ownerReference: under a
	// foreground deletion the garbage collector would delete the server before its APIServices.
	OwnerLabel = "aggregation.extensionapi.dev/extensionapi"
	// UIDAnnotation holds the UID of that ExtensionAPI, which distinguishes it from an earlier one. It is not on
	// Pods, which would have to be replaced when it changes.
	UIDAnnotation = "aggregation.extensionapi.dev/uid"
	// ComponentLabel names the workload of an ExtensionAPI that an object belongs to. The selector of a Deployment is
	// immutable, so that it names the component although there is only one.
	ComponentLabel = "app.kubernetes.io/component"
	// ServerComponent is the value of ComponentLabel on what runs the extension API server.
	ServerComponent = "server"
	// ServingLabel is on every Pod. Requests are sent to those on which it is Serving: the Pod template says so, and the
	// operator changes it on a Pod that is to get none.
	ServingLabel = "aggregation.extensionapi.dev/serving"
	// Serving is the value of ServingLabel on a Pod that requests are sent to.
	Serving = "true"
	// ManagedByLabel is on every object beside OwnerLabel, with the value ManagedBy.
	ManagedByLabel = "app.kubernetes.io/managed-by"
	// ManagedBy is the value of ManagedByLabel.
	ManagedBy = "extensionapi-operator"
	// OwnPrefix begins the key of every annotation that the operator writes.
	OwnPrefix = "aggregation.extensionapi.dev/"

	// AuthReaderNamespace holds the Role that lets a server read the aggregator's request-header configuration.
	AuthReaderNamespace = "kube-system"
	authReaderRole      = "extension-apiserver-authentication-reader"
	authDelegatorRole   = "system:auth-delegator"
	// ServerRole is the ClusterRole with what every server built on k8s.io/apiserver reads: namespaces, admission and
	// flow control configuration. The chart installs it.
	ServerRole = "extensionapi-operator:extension-apiserver"

	servicePort = 443
)

// Labels are on every object of an ExtensionAPI.
func Labels(name string) map[string]string {
	return map[string]string{OwnerLabel: name}
}

// ServerLabels select the Pods of the server, and what else runs it.
func ServerLabels(name string) map[string]string {
	return map[string]string{OwnerLabel: name, ComponentLabel: ServerComponent}
}

// servingLabels select the Pods that requests are sent to.
func servingLabels(name string) map[string]string {
	return labels.Merge(ServerLabels(name), labels.Set{ServingLabel: Serving})
}

// componentLabels are on the objects that run the server.
func componentLabels(name string) map[string]string {
	return labels.Merge(objectLabels(name), ServerLabels(name))
}

func objectLabels(name string) map[string]string {
	return map[string]string{OwnerLabel: name, ManagedByLabel: ManagedBy}
}

func objectAnnotations(extensionAPI *v1alpha1.ExtensionAPI) map[string]string {
	return map[string]string{UIDAnnotation: string(extensionAPI.UID)}
}

// TrustSecretName is the name of the Secret with the certificate authority, the trust bundle and how far a rotation is,
// in the operator's namespace.
func TrustSecretName(name string) string { return name + "-trust" }

// ServingSecretName is the name of the Secret with the serving certificate, in the server's namespace.
func ServingSecretName(name string) string { return name + "-serving-cert" }

// CertManagerName is the name of the Certificate that cert-manager is asked for, and of the Secret it brings, in the
// server's namespace.
func CertManagerName(name string) string { return name + "-cert-manager" }

// AuthDelegatorName is the name of the ClusterRoleBinding that lets the server ask who a client is and what it may do.
func AuthDelegatorName(name string) string { return "extensionapi:" + name + ":auth-delegator" }

// AuthReaderName is the name of the RoleBinding in kube-system.
func AuthReaderName(name string) string { return "extensionapi:" + name + ":auth-reader" }

// ServerBindingName is the name of the ClusterRoleBinding to ServerRole.
func ServerBindingName(name string) string { return "extensionapi:" + name + ":server" }

// APIServiceName is the name that kube-apiserver demands for the APIService of a group-version.
func APIServiceName(groupVersion schema.GroupVersion) string {
	return groupVersion.Version + "." + groupVersion.Group
}

// ServingHost is the name that kube-apiserver verifies a serving certificate for
// (kube-aggregator pkg/apiserver/handler_proxy.go).
func ServingHost(service Backend) string { return service.Name + "." + service.Namespace + ".svc" }

// ServingNames are the names that a serving certificate is issued for; the first is ServingHost.
func ServingNames(service Backend) []string {
	host := ServingHost(service)
	return []string{host, host + ".cluster.local"}
}

// Backend is the Service behind the APIServices of an ExtensionAPI.
type Backend struct {
	Namespace string
	Name      string
	Port      int32
}

// Key names the Service.
func (b Backend) Key() types.NamespacedName {
	return types.NamespacedName{Namespace: b.Namespace, Name: b.Name}
}

// BackendOf returns the Service that serves the API: the operator's own or the user's.
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
