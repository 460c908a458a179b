// SPDX-License-Identifier: Apache-2.0

package act

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/extensionapi/extensionapi-operator/internal/inventory"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/plan"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// server applies the server's objects, the Deployment last: its Pods need the others.
func (e *execution) server(ctx context.Context, p *plan.Workload) error {
	if p == nil {
		return nil
	}
	if _, err := e.removeAll(ctx, e.s, e.applier, p.Unwanted); err != nil {
		return e.refuse(&e.out.Server.Refused, err)
	}
	return e.apply(ctx, workload{
		Workload: manifests.ServerOf(e.s.ExtensionAPI), observed: e.s.Server.Value(), plan: p,
		created: func(stage inventory.Stage) []inventory.Object { return inventory.CreatedAt(stage, e.s.ExtensionAPI) },
	}, &e.out.Server)
}

// workload is the server, or a controller.
type workload struct {
	manifests.Workload
	observed snapshot.Workload
	plan     *plan.Workload
	// created returns the objects that are created in a stage.
	created func(inventory.Stage) []inventory.Object
}

// apply applies the objects of a workload, and records what became of it.
func (e *execution) apply(ctx context.Context, w workload, became *plan.Applied) error {
	account, err := e.serviceAccount(ctx, w)
	if err != nil {
		return e.refuse(&became.Refused, err)
	}
	inputs := inventory.Inputs{
		Accounts: w.plan.Accounts, ControllerAccounts: w.plan.ControllerAccounts,
		Observed: manifests.Observed{
			ServiceAccount: account, AssignsUsers: e.s.AssignsUsers, Deployment: w.observed.Deployment,
			Storage: e.s.Storage.Value().Observed(), Images: e.Images,
		},
	}
	for _, stage := range []inventory.Stage{inventory.BeforeDeployment, inventory.WithDeployment} {
		if became.Generation, err = e.applyAll(ctx, w.created(stage), inputs); err != nil {
			return e.refuse(&became.Refused, err)
		}
	}
	return nil
}

// serviceAccount returns the UID of the operator's ServiceAccount. It removes the account when the template names
// another one and the last Pod that ran as it has gone.
func (e *execution) serviceAccount(ctx context.Context, w workload) (types.UID, error) {
	if slices.Contains(w.plan.Accounts, w.Name) {
		account, err := e.applier.Apply(ctx, manifests.ServiceAccount(e.s.ExtensionAPI, w.Workload))
		if err != nil {
			return "", err
		}
		return account.GetUID(), nil
	}
	if w.observed.Account == "" {
		return "", nil
	}
	_, err := e.applier.Delete(ctx, inventory.ServiceAccount.GroupVersionKind, w.NamespacedName)
	return "", err
}

// applyAll applies objects that do not depend on each other at the same time, and returns the highest generation that
// one has. Of several errors it returns that of the first object, so that the same trouble is reported in the same
// words each time.
func (e *execution) applyAll(
	ctx context.Context, objects []inventory.Object, inputs inventory.Inputs,
) (generation int64, err error) {
	generations, errs := make([]int64, len(objects)), make([]error, len(objects))
	var applying sync.WaitGroup
	for i, object := range objects {
		applying.Go(func() { generations[i], errs[i] = e.applyOne(ctx, object, inputs) })
	}
	applying.Wait()
	return slices.Max(generations), cmp.Or(errs...)
}

func (e *execution) applyOne(
	ctx context.Context, object inventory.Object, inputs inventory.Inputs,
) (generation int64, err error) {
	configuration, err := object.Configuration(e.s.ExtensionAPI, inputs)
	if err != nil {
		return 0, err
	}
	applied, err := e.applier.Apply(ctx, configuration)
	if err != nil {
		return 0, err
	}
	return applied.GetGeneration(), nil
}
