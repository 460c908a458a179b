// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/metadata"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

// objectsOf returns the resource versions of the objects of all kinds with the owner label of the ExtensionAPIs.
func objectsOf(t *testing.T, names ...string) map[string]string {
	t.Helper()
	return objectsWith(t, manifests.OwnerLabel+" in ("+strings.Join(names, ",")+")")
}

// objectsWith returns the resource versions of the objects of all kinds that a label selector matches.
func objectsWith(t *testing.T, selector string) map[string]string {
	t.Helper()
	metadataClient, err := metadata.NewForConfig(plane.env.Config)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for resource, kind := range listable(t) {
		list, err := metadataClient.Resource(resource).List(ctx, metav1.ListOptions{LabelSelector: selector})
		// Other tests remove resources, and the servers behind them.
		if apierrors.IsNotFound(err) || apierrors.IsServiceUnavailable(err) {
			continue
		}
		if err != nil {
			t.Fatalf("listing %s: %v", resource, err)
		}
		for i := range list.Items {
			object := &list.Items[i]
			found[kind+" "+client.ObjectKeyFromObject(object).String()] = object.ResourceVersion
		}
	}
	return found
}

// listable returns the resources of the cluster with their kinds, except for groups whose servers fail in other tests.
func listable(t *testing.T) map[schema.GroupVersionResource]string {
	t.Helper()
	discoveryClient, err := discovery.NewDiscoveryClientForConfig(plane.env.Config)
	if err != nil {
		t.Fatal(err)
	}
	lists, err := discovery.ServerPreferredResources(discoveryClient)
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) {
		t.Fatal(err)
	}
	kinds := map[schema.GroupVersionResource]string{}
	for _, list := range discovery.FilteredBy(discovery.SupportsAllVerbs{Verbs: []string{"list", "delete"}}, lists) {
		groupVersion, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		for _, resource := range list.APIResources {
			if resource.Name == extensionserver.DeletableResource.Name {
				continue // servers of other tests fail to list it
			}
			kinds[groupVersion.WithResource(resource.Name)] = resource.Kind
		}
	}
	return kinds
}
