// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// Stage is when an object is created and reconciled.
type Stage int

const (
	// Separate is for objects that are handled separately: certificates, and the ServiceAccount.
	Separate Stage = iota
	// BeforeDeployment is for objects that Pods need, in any order.
	BeforeDeployment
	// WithDeployment is for the Deployment itself.
	WithDeployment
	// BeforeStorage is for objects that a standalone etcd and its clients need, in any order.
	BeforeStorage
	// WithStorage is for the StatefulSet of a standalone etcd.
	WithStorage
	// Monitoring is for objects of a kind that the cluster may not know, which the server does not need.
	Monitoring
)

// Step is when an object is deleted with its ExtensionAPI, after the APIServices are gone.
type Step int

const (
	// Stop is for objects that receive and serve requests.
	Stop Step = iota
	// StopStorage is for a standalone etcd, which the server used until it stopped.
	StopStorage
	// AfterStop is for objects that the server needed while it was running.
	AfterStop
)

// Locations are the name and the namespaces of an ExtensionAPI's objects.
type Locations struct {
	// Name of the ExtensionAPI.
	Name string
	// Server is the namespace of its server, and Operator that of the operator.
	Server, Operator string
}

// Inputs are what objects are built from, in addition to the ExtensionAPI.
type Inputs struct {
	// Accounts are the ServiceAccounts that Pods of the server run as.
	Accounts []string
	// ControllerAccounts are those that Pods of controllers run as.
	ControllerAccounts []string
	// Observed is what the Deployment depends on.
	manifests.Observed
}

// Object is one of the objects of an ExtensionAPI.
type Object struct {
	Kind      Kind
	Key       func(Locations) client.ObjectKey
	CreatedIn Stage
	DeletedIn Step
	// build returns the wanted object; it is nil for stage Separate.
	build func(*v1alpha1.ExtensionAPI, Inputs) (runtime.ApplyConfiguration, error)
	// wanted reports whether there is to be such an object; it is nil if there always is. An object that is not wanted any
	// more is deleted.
	wanted func(*v1alpha1.ExtensionAPI) bool
	// certManager is true if it is created by or for cert-manager.
	certManager bool
	// ofStandIn is true if it is for the stand-in.
	ofStandIn bool
	// ofControllers is true if controllers need it as long as their Pods run.
	ofControllers bool
	// withoutServer is true if there may be one with spec.existingService, too.
	withoutServer bool
}

// objects lists the objects of an ExtensionAPI, except its APIServices, in the order of their deletion.
var objects = []Object{
	{Kind: Deployment, Key: atServer, CreatedIn: WithDeployment, DeletedIn: Stop, build: deployment},
	{
		Kind: PodDisruptionBudget, Key: atServer, CreatedIn: BeforeDeployment, DeletedIn: Stop,
		build: podDisruptionBudget, wanted: manifests.HasDisruptionBudget,
	},
	{Kind: Service, Key: atServer, CreatedIn: BeforeDeployment, DeletedIn: Stop, build: service},
	{
		Kind: StatefulSet, Key: standalone, CreatedIn: WithStorage, DeletedIn: StopStorage,
		build: statefulSet, wanted: manifests.HasStandalone,
	},
	{
		Kind: Service, Key: standalone, CreatedIn: BeforeStorage, DeletedIn: StopStorage,
		build: standaloneService, wanted: manifests.HasStandalone,
	},
	{
		Kind: NetworkPolicy, Key: standalone, CreatedIn: BeforeStorage, DeletedIn: AfterStop,
		build: standaloneNetworkPolicy, wanted: isStandaloneRestricted,
	},
	{
		Kind: NetworkPolicy, Key: atServer, CreatedIn: BeforeDeployment, DeletedIn: AfterStop,
		build: networkPolicy, wanted: manifests.HasNetworkPolicy,
	},
	{
		Kind: ServiceMonitor, Key: atServer, CreatedIn: Monitoring, DeletedIn: AfterStop,
		build: serviceMonitor, wanted: manifests.HasServiceMonitor,
	},
	// The Secret is recreated as long as the Certificate exists.
	{Kind: Certificate, Key: ofCertManager, DeletedIn: AfterStop, certManager: true},
	{Kind: Secret, Key: ofCertManager, DeletedIn: AfterStop, certManager: true},
	{Kind: ServiceAccount, Key: atServer, DeletedIn: AfterStop},
	{Kind: Secret, Key: servingSecret, DeletedIn: AfterStop},
	{Kind: Secret, Key: storageSecret, DeletedIn: AfterStop, wanted: manifests.HasStorageSecret},
	{Kind: Secret, Key: storageTrust, DeletedIn: AfterStop, wanted: manifests.HasStandalone},
	{
		Kind: ClusterRoleBinding, Key: authDelegator, CreatedIn: BeforeDeployment, DeletedIn: AfterStop,
		build: authDelegatorBinding,
	},
	{
		Kind: ClusterRoleBinding, Key: serverBinding, CreatedIn: BeforeDeployment, DeletedIn: AfterStop,
		build: serverRoleBinding,
	},
	{
		Kind: ClusterRoleBinding, Key: controllerEvents, CreatedIn: BeforeDeployment, DeletedIn: AfterStop,
		build: controllerEventsBinding, wanted: manifests.HasControllers, ofControllers: true,
	},
	{
		Kind: RoleBinding, Key: leaderElection, CreatedIn: BeforeDeployment, DeletedIn: AfterStop,
		build: leaderElectionBinding, wanted: manifests.HasControllers, ofControllers: true,
	},
	{Kind: RoleBinding, Key: authReader, CreatedIn: BeforeDeployment, DeletedIn: AfterStop, build: authReaderBinding},
	{Kind: Secret, Key: trustSecret, DeletedIn: AfterStop, withoutServer: true},
	{Kind: ConfigMap, Key: documents, DeletedIn: AfterStop, ofStandIn: true, withoutServer: true},
}

// CreatedAt returns the objects of an ExtensionAPI that are created in a stage.
func CreatedAt(stage Stage, extensionAPI *v1alpha1.ExtensionAPI) []Object {
	return filter(func(o Object) bool { return o.CreatedIn == stage && o.build != nil && o.isWanted(extensionAPI) })
}

// Unwanted returns the objects of watched kinds that an ExtensionAPI is not to have, but may have from an earlier spec.
func Unwanted(extensionAPI *v1alpha1.ExtensionAPI) []Object {
	return filter(func(o Object) bool { return o.Kind.Cached && !o.isWanted(extensionAPI) })
}

func (o Object) isWanted(extensionAPI *v1alpha1.ExtensionAPI) bool {
	return o.wanted == nil || o.wanted(extensionAPI)
}

// DeletedAt returns the objects that are deleted in a step, in the order of their deletion.
func DeletedAt(step Step) []Object { return filter(func(o Object) bool { return o.DeletedIn == step }) }

// OfCertManager returns the objects that are created by or for cert-manager.
func OfCertManager() []Object { return filter(Object.IsOfCertManager) }

// OfMonitoring returns the objects by which the server's metrics are scraped.
func OfMonitoring() []Object { return filter(func(o Object) bool { return o.CreatedIn == Monitoring }) }

// OfStandIn returns the objects that the stand-in serves from.
func OfStandIn() []Object { return filter(func(o Object) bool { return o.ofStandIn }) }

// OfTrust returns the objects in which the CAs of another owner's Service are kept.
func OfTrust() []Object {
	return filter(func(o Object) bool { return o.withoutServer && !o.ofStandIn })
}

// IsOfCertManager reports whether the object is created by or for cert-manager.
func (o Object) IsOfCertManager() bool { return o.certManager }

// IsOfControllers reports whether controllers need the object as long as their Pods run.
func (o Object) IsOfControllers() bool { return o.ofControllers }

// IsWithoutServer reports whether there may be such an object with spec.existingService, too.
func (o Object) IsWithoutServer() bool { return o.withoutServer }

// Configuration returns the wanted object.
func (o Object) Configuration(extensionAPI *v1alpha1.ExtensionAPI, in Inputs) (runtime.ApplyConfiguration, error) {
	return o.build(extensionAPI, in)
}

// IsAtServer reports whether the object is in the namespace of the server, where the operator may have no permissions.
func (o Object) IsAtServer() bool {
	anywhere := Locations{Server: "anywhere"}
	return o.Key(anywhere).Namespace == anywhere.Server
}

func filter(match func(Object) bool) []Object {
	return slices.DeleteFunc(slices.Clone(objects), func(o Object) bool { return !match(o) })
}

func atServer(p Locations) client.ObjectKey {
	return client.ObjectKey{Namespace: p.Server, Name: p.Name}
}

func ofCertManager(p Locations) client.ObjectKey {
	return client.ObjectKey{Namespace: p.Server, Name: manifests.CertManagerName(p.Name)}
}

func servingSecret(p Locations) client.ObjectKey {
	return client.ObjectKey{Namespace: p.Server, Name: manifests.ServingSecretName(p.Name)}
}

func trustSecret(p Locations) client.ObjectKey {
	return client.ObjectKey{Namespace: p.Operator, Name: manifests.TrustSecretName(p.Name)}
}

func standalone(p Locations) client.ObjectKey {
	return client.ObjectKey{Namespace: p.Server, Name: manifests.StandaloneName(p.Name)}
}

func storageSecret(p Locations) client.ObjectKey {
	return client.ObjectKey{Namespace: p.Server, Name: manifests.StorageSecretName(p.Name)}
}

// StorageSecretKey is that of the Secret that the server's Pods mount for their storage.
func StorageSecretKey(e *v1alpha1.ExtensionAPI) client.ObjectKey {
	return storageSecret(Locations{Name: e.Name, Server: e.Spec.Server.Namespace})
}

func storageTrust(p Locations) client.ObjectKey {
	return client.ObjectKey{Namespace: p.Operator, Name: manifests.StorageTrustSecretName(p.Name)}
}

func documents(p Locations) client.ObjectKey {
	return client.ObjectKey{Namespace: p.Operator, Name: manifests.DocumentsName(p.Name)}
}

func authDelegator(p Locations) client.ObjectKey {
	return client.ObjectKey{Name: manifests.AuthDelegatorName(p.Name)}
}

func serverBinding(p Locations) client.ObjectKey {
	return client.ObjectKey{Name: manifests.ServerBindingName(p.Name)}
}

func authReader(p Locations) client.ObjectKey {
	return client.ObjectKey{Namespace: manifests.AuthReaderNamespace, Name: manifests.AuthReaderName(p.Name)}
}

func controllerEvents(p Locations) client.ObjectKey {
	return client.ObjectKey{Name: manifests.ControllerBindingName(p.Name)}
}

func leaderElection(p Locations) client.ObjectKey {
	return client.ObjectKey{Namespace: p.Server, Name: manifests.ControllerBindingName(p.Name)}
}

func deployment(e *v1alpha1.ExtensionAPI, in Inputs) (runtime.ApplyConfiguration, error) {
	return manifests.Deployment(e, manifests.ServerOf(e), in.Observed)
}

func podDisruptionBudget(e *v1alpha1.ExtensionAPI, _ Inputs) (runtime.ApplyConfiguration, error) {
	return manifests.PodDisruptionBudget(e, manifests.ServerOf(e)), nil
}

func controllerEventsBinding(e *v1alpha1.ExtensionAPI, in Inputs) (runtime.ApplyConfiguration, error) {
	return manifests.ControllerEventsBinding(e, in.ControllerAccounts), nil
}

func leaderElectionBinding(e *v1alpha1.ExtensionAPI, in Inputs) (runtime.ApplyConfiguration, error) {
	return manifests.LeaderElectionBinding(e, in.ControllerAccounts), nil
}

func service(e *v1alpha1.ExtensionAPI, _ Inputs) (runtime.ApplyConfiguration, error) {
	return manifests.Service(e), nil
}

func networkPolicy(e *v1alpha1.ExtensionAPI, _ Inputs) (runtime.ApplyConfiguration, error) {
	return manifests.NetworkPolicy(e), nil
}

func serviceMonitor(e *v1alpha1.ExtensionAPI, _ Inputs) (runtime.ApplyConfiguration, error) {
	return manifests.ServiceMonitor(e), nil
}

func authDelegatorBinding(e *v1alpha1.ExtensionAPI, in Inputs) (runtime.ApplyConfiguration, error) {
	return manifests.AuthDelegatorBinding(e, in.Accounts), nil
}

func serverRoleBinding(e *v1alpha1.ExtensionAPI, in Inputs) (runtime.ApplyConfiguration, error) {
	return manifests.ServerBinding(e, in.Accounts), nil
}

func authReaderBinding(e *v1alpha1.ExtensionAPI, in Inputs) (runtime.ApplyConfiguration, error) {
	return manifests.AuthReaderBinding(e, in.Accounts), nil
}

func statefulSet(e *v1alpha1.ExtensionAPI, in Inputs) (runtime.ApplyConfiguration, error) {
	return manifests.StatefulSet(e, in.Observed)
}

func standaloneService(e *v1alpha1.ExtensionAPI, _ Inputs) (runtime.ApplyConfiguration, error) {
	return manifests.StandaloneService(e), nil
}

func standaloneNetworkPolicy(e *v1alpha1.ExtensionAPI, _ Inputs) (runtime.ApplyConfiguration, error) {
	return manifests.StandaloneNetworkPolicy(e), nil
}

func isStandaloneRestricted(e *v1alpha1.ExtensionAPI) bool {
	return manifests.HasStandalone(e) && manifests.HasNetworkPolicy(e)
}
