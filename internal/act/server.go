// SPDX-License-Identifier: Apache-2.0

package act

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/inventory"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/plan"
)

// server applies the server's objects, the Deployment last: its Pods need the others.
func (e *execution) server(ctx context.Context, p *plan.Workload) error {
	if p == nil {
		return nil
	}
	e.lookForCauses(p.Unready)
	return e.refuse(&e.out.Server, e.applyServer(ctx, p))
}

func (e *execution) applyServer(ctx context.Context, p *plan.Workload) error {
	if _, err := e.removeAll(ctx, e.s, e.applier, p.Unwanted); err != nil {
		return err
	}
	account, err := e.serviceAccount(ctx, p.Accounts)
	if err != nil {
		return err
	}
	inputs := inventory.Inputs{Accounts: p.Accounts, Observed: manifests.Observed{
		ServiceAccount: account, AssignsUsers: e.s.AssignsUsers, Deployment: e.s.Server.Value().Deployment,
	}}
	for _, stage := range []inventory.Stage{inventory.BeforeDeployment, inventory.WithDeployment} {
		if e.out.Generation, err = e.applyAll(ctx, inventory.CreatedAt(stage, e.s.ExtensionAPI), inputs); err != nil {
			return err
		}
	}
	return nil
}

// serviceAccount returns the UID of the operator's ServiceAccount. It removes the account when the template names
// another one and the last Pod that ran as it has gone.
func (e *execution) serviceAccount(ctx context.Context, accounts []string) (types.UID, error) {
	if slices.Contains(accounts, e.s.Name) {
		account, err := e.applier.Apply(ctx, manifests.ServiceAccount(e.s.ExtensionAPI))
		if err != nil {
			return "", err
		}
		return account.GetUID(), nil
	}
	if e.s.Server.Value().Account == "" {
		return "", nil
	}
	key := client.ObjectKey{Namespace: e.s.Spec.Server.Namespace, Name: e.s.Name}
	_, err := e.applier.Delete(ctx, inventory.ServiceAccount.GroupVersionKind, key)
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
