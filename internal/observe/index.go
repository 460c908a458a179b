// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/claims"
	"github.com/extensionapi/extensionapi-operator/internal/inventory"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/terminating"
)

// The indexes of the cache: neither a reconciliation nor an event may walk through everything of a cluster.
const (
	// groupIndex has ExtensionAPIs, APIServices and CustomResourceDefinitions by the names of their API groups.
	groupIndex = "group"
	// uidIndex has ExtensionAPIs by their UIDs, and APIServices by that of the ExtensionAPI that they are marked with.
	uidIndex = "uid"
	// nameIndex has ExtensionAPIs by their names.
	nameIndex = "name"
	// ownerIndex has APIServices by the name of the ExtensionAPI that they are marked with.
	ownerIndex = "owner"
	// serviceIndex has ExtensionAPIs and APIServices by the Service that requests are sent to.
	serviceIndex = "service"
	// namespaceIndex has ExtensionAPIs by the namespace of their Service.
	namespaceIndex = "namespace"
	// terminatingIndex has the namespaces that are being deleted and still there for a reason.
	terminatingIndex = "terminating"
	isTerminating    = "true"
)

// Index is one index of one kind.
type Index struct {
	object client.Object
	field  string
	values client.IndexerFunc
}

// AddTo adds the index to a cache. It fails where the kind is not served.
func (i Index) AddTo(ctx context.Context, indexer client.FieldIndexer) error {
	return indexer.IndexField(ctx, i.object, i.field, i.values)
}

// Indexes returns all indexes that an Observer needs.
func Indexes() []Index {
	return []Index{
		{&v1alpha1.ExtensionAPI{}, groupIndex, groupsOf},
		{&v1alpha1.ExtensionAPI{}, uidIndex, func(object client.Object) []string {
			return []string{string(object.GetUID())}
		}},
		{&v1alpha1.ExtensionAPI{}, nameIndex, func(object client.Object) []string { return []string{object.GetName()} }},
		{&v1alpha1.ExtensionAPI{}, serviceIndex, servicesOf},
		{&v1alpha1.ExtensionAPI{}, namespaceIndex, namespacesOf},
		{&apiregistrationv1.APIService{}, groupIndex, groupsOf},
		{&apiregistrationv1.APIService{}, uidIndex, func(object client.Object) []string {
			return unlessEmpty(object.GetAnnotations()[manifests.UIDAnnotation])
		}},
		{&apiregistrationv1.APIService{}, ownerIndex, func(object client.Object) []string {
			return unlessEmpty(object.GetLabels()[manifests.OwnerLabel])
		}},
		{&apiregistrationv1.APIService{}, serviceIndex, servicesOf},
		{inventory.Metadata(DefinitionKind), groupIndex, groupsOf},
		{&corev1.Namespace{}, terminatingIndex, obstructed},
	}
}

func groupsOf(object client.Object) []string {
	switch object := object.(type) {
	case *v1alpha1.ExtensionAPI:
		return claims.GroupsOf(object).UnsortedList()
	case *apiregistrationv1.APIService:
		return []string{object.Spec.Group}
	default:
		return []string{GroupOfDefinition(object)}
	}
}

func servicesOf(object client.Object) []string {
	switch object := object.(type) {
	case *v1alpha1.ExtensionAPI:
		return []string{manifests.BackendOf(object).Key().String()}
	case *apiregistrationv1.APIService:
		return unlessEmpty(serviceBehind(object))
	default:
		return nil
	}
}

// serviceBehind is empty for an APIService that names none.
func serviceBehind(apiService *apiregistrationv1.APIService) string {
	service := apiService.Spec.Service
	if service == nil {
		return ""
	}
	return types.NamespacedName{Namespace: service.Namespace, Name: service.Name}.String()
}

func namespacesOf(object client.Object) []string {
	extensionAPI, _ := object.(*v1alpha1.ExtensionAPI)
	return []string{manifests.BackendOf(extensionAPI).Namespace}
}

func obstructed(object client.Object) []string {
	if namespace, _ := object.(*corev1.Namespace); len(terminating.Obstacles(namespace)) > 0 {
		return []string{isTerminating}
	}
	return nil
}

func unlessEmpty(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

// ExtensionAPIsOfGroup returns those that want a version of a group, as the cache's own.
func ExtensionAPIsOfGroup(ctx context.Context, cached client.Reader, group string) ([]v1alpha1.ExtensionAPI, error) {
	return extensionAPIsBy(ctx, cached, groupIndex, group)
}

// ExtensionAPIsIn returns those whose Service is in a namespace, as the cache's own.
func ExtensionAPIsIn(ctx context.Context, cached client.Reader, namespace string) ([]v1alpha1.ExtensionAPI, error) {
	return extensionAPIsBy(ctx, cached, namespaceIndex, namespace)
}

// ExtensionAPIsOfUID returns the one with a UID, if there is one, as the cache's own.
func ExtensionAPIsOfUID(ctx context.Context, cached client.Reader, uid string) ([]v1alpha1.ExtensionAPI, error) {
	return extensionAPIsBy(ctx, cached, uidIndex, uid)
}

func extensionAPIsBy(
	ctx context.Context, cached client.Reader, index, value string,
) ([]v1alpha1.ExtensionAPI, error) {
	list := &v1alpha1.ExtensionAPIList{}
	err := cached.List(ctx, list, client.MatchingFields{index: value}, client.UnsafeDisableDeepCopy)
	return list.Items, err
}

func apiServicesBy(
	ctx context.Context, cached client.Reader, index, value string,
) ([]apiregistrationv1.APIService, error) {
	list := &apiregistrationv1.APIServiceList{}
	err := cached.List(ctx, list, client.MatchingFields{index: value}, client.UnsafeDisableDeepCopy)
	return list.Items, err
}
