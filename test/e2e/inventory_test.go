// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

const ownerLabel = manifests.OwnerLabel

// inventory contains all objects of the cluster by name.
type inventory map[string]object

type object struct {
	schema.GroupVersionResource
	metav1.PartialObjectMetadata
}

func (o object) String() string {
	return fmt.Sprintf("%s %s/%s", o.GroupResource(), o.Namespace, o.Name)
}

// volatileKinds are kinds whose objects other clients write all the time.
var volatileKinds = []schema.GroupResource{
	{Resource: "events"},
	{Group: "events.k8s.io", Resource: "events"},
	{Group: "coordination.k8s.io", Resource: "leases"},
}

func newInventory(tb testing.TB) inventory {
	tb.Helper()
	found, err := takeInventory(tb.Context(), "")
	if err != nil {
		tb.Fatal(err)
	}
	return found
}

// takeInventory lists all listable kinds in discovery, with a label selector that may be empty.
func takeInventory(ctx context.Context, selector string) (inventory, error) {
	kinds, err := listable()
	if err != nil {
		return nil, err
	}
	found := inventory{}
	for _, kind := range kinds {
		list, err := names.Resource(kind).List(ctx, metav1.ListOptions{LabelSelector: selector})
		if err != nil {
			return nil, fmt.Errorf("listing %s: %w", kind, err)
		}
		for _, item := range list.Items {
			found[object{kind, item}.String()] = object{kind, item}
		}
	}
	// The operator's Pods are replaced by tests that kill the operator.
	maps.DeleteFunc(found, func(_ string, o object) bool {
		return o.Resource == "pods" && o.Labels["app.kubernetes.io/name"] == operatorName
	})
	return found, nil
}

func listable() ([]schema.GroupVersionResource, error) {
	lists, err := discoverer.ServerPreferredResources()
	if err != nil {
		return nil, err
	}
	kinds, err := discovery.GroupVersionResources(
		discovery.FilteredBy(discovery.SupportsAllVerbs{Verbs: []string{"list"}}, lists))
	maps.DeleteFunc(kinds, func(kind schema.GroupVersionResource, _ struct{}) bool {
		return slices.Contains(volatileKinds, kind.GroupResource())
	})
	return slices.Collect(maps.Keys(kinds)), err
}

// sameAs returns an error with the differences to the current objects of the cluster.
func (before inventory) sameAs(ctx context.Context) error {
	now, err := takeInventory(ctx, "")
	if err != nil {
		return err
	}
	var differences []string
	for name := range now {
		if _, found := before[name]; !found {
			differences = append(differences, "left behind: "+name)
		}
	}
	for name := range before {
		if _, found := now[name]; !found {
			differences = append(differences, "lost: "+name)
		}
	}
	if len(differences) > 0 {
		slices.Sort(differences)
		return fmt.Errorf("the cluster has changed:\n%s", strings.Join(differences, "\n"))
	}
	return nil
}
