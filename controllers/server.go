// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"context"
	"slices"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/inventory"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/workload"
)

// reconcileServer runs the server and tells how it fares.
func (r *Reconciler) reconcileServer(ctx context.Context, s *scope) error {
	if s.Spec.Server == nil || s.namespace != namespaceActive || s.outOfReach {
		return nil
	}
	lineage, err := r.lineage(ctx, r.Client, s)
	if err != nil {
		return err
	}
	generation, err := r.applyServer(ctx, s, accountsInUse(s, lineage))
	if err != nil {
		return s.refuse(v1alpha1.ConditionServerAvailable, err)
	}
	deployment := &appsv1.Deployment{}
	err = r.Client.Get(ctx, client.ObjectKey{Namespace: s.Spec.Server.Namespace, Name: s.Name}, deployment)
	if client.IgnoreNotFound(err) != nil {
		return err
	}
	if err != nil && s.isSuspended() {
		s.conclude(v1alpha1.ConditionServerAvailable, withheldServer())
		return nil
	}
	replicas := manifests.Replicas(s.ExtensionAPI)
	if s.isSuspended() { // another number would count replicas that nobody starts
		replicas = ptr.Deref(deployment.Spec.Replicas, replicas)
	}
	s.conclude(v1alpha1.ConditionServerAvailable, workload.Rollout(deployment, lineage.Members(), replicas, generation))
	return nil
}

// accountsInUse are the ServiceAccounts that the server's Pods run as: the template's, and during a change of it that
// of the Pods that are still to be replaced.
func accountsInUse(s *scope, l workload.Lineage) []string {
	accounts := append(l.Accounts(), manifests.ServiceAccountName(s.ExtensionAPI))
	slices.Sort(accounts)
	return slices.Compact(accounts)
}

// applyServer writes the server's objects, the Deployment last: its Pods need the others. It returns the generation of
// the Deployment.
func (r *Reconciler) applyServer(ctx context.Context, s *scope, accounts []string) (generation int64, err error) {
	accountUID, err := r.applyServiceAccount(ctx, s, accounts)
	if err != nil {
		return 0, err
	}
	inputs := inventory.Inputs{Accounts: accounts, Account: accountUID}
	for _, stage := range []inventory.Stage{inventory.BeforeDeployment, inventory.WithDeployment} {
		if generation, err = r.applyAll(ctx, s, inventory.MadeAt(stage), inputs); err != nil {
			return 0, err
		}
	}
	return generation, nil
}

// applyAll applies objects that do not depend on each other at the same time, and returns the highest generation that
// one has. Of several errors it returns that of the first object, so that the same trouble is reported in the same
// words each time.
func (r *Reconciler) applyAll(
	ctx context.Context, s *scope, objects []inventory.Object, inputs inventory.Inputs,
) (generation int64, err error) {
	generations, errs := make([]int64, len(objects)), make([]error, len(objects))
	var applying sync.WaitGroup
	for i, object := range objects {
		applying.Go(func() { generations[i], errs[i] = r.applyOne(ctx, s, object, inputs) })
	}
	applying.Wait()
	return slices.Max(generations), cmp.Or(errs...)
}

func (r *Reconciler) applyOne(
	ctx context.Context, s *scope, object inventory.Object, inputs inventory.Inputs,
) (generation int64, err error) {
	configuration, err := object.Configuration(s.ExtensionAPI, inputs)
	if err != nil {
		return 0, err
	}
	applied, err := r.Applier.Apply(ctx, configuration)
	if err != nil {
		return 0, err
	}
	return applied.GetGeneration(), nil
}

// applyServiceAccount returns the UID of the operator's ServiceAccount. It removes the account when the template names
// another one and the last Pod that ran as it has gone.
func (r *Reconciler) applyServiceAccount(ctx context.Context, s *scope, accounts []string) (types.UID, error) {
	if slices.Contains(accounts, s.Name) {
		account, err := r.Applier.Apply(ctx, manifests.ServiceAccount(s.ExtensionAPI))
		if err != nil {
			return "", err
		}
		return account.GetUID(), nil
	}
	key := client.ObjectKey{Namespace: s.Spec.Server.Namespace, Name: s.Name}
	cached := inventory.ServiceAccount.New()
	if err := r.Client.Get(ctx, key, cached); err != nil {
		return "", client.IgnoreNotFound(err)
	}
	_, err := r.Applier.Delete(ctx, inventory.ServiceAccount.GroupVersionKind, key)
	return "", err
}
