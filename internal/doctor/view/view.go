// SPDX-License-Identifier: Apache-2.0

// Package view is what was read of a cluster's aggregation layer at one moment, with the permissions of a user. What
// could not be read is unknown, with the error. It is never modified, and imports no client.
package view

import (
	"crypto/x509"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/objects"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// View is the aggregation layer of a cluster.
type View struct {
	// Host is the address of kube-apiserver in the kubeconfig.
	Host string
	Now  time.Time
	// Chosen means that only some APIServices and ExtensionAPIs are looked at.
	Chosen bool
	// Version of kube-apiserver, such as v1.36.3.
	Version snapshot.Known[string]
	// Clocks are those of kube-apiserver and of this machine when it answered.
	Clocks snapshot.Known[Clocks]
	// KubeAPIServers are those behind the Service default/kubernetes, ordered by address.
	KubeAPIServers snapshot.Known[[]KubeAPIServer]
	// MissingTrust is what extension API servers need to authenticate kube-apiserver and do not find.
	MissingTrust snapshot.Known[[]string]
	// MissingCertificate is that a kube-apiserver has no client certificate for extension API servers; empty if it has.
	MissingCertificate snapshot.Known[[]string]
	// Discovery is the aggregated discovery of kube-apiserver; it is known, and nil, if there is none.
	Discovery snapshot.Known[map[schema.GroupVersion]Freshness]
	// OpenAPIV3 and OpenAPIV2 are the group-versions that these documents contain.
	OpenAPIV3, OpenAPIV2 snapshot.Known[sets.Set[schema.GroupVersion]]
	// APIServices are those with a Service, ordered by name.
	APIServices snapshot.Known[[]APIService]
	// Definitions are the CustomResourceDefinitions that have a group-version of one of the APIServices.
	Definitions snapshot.Known[map[schema.GroupVersion]string]
	// Autoscalers are the HorizontalPodAutoscalers that get no metrics.
	Autoscalers snapshot.Known[[]autoscalingv2.HorizontalPodAutoscaler]
	// Terminating are the namespaces that are being deleted.
	Terminating snapshot.Known[[]corev1.Namespace]
	// ExtensionAPIs is known, and empty, where the operator is not installed.
	ExtensionAPIs snapshot.Known[[]v1alpha1.ExtensionAPI]
}

// KubeAPIServer is one of the kube-apiservers.
type KubeAPIServer struct {
	Address string
	// Unreached is why no request from this machine reaches it directly, nil if requests do.
	Unreached error
}

// Clocks are two clocks at the same moment.
type Clocks struct{ Server, Local time.Time }

// Freshness is the state of a group-version in aggregated discovery.
type Freshness struct{ Stale, Empty bool }

// APIService is one of the APIServices, and what requests for its group-version show.
type APIService struct {
	*apiregistrationv1.APIService
	Backend *Backend
	// Discovery is the result of its discovery through kube-apiserver, unknown where it was not requested.
	Discovery snapshot.Known[discovery.Sample]
	// Through has its discovery through each kube-apiserver that is reached directly.
	Through []Through
	// Served is what Pods behind the Service serve, unknown without an error where kube-apiserver does not verify it or no
	// Pod is ready.
	Served snapshot.Known[Served]
	// Objects is what requests for its objects show, as the operator sends them.
	Objects snapshot.Known[objects.Result]
}

// Through is the result of discovery through one kube-apiserver, unknown where it was not requested in time.
type Through struct {
	Address   string
	Discovery snapshot.Known[discovery.Sample]
}

// Served are the certificates that Pods serve.
type Served struct {
	Pods []ServedBy
	// Left is how many Pods were left out.
	Left int
}

// ServedBy is the chain that one Pod serves, the serving certificate first.
type ServedBy struct {
	Pod   string
	Chain snapshot.Known[[]*x509.Certificate]
}

// LeadsToStandIn reports whether the operator serves discovery in place of the server.
func (a APIService) LeadsToStandIn() bool {
	return a.Spec.Service != nil && a.Spec.Service.Name == manifests.StandInName && a.Labels[manifests.OwnerLabel] != ""
}

// GroupVersion of the APIService.
func (a APIService) GroupVersion() schema.GroupVersion {
	return schema.GroupVersion{Group: a.Spec.Group, Version: a.Spec.Version}
}

// Backend is a Service that APIServices lead to, and what is behind it.
type Backend struct {
	types.NamespacedName
	// Service is known, and nil, if it does not exist.
	Service        snapshot.Known[*corev1.Service]
	EndpointSlices snapshot.Known[[]discoveryv1.EndpointSlice]
	// Pods are those that the Service selects, and Budgets those of its namespace.
	Pods    snapshot.Known[[]corev1.Pod]
	Budgets snapshot.Known[[]policyv1.PodDisruptionBudget]
	// Denied is what the ServiceAccount of the Pods may not do, although servers need it to recognize kube-apiserver and
	// to authorize its requests.
	Denied snapshot.Known[[]string]
}

// Port is the port of the Service that an APIService leads to.
func (a APIService) Port() int32 {
	return ptr.Deref(a.Spec.Service.Port, 443) // kube-aggregator pkg/apis/apiregistration/v1/defaults.go
}
