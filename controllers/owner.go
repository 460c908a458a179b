// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"

	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/holder"
)

// actingFor returns a Reconciler that writes the objects of the ExtensionAPI and no others. While it is suspended, they
// are not written either, but noted in the scope.
func (r *Reconciler) actingFor(s *scope) *Reconciler {
	derived := *r
	derived.Applier = r.Applier.For(asOwner(s.ExtensionAPI))
	if s.isSuspended() {
		derived.Applier = derived.Applier.Withholding(&s.withheld)
	}
	return &derived
}

func asOwner(extensionAPI *v1alpha1.ExtensionAPI) holder.Owner {
	return holder.Owner{
		Name:   extensionAPI.Name,
		UID:    extensionAPI.UID,
		Adopts: extensionAPI.Spec.AdoptionPolicy == v1alpha1.AdoptionAdopt,
	}
}

// ownAPIServices returns those that were registered for the ExtensionAPI by their names, whatever marks they have lost,
// and be they still wanted or not.
func (r *Reconciler) ownAPIServices(
	ctx context.Context, reader client.Reader, s *scope,
) (map[string]*apiregistrationv1.APIService, error) {
	world, err := registrations(ctx, r.Client, reader)
	if err != nil {
		return nil, err
	}
	result := map[string]*apiregistrationv1.APIService{}
	for _, own := range world.RegisteredBy(claimantOf(s.ExtensionAPI)) {
		result[own.Name] = own.DeepCopy()
	}
	return result, nil
}

// apiServices returns all of the cluster. They are the cache's own, which must not be changed: copying all of them each
// time costs more than the rest of a reconciliation.
func apiServices(ctx context.Context, reader client.Reader) ([]*apiregistrationv1.APIService, error) {
	list := &apiregistrationv1.APIServiceList{}
	if err := reader.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	result := make([]*apiregistrationv1.APIService, 0, len(list.Items))
	for i := range list.Items {
		result = append(result, &list.Items[i])
	}
	return result, nil
}
