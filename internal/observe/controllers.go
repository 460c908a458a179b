// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"errors"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/inventory"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// controllers reads what runs as controllers, and what is left of those that the spec does not have any more.
func (o *Observer) controllers(
	ctx context.Context, extensionAPI *v1alpha1.ExtensionAPI,
) (c snapshot.Controllers, err error) {
	c.ByName, c.Referenced = map[string]snapshot.Workload{}, o.referenced(ctx, extensionAPI)
	if extensionAPI.Spec.Server == nil {
		return c, nil
	}
	for _, of := range manifests.ControllersOf(extensionAPI) {
		if c.ByName[of.Name], err = o.controller(ctx, extensionAPI, of); err != nil {
			return c, err
		}
	}
	if c.Former, err = o.former(ctx, extensionAPI, c.ByName); err != nil {
		return c, err
	}
	c.FormerAccounts, err = o.formerAccounts(ctx, extensionAPI, c.Former)
	return c, err
}

// controller reads what runs as a controller. A Deployment that has lost its owner label is not in the cache, but runs.
func (o *Observer) controller(
	ctx context.Context, extensionAPI *v1alpha1.ExtensionAPI, of manifests.Workload,
) (w snapshot.Workload, err error) {
	if w, err = o.workload(ctx, extensionAPI, of); err != nil || w.Deployment != nil {
		return w, err
	}
	w.Deployment, err = o.deploymentNow(ctx, of.NamespacedName)
	return w, err
}

// deploymentNow reads a Deployment around the cache, nil if there is none.
func (o *Observer) deploymentNow(ctx context.Context, key client.ObjectKey) (*appsv1.Deployment, error) {
	deployment := &appsv1.Deployment{}
	err := o.Live.Get(ctx, key, deployment)
	if apierrors.IsNotFound(err) {
		deployment, err = nil, nil
	}
	return deployment, err
}

// referenced reads the Deployments of other owners, which are not in the cache.
func (o *Observer) referenced(
	ctx context.Context, extensionAPI *v1alpha1.ExtensionAPI,
) map[string]snapshot.Known[*appsv1.Deployment] {
	found := map[string]snapshot.Known[*appsv1.Deployment]{}
	for i := range extensionAPI.Spec.Controllers {
		controller := &extensionAPI.Spec.Controllers[i]
		if controller.DeploymentRef == nil {
			continue
		}
		key := manifests.ControllerOf(extensionAPI, controller).NamespacedName
		found[controller.Name] = snapshot.Of(o.otherDeployment(ctx, key))
	}
	return found
}

var errNoPermission = errors.New("the operator has no permissions in that namespace: add it to the value " +
	"serverNamespaces of its Helm chart")

// otherDeployment reads a Deployment of another owner, nil if there is none.
func (o *Observer) otherDeployment(ctx context.Context, key client.ObjectKey) (*appsv1.Deployment, error) {
	if !o.ServerNamespaces.include(key.Namespace) {
		return nil, errNoPermission
	}
	return o.deploymentNow(ctx, key)
}

// former returns the objects of controllers that the spec does not have any more. While there are Deployments, it
// returns no others: Pods need these until they have terminated.
func (o *Observer) former(
	ctx context.Context, extensionAPI *v1alpha1.ExtensionAPI, wanted map[string]snapshot.Workload,
) (former []inventory.Object, err error) {
	for _, kind := range inventory.ControllerKinds() {
		names, err := o.ownedByControllers(ctx, kind, extensionAPI)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if _, isWanted := wanted[name]; !isWanted {
				former = append(former, inventory.OfController(kind, name))
			}
		}
		if kind.GroupVersionKind == inventory.Deployment.GroupVersionKind && len(former) > 0 {
			return former, nil
		}
	}
	return former, nil
}

// formerAccounts returns the ServiceAccounts that Pods of former controllers run as, which finish what they do.
func (o *Observer) formerAccounts(
	ctx context.Context, extensionAPI *v1alpha1.ExtensionAPI, former []inventory.Object,
) (accounts []string, err error) {
	locations := inventory.Locations{Name: extensionAPI.Name, Server: extensionAPI.Spec.Server.Namespace}
	for _, object := range former {
		if object.Kind.GroupVersionKind != inventory.Deployment.GroupVersionKind {
			continue
		}
		of := manifests.FormerControllerOf(extensionAPI, object.Key(locations).Name)
		l, err := lineage(ctx, o.Client, of)
		if err != nil {
			return nil, err
		}
		accounts = append(accounts, l.Accounts()...)
	}
	return accounts, nil
}

// ControllerObjects returns the objects of a kind that controllers of the spec may have, and those that former ones
// have.
func (o *Observer) ControllerObjects(
	ctx context.Context, kind inventory.Kind, extensionAPI *v1alpha1.ExtensionAPI,
) (objects []inventory.Object, err error) {
	names, err := o.ownedByControllers(ctx, kind, extensionAPI)
	for _, w := range manifests.ControllersOf(extensionAPI) {
		names = append(names, w.Name) // the cache may not have it yet
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		objects = append(objects, inventory.OfController(kind, name))
	}
	return objects, err
}

// ownedByControllers returns the names of objects of a kind in the cache.
func (o *Observer) ownedByControllers(
	ctx context.Context, kind inventory.Kind, extensionAPI *v1alpha1.ExtensionAPI,
) (names []string, err error) {
	list := listOf(kind)
	if err := o.Client.List(ctx, list, client.InNamespace(extensionAPI.Spec.Server.Namespace),
		client.MatchingLabels(manifests.Labels(extensionAPI.Name))); err != nil {
		return nil, err
	}
	owner := ownership.IdentityOf(extensionAPI)
	err = meta.EachListItem(list, func(item runtime.Object) error {
		object, err := meta.Accessor(item)
		if err == nil && manifests.IsOfController(object.GetLabels()) && owner.Ownership(object) == ownership.Owned {
			names = append(names, object.GetName())
		}
		return err
	})
	return names, err
}

// listOf is a list of what the cache keeps of a kind: complete objects of some, the metadata of others.
func listOf(kind inventory.Kind) client.ObjectList {
	if _, isDeployment := kind.New().(*appsv1.Deployment); isDeployment {
		return &appsv1.DeploymentList{}
	}
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
	return list
}
