// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"context"
	"errors"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/observe"
	"github.com/extensionapi/extensionapi-operator/internal/standin"
)

// StandInSettings are what the command line decides about the stand-in.
type StandInSettings struct {
	// BindAddress is the address that it listens at on every replica of the operator; empty or 0 disables it.
	BindAddress string
	// ServicePort is the port of the Service in front of it, 443 but for tests.
	ServicePort int32
}

// addStandIn makes every replica serve discovery for servers that do not, and returns what the observer knows of it,
// nil where it is disabled.
func addStandIn(
	mgr ctrl.Manager, settings Settings, live client.Reader, kubeAPIServers *aggregation.KubeAPIServers,
	changed func(name string),
) (*observe.StandIn, error) {
	if settings.StandIn.BindAddress == "" || settings.StandIn.BindAddress == "0" {
		return nil, nil
	}
	service := manifests.StandInService(settings.OperatorNamespace, settings.StandIn.ServicePort)
	stored := storedDocuments{mgr.GetClient(), settings.OperatorNamespace, service}
	trustChanged := func(ctx context.Context) { stored.eachReplaced(ctx, changed) }
	certificates := standin.NewCertificates(live, clock.RealClock{}, settings.OperatorNamespace, trustChanged)
	server, err := standin.Listen(settings.StandIn.BindAddress, certificates, standin.NewHandler(stored.all))
	if err != nil {
		return nil, err
	}
	issuer := &standin.Issuer{Client: mgr.GetClient(), Live: live, Clock: clock.RealClock{}, Service: service}
	return &observe.StandIn{
		Service: service, CABundle: certificates.Bundle, KubeAPIServers: kubeAPIServers.Count,
		Started: clock.RealClock{}.Now(),
	}, errors.Join(mgr.Add(server), mgr.Add(certificates), mgr.Add(issuer))
}

// storedDocuments reads from the cache what servers answered.
type storedDocuments struct {
	reader    client.Reader
	namespace string
	service   manifests.Backend
}

// all implements standin.Source.
func (d storedDocuments) all(ctx context.Context) ([]standin.Stored, error) {
	documents := &corev1.ConfigMapList{}
	if err := d.reader.List(ctx, documents, client.InNamespace(d.namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	registered, err := d.registered(ctx)
	if err != nil {
		return nil, err
	}
	var all []standin.Stored
	for i := range documents.Items {
		all = append(all, d.storedIn(&documents.Items[i], registered))
	}
	slices.SortFunc(all, func(a, b standin.Stored) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// registered returns the APIServices by group-version.
func (d storedDocuments) registered(
	ctx context.Context,
) (map[schema.GroupVersion]*apiregistrationv1.APIService, error) {
	list := &apiregistrationv1.APIServiceList{}
	err := d.reader.List(ctx, list, client.UnsafeDisableDeepCopy)
	result := map[schema.GroupVersion]*apiregistrationv1.APIService{}
	for i := range list.Items {
		spec := list.Items[i].Spec
		result[schema.GroupVersion{Group: spec.Group, Version: spec.Version}] = &list.Items[i]
	}
	return result, err
}

// storedIn leaves out group-versions that another owner has registered.
func (d storedDocuments) storedIn(
	documents *corev1.ConfigMap, registered map[schema.GroupVersion]*apiregistrationv1.APIService,
) standin.Stored {
	stored := standin.Stored{
		Name:      documents.Labels[manifests.OwnerLabel],
		Version:   string(documents.UID) + " " + documents.ResourceVersion,
		Discovery: documents.BinaryData[manifests.DiscoveryKey],
		OpenAPI:   documents.BinaryData[manifests.OpenAPIKey],
	}
	if documents.Name != manifests.DocumentsName(stored.Name) {
		return standin.Stored{}
	}
	for _, groupVersion := range manifests.DocumentedIn(documents) {
		apiService := registered[groupVersion]
		if apiService == nil || apiService.Labels[manifests.OwnerLabel] != stored.Name ||
			apiService.Annotations[manifests.UIDAnnotation] != documents.Annotations[manifests.UIDAnnotation] {
			continue
		}
		stored.GroupVersions = append(stored.GroupVersions, groupVersion)
		if d.service.IsBackendOf(apiService) {
			stored.Replaced = append(stored.Replaced, groupVersion)
		}
	}
	return stored
}

// eachReplaced calls changed with the names of the ExtensionAPIs whose APIServices lead to the stand-in.
func (d storedDocuments) eachReplaced(ctx context.Context, changed func(name string)) {
	registered, err := d.registered(ctx)
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "listing APIServices in the cache")
	}
	for _, apiService := range registered {
		if owner := apiService.Labels[manifests.OwnerLabel]; owner != "" && d.service.IsBackendOf(apiService) {
			changed(owner)
		}
	}
}
