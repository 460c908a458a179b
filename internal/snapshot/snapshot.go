// SPDX-License-Identifier: Apache-2.0

// Package snapshot holds what was read of one ExtensionAPI and of what is around it. Nothing changes a snapshot after
// internal/observe has taken it, or a test has written it down. What could not be read is unknown in it, with the
// error. It imports no client.
package snapshot

import (
	"errors"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/claims"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/ejection"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/inventory"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
	"github.com/extensionapi/extensionapi-operator/internal/workload"
)

// Snapshot is of one ExtensionAPI at one moment.
type Snapshot struct {
	// ExtensionAPI is as it was read, with the status that was written last.
	*v1alpha1.ExtensionAPI
	// Backend is the Service of the server.
	Backend manifests.Backend
	Now     time.Time
	// OthersRegister reports whether other ExtensionAPIs are about to be registered, which comes first.
	OthersRegister bool
	// OutOfReach is why the operator may not run servers in the namespace of spec.server; without a code, it may.
	OutOfReach finding.Finding

	Namespace Known[Namespace]
	// AssignsUsers reports whether admission assigns the users that Pods of the namespace run as (OpenShift).
	AssignsUsers bool
	// Terminating are the namespaces of the cluster that are being deleted and still there for a reason.
	Terminating Known[[]corev1.Namespace]
	// Claims are to each group-version, in the order of the spec.
	Claims Known[[]claims.Claim]
	// Registered are the APIServices of the ExtensionAPI, by name, including those that it does not want any more.
	Registered Known[map[string]*apiregistrationv1.APIService]
	// Server is read where spec.server is set.
	Server Known[Workload]
	// Controllers are read where the operator runs the server, and where the spec references some.
	Controllers Known[Controllers]
	// Storage is read where spec.server.storage is set.
	Storage   Known[Storage]
	Endpoints Known[Endpoints]
	// Certificates are read where spec.server or spec.existingService.caBundleFrom is set.
	Certificates Known[Certificates]
	// Selectors are those of an earlier server in the namespace of spec.server, while its APIService may be adopted.
	Selectors Known[[]Selector]

	// StandIn is what can serve discovery in place of the server.
	StandIn StandIn

	// Handshakes are the last ones with replicas of the server.
	Handshakes Handshakes
	Layer      Layer
	// Probes are the results of the last round.
	Probes discovery.Round
	// Objects are the result of the last check of what the server answers for its objects.
	Objects Objects
	// Aggregated is what aggregated discovery contains, by group-version.
	Aggregated map[schema.GroupVersion]Aggregated
}

// Namespace is the state of a namespace.
type Namespace int

const (
	// Active means that it can be worked in.
	Active Namespace = iota
	// Terminating means that it is being deleted.
	Terminating
	// Missing means that it does not exist.
	Missing
)

// Workload is a Deployment with what belongs to it.
type Workload struct {
	// Deployment is nil where there is none with the owner label.
	Deployment *appsv1.Deployment
	// Pods are its own, including those that are terminating.
	Pods []corev1.Pod
	// Accounts are the ServiceAccounts that they run as, besides that of the template.
	Accounts []string
	// Causes are why Pods are not ready, by their UIDs, as far as that was looked for.
	Causes map[types.UID]workload.Cause
	// Account is the UID of the operator's ServiceAccount, empty where there is none with the owner label.
	Account types.UID
	// Unwanted are objects that there are, although the spec does not want them any more.
	Unwanted []inventory.Object
}

// Controllers are what runs as controllers.
type Controllers struct {
	// ByName has those of the spec, by the names of their Deployments.
	ByName map[string]Workload
	// Referenced are the Deployments of other owners, by the names of the controllers; nil where there is none.
	Referenced map[string]Known[*appsv1.Deployment]
	// Former are objects of those that the spec does not have any more, in the order of their deletion.
	Former []inventory.Object
	// FormerAccounts are the ServiceAccounts that Pods of these still run as.
	FormerAccounts []string
}

// Selector is what an object of another owner selects Pods by.
type Selector struct {
	// Kind and Name of the object.
	Kind, Name string
	Selector   metav1.LabelSelector
}

// Endpoints are what is behind the Service.
type Endpoints struct {
	// Service is nil where there is none.
	Service        *corev1.Service
	EndpointSlices []discoveryv1.EndpointSlice
	// Address is the Service's (host:port), empty where it has none of its own.
	Address string
	// Ready are the replicas that requests are sent to, and Ejected those that get none.
	Ready   []endpoints.Endpoint
	Ejected []ejection.Ejected
}

// IsExternal reports whether the Service names a host.
func (e Endpoints) IsExternal() bool {
	return e.Service != nil && e.Service.Spec.Type == corev1.ServiceTypeExternalName
}

// Certificates are what is stored, and what the source provides.
type Certificates struct {
	Stored rotation.Stored
	// Provided is the Secret that another owner writes; nil where there is none, or spec.server.certificates names none.
	Provided *corev1.Secret
	// Pending is what cert-manager is still working on, empty where it is not.
	Pending string
	// CABundle is read where spec.existingService.caBundleFrom is set.
	CABundle CABundle
}

// CABundle is what spec.existingService.caBundleFrom leads to.
type CABundle struct {
	// Source is the object, and Key that of its data, empty where it has only one value.
	Source manifests.Source
	Key    string
	// Unreadable is why the operator cannot read such an object; without a code, it can.
	Unreadable finding.Finding
	// Exists reports whether there is the object, and HasKey whether it has the key. PEM is its value.
	Exists, HasKey bool
	PEM            []byte
}

// Peer is what a TLS handshake is made with: a Pod of the server, or an endpoint of another owner's Service.
type Peer struct {
	// ID is the UID of the Pod, or the address of the endpoint.
	ID   string
	Name string
	// Address is host:port, empty while it has none.
	Address string
}

// Handshakes are what replicas served.
type Handshakes struct {
	// ByPeer has them by the ID of the peer.
	ByPeer map[string]rotation.Pod
	// Ended is when the last ones were made, zero while there are none.
	Ended time.Time
}

// Layer is the configuration of the aggregation layer.
type Layer struct {
	// Missing is what it lacks, as far as that is known.
	Missing []string
	// Looked reports whether it was looked at within the last minute.
	Looked bool
	// TrustChanged is when the ConfigMap with the front-proxy CA last changed, zero while that is not known.
	TrustChanged time.Time
}

// Aggregated is what the kube-apiservers' aggregated discovery contains of a group-version.
type Aggregated struct {
	// Stale are the kube-apiservers that have had it marked Stale for some time, and Empty those without a resource in
	// it.
	Stale, Empty []string
	// Settled reports whether each was looked at often enough to know.
	Settled bool
}

// Err is why something is unknown, nil where everything is known that was read.
func (s *Snapshot) Err() error {
	return errors.Join(
		s.Namespace.Err(), s.Terminating.Err(), s.Registered.Err(), s.Claims.Err(), s.Server.Err(), s.Controllers.Err(),
		s.Storage.Err(), s.Endpoints.Err(), s.Certificates.Err(), s.Selectors.Err())
}

// InReach reports whether the operator may run the server in its namespace.
func (s *Snapshot) InReach() bool { return !s.OutOfReach.Found() }

// IsActive reports whether there is a namespace for the server.
func (s *Snapshot) IsActive() bool {
	namespace, known := s.Namespace.Get()
	return known && namespace == Active
}

// RunsServer reports whether the operator runs a server for it, and can.
func (s *Snapshot) RunsServer() bool { return s.Spec.Server != nil && s.IsActive() && s.InReach() }

// TrustsSource reports whether the CA bundle comes from an object of another owner, and there is a namespace for it.
func (s *Snapshot) TrustsSource() bool { return manifests.TrustsSource(s.ExtensionAPI) && s.IsActive() }
