// SPDX-License-Identifier: Apache-2.0

// Package kinds lists the kinds of objects that the operator and the kubectl plugin use.
package kinds

import (
	"errors"
	"net/http"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/inventory"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// namespaced and clusterWide are kinds that are used, in addition to those that the operator owns.
var (
	namespaced = []schema.GroupVersionKind{
		appsv1.SchemeGroupVersion.WithKind("ReplicaSet"),
		autoscalingv2.SchemeGroupVersion.WithKind("HorizontalPodAutoscaler"),
		coordinationv1.SchemeGroupVersion.WithKind("Lease"),
		corev1.SchemeGroupVersion.WithKind("Event"),
		corev1.SchemeGroupVersion.WithKind("Pod"),
		discoveryv1.SchemeGroupVersion.WithKind("EndpointSlice"),
		manifests.CertificateKind.GroupVersion().WithKind("CertificateRequest"),
	}
	clusterWide = []schema.GroupVersionKind{
		admissionregistrationv1.SchemeGroupVersion.WithKind("ValidatingAdmissionPolicy"),
		admissionregistrationv1.SchemeGroupVersion.WithKind("ValidatingAdmissionPolicyBinding"),
		apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition"),
		authorizationv1.SchemeGroupVersion.WithKind("SelfSubjectAccessReview"),
		authorizationv1.SchemeGroupVersion.WithKind("SubjectAccessReview"),
		corev1.SchemeGroupVersion.WithKind("Namespace"),
		v1alpha1.GroupVersion.WithKind("ExtensionAPI"),
	}
)

// Mapper maps these kinds without discovery. The usual mapper reads the discovery of the whole cluster into memory,
// which every extension API server can influence.
func Mapper() meta.RESTMapper {
	mapper := meta.NewDefaultRESTMapper(nil)
	add(mapper, meta.RESTScopeNamespace, namespaced...)
	add(mapper, meta.RESTScopeRoot, clusterWide...)
	add(mapper, meta.RESTScopeRoot, manifests.ClusterTrustBundleKinds...)
	for _, kind := range inventory.Kinds() {
		scope := meta.RESTScopeNamespace
		if kind.Scope == inventory.Cluster {
			scope = meta.RESTScopeRoot
		}
		add(mapper, scope, kind.GroupVersionKind)
	}
	return mapper
}

// ProvideMapper is Mapper for a manager's options.
func ProvideMapper(*rest.Config, *http.Client) (meta.RESTMapper, error) { return Mapper(), nil }

func add(mapper *meta.DefaultRESTMapper, scope meta.RESTScope, kinds ...schema.GroupVersionKind) {
	for _, kind := range kinds {
		plural, singular := meta.UnsafeGuessKindToResource(kind)
		mapper.AddSpecific(kind, plural, singular, scope)
		// A cache of several namespaces requires the scope of lists (client-go restmapper does the same).
		mapper.AddSpecific(kind.GroupVersion().WithKind(kind.Kind+"List"), plural, singular, scope)
	}
}

// IsUnknown reports whether a request failed because kube-apiserver does not serve the kind, rather than that there is
// no object of that name: it then answers 404 without a Status, or, where it serves other kinds of the group-version,
// with one that names nothing (k8s.io/apiserver pkg/server/handler.go).
func IsUnknown(err error) bool {
	status, ok := errors.AsType[*apierrors.StatusError](err)
	if !ok || !apierrors.IsNotFound(err) {
		return false
	}
	details := status.ErrStatus.Details
	return apierrors.IsUnexpectedServerError(err) || details == nil || details.Name == ""
}
