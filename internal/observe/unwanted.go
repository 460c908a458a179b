// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/inventory"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// server reads what runs as the server, and what it has that the spec does not want any more.
func (o *Observer) server(ctx context.Context, extensionAPI *v1alpha1.ExtensionAPI) (w snapshot.Workload, err error) {
	if w, err = o.workload(ctx, extensionAPI, manifests.ServerOf(extensionAPI)); err != nil {
		return w, err
	}
	w.Unwanted, err = o.unwanted(ctx, extensionAPI)
	return w, err
}

func (o *Observer) unwanted(
	ctx context.Context, extensionAPI *v1alpha1.ExtensionAPI,
) (unwanted []inventory.Object, err error) {
	locations := inventory.Locations{
		Name: extensionAPI.Name, Server: extensionAPI.Spec.Server.Namespace, Operator: o.OperatorNamespace,
	}
	for _, object := range inventory.Unwanted(extensionAPI) {
		found := object.Kind.New()
		err := o.Client.Get(ctx, object.Key(locations), found)
		if client.IgnoreNotFound(err) != nil {
			return nil, err
		}
		if err == nil && ownership.IdentityOf(extensionAPI).Ownership(found) == ownership.Owned {
			unwanted = append(unwanted, object)
		}
	}
	return unwanted, nil
}
