// SPDX-License-Identifier: Apache-2.0

// Package kinds knows the kinds of objects that the operator touches.
package kinds

import (
	"net/http"

	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// namespaced and clusterWide are the kinds of each group-version.
var (
	namespaced = map[schema.GroupVersion][]string{
		appsv1.SchemeGroupVersion:                {"Deployment", "ReplicaSet"},
		coordinationv1.SchemeGroupVersion:        {"Lease"},
		corev1.SchemeGroupVersion:                {"ConfigMap", "Pod", "Secret", "Service", "ServiceAccount"},
		discoveryv1.SchemeGroupVersion:           {"EndpointSlice"},
		manifests.CertificateKind.GroupVersion(): {"Certificate", "CertificateRequest"},
		policyv1.SchemeGroupVersion:              {"PodDisruptionBudget"},
		rbacv1.SchemeGroupVersion:                {"RoleBinding"},
	}
	clusterWide = map[schema.GroupVersion][]string{
		apiextensionsv1.SchemeGroupVersion:   {"CustomResourceDefinition"},
		apiregistrationv1.SchemeGroupVersion: {"APIService"},
		authorizationv1.SchemeGroupVersion:   {"SelfSubjectAccessReview"},
		corev1.SchemeGroupVersion:            {"Namespace"},
		rbacv1.SchemeGroupVersion:            {"ClusterRoleBinding"},
		v1alpha1.GroupVersion:                {"ExtensionAPI"},
	}
)

// Mapper knows these kinds without asking. The usual one reads the discovery of the whole cluster into memory, in which
// every extension API server has a say.
func Mapper() meta.RESTMapper {
	mapper := meta.NewDefaultRESTMapper(nil)
	add(mapper, namespaced, meta.RESTScopeNamespace)
	add(mapper, clusterWide, meta.RESTScopeRoot)
	return mapper
}

// ProvideMapper is Mapper for a manager's options.
func ProvideMapper(*rest.Config, *http.Client) (meta.RESTMapper, error) { return Mapper(), nil }

func add(mapper *meta.DefaultRESTMapper, kinds map[schema.GroupVersion][]string, scope meta.RESTScope) {
	for groupVersion, names := range kinds {
		for _, name := range names {
			kind := groupVersion.WithKind(name)
			plural, singular := meta.UnsafeGuessKindToResource(kind)
			mapper.AddSpecific(kind, plural, singular, scope)
			// A cache of several namespaces asks for the scope of lists (client-go restmapper does the same).
			mapper.AddSpecific(groupVersion.WithKind(name+"List"), plural, singular, scope)
		}
	}
}

// IsUnknown reports whether a request failed because kube-apiserver does not serve the kind, rather than that there is
// no object of that name: it then answers 404 without a Status.
func IsUnknown(err error) bool {
	return apierrors.IsNotFound(err) && apierrors.IsUnexpectedServerError(err)
}
