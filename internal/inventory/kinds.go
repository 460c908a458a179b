// SPDX-License-Identifier: Apache-2.0

// Package inventory lists what the operator owns: its kinds, and the objects of an ExtensionAPI. Applying, watching,
// caching, deleting and the permissions are derived from these tables, so that another kind is another row. It imports
// builders of objects, and no client.
package inventory

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// Scope is where the objects of a kind can be.
type Scope int

const (
	// Cluster is for kinds without a namespace.
	Cluster Scope = iota
	// ServerNamespaces is for the namespaces of the servers and of the operator.
	ServerNamespaces
	// ServersAndAuthReader is for the same, and manifests.AuthReaderNamespace.
	ServersAndAuthReader
	// OperatorNamespace is for the namespace of the operator only.
	OperatorNamespace
)

// Kind is how the objects of one kind are handled.
type Kind struct {
	schema.GroupVersionKind
	Scope Scope
	// whole is an empty object if more than the metadata of the kind is read, otherwise nil.
	whole client.Object
	// Cached reports whether all objects with the owner label are watched. A kind that the cluster may not serve is not
	// watched: that would prevent the operator from starting.
	Cached bool
	// Recreatable reports whether an object may be deleted and recreated, since its short absence does not affect clients.
	// That is necessary if another client has set a field that makes the wanted configuration invalid.
	Recreatable bool
	// Propagation is how an object's dependents are deleted.
	Propagation metav1.DeletionPropagation
}

// Each kind has the markers of its permissions; config/admission/operator_policy.yaml restricts what RBAC cannot.

// +kubebuilder:rbac:groups=apiregistration.k8s.io,resources=apiservices,verbs=get;list;watch;create;patch;delete

// APIService is read completely: marks may be lost, and its status is set by kube-apiserver.
var APIService = Kind{
	GroupVersionKind: apiregistrationv1.SchemeGroupVersion.WithKind("APIService"),
	whole:            &apiregistrationv1.APIService{},
	Cached:           true,
}

// +kubebuilder:rbac:groups=cert-manager.io,resources=certificates,verbs=get;create;patch;delete

// Certificate is the kind of cert-manager.
var Certificate = Kind{GroupVersionKind: manifests.CertificateKind, Scope: ServerNamespaces}

// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=clusterrolebindings,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=clusterroles,resourceNames=system:auth-delegator;extensionapi-operator:extension-apiserver;extensionapi-operator:controller-leader-election;extensionapi-operator:controller-events,verbs=bind

// ClusterRoleBinding binds the ServiceAccounts of servers and controllers.
var ClusterRoleBinding = Kind{
	GroupVersionKind: rbacv1.SchemeGroupVersion.WithKind("ClusterRoleBinding"),
	Cached:           true,
	Recreatable:      true,
}

// ConfigMap is for what servers answered to discovery. Its permissions are in config/rbac/operator_role.yaml.
var ConfigMap = Kind{
	GroupVersionKind: corev1.SchemeGroupVersion.WithKind("ConfigMap"),
	Scope:            OperatorNamespace,
	whole:            &corev1.ConfigMap{},
	Cached:           true,
	Recreatable:      true,
}

// +kubebuilder:rbac:groups=apps,resources=deployments,verbs=get;list;watch;create;patch;delete

// Deployment is deleted in the foreground, after its Pods.
var Deployment = Kind{
	GroupVersionKind: appsv1.SchemeGroupVersion.WithKind("Deployment"),
	Scope:            ServerNamespaces,
	whole:            &appsv1.Deployment{},
	Cached:           true,
	Propagation:      metav1.DeletePropagationForeground,
}

// +kubebuilder:rbac:groups=networking.k8s.io,resources=networkpolicies,verbs=get;list;watch;create;patch;delete

// NetworkPolicy is for a workload.
var NetworkPolicy = Kind{
	GroupVersionKind: networkingv1.SchemeGroupVersion.WithKind("NetworkPolicy"),
	Scope:            ServerNamespaces,
	Cached:           true,
	Recreatable:      true,
}

// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets,verbs=get;list;watch;create;patch;delete

// PodDisruptionBudget is for a workload.
var PodDisruptionBudget = Kind{
	GroupVersionKind: policyv1.SchemeGroupVersion.WithKind("PodDisruptionBudget"),
	Scope:            ServerNamespaces,
	Cached:           true,
	Recreatable:      true,
}

// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=rolebindings,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=roles,resourceNames=extension-apiserver-authentication-reader,verbs=bind,namespace=kube-system,roleName="extensionapi-operator:bindings"

// RoleBinding binds a server's ServiceAccounts in kube-system, and those of controllers in their own namespace.
var RoleBinding = Kind{
	GroupVersionKind: rbacv1.SchemeGroupVersion.WithKind("RoleBinding"),
	Scope:            ServersAndAuthReader,
	Cached:           true,
	Recreatable:      true,
}

// +kubebuilder:rbac:groups="",resources=secrets;serviceaccounts;services,verbs=get;list;watch;create;patch;delete

// Secret is cached without its data, which is read from the API server.
var Secret = Kind{
	GroupVersionKind: corev1.SchemeGroupVersion.WithKind("Secret"),
	Scope:            ServerNamespaces,
	Cached:           true,
	Recreatable:      true,
}

// Service is the address of a server.
var Service = Kind{
	GroupVersionKind: corev1.SchemeGroupVersion.WithKind("Service"),
	Scope:            ServerNamespaces,
	whole:            &corev1.Service{},
	Cached:           true,
}

// ServiceAccount is the identity of a workload.
var ServiceAccount = Kind{
	GroupVersionKind: corev1.SchemeGroupVersion.WithKind("ServiceAccount"),
	Scope:            ServerNamespaces,
	Cached:           true,
}

// +kubebuilder:rbac:groups=monitoring.coreos.com,resources=servicemonitors,verbs=get;create;patch;delete

// ServiceMonitor is the kind of the Prometheus Operator.
var ServiceMonitor = Kind{
	GroupVersionKind: manifests.ServiceMonitorKind,
	Scope:            ServerNamespaces,
	Recreatable:      true,
}

// +kubebuilder:rbac:groups=apps,resources=statefulsets,verbs=get;list;watch;create;patch;delete

// StatefulSet runs a standalone etcd. It is deleted in the foreground, after its Pod, which keeps a snapshot.
var StatefulSet = Kind{
	GroupVersionKind: appsv1.SchemeGroupVersion.WithKind("StatefulSet"),
	Scope:            ServerNamespaces,
	Cached:           true,
	Propagation:      metav1.DeletePropagationForeground,
}

// Kinds returns all owned kinds.
func Kinds() []Kind {
	return []Kind{
		APIService, Certificate, ClusterRoleBinding, ConfigMap, Deployment, NetworkPolicy, PodDisruptionBudget, RoleBinding,
		Secret, Service, ServiceAccount, ServiceMonitor, StatefulSet,
	}
}

// KindOf returns the row of a kind; for a kind that the operator does not own, one with nothing but the kind.
func KindOf(kind schema.GroupVersionKind) Kind {
	kinds := Kinds()
	i := slices.IndexFunc(kinds, func(known Kind) bool { return known.GroupVersionKind == kind })
	if i < 0 {
		return Kind{GroupVersionKind: kind}
	}
	return kinds[i]
}

// New returns an empty object to read into: a complete one if more than the metadata is read.
func (k Kind) New() client.Object {
	if k.whole != nil {
		return k.whole.DeepCopyObject().(client.Object) //nolint:forcetypeassert // a copy is of the same type
	}
	return Metadata(k.GroupVersionKind)
}

// Metadata returns an empty object to read the metadata of a kind into.
func Metadata(kind schema.GroupVersionKind) *metav1.PartialObjectMetadata {
	object := &metav1.PartialObjectMetadata{}
	object.SetGroupVersionKind(kind)
	return object
}
