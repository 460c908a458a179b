// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// byHand is the namespace of all servers and Services in these tests.
const byHand = "by-hand"

type (
	// operation prepares a user's request for an ExtensionAPI, with all permissions.
	operation func(t *testing.T) attempt
	// attempt sends the request as a dry run.
	attempt func(ctx context.Context, user client.Client) error
	// modification modifies an ExtensionAPI.
	modification func(*v1alpha1.ExtensionAPI)
)

// operations are examples for the rows of the table in docs/security.md, by their first cells.
var operations = map[string][]operation{
	"create one with spec.server":                      {creating(ofAServer)},
	"create one whose template names a ServiceAccount": {creating(ofAServer, nameAccount)},
	"create one with certManager":                      {creating(ofAServer, certify)},
	"create one with spec.existingService":             {creating(ofService)},
	"create one with adoptionPolicy: Adopt":            {creating(ofAServer, adopt)},
	"create one with sharing: Allowed":                 {creating(ofService, share)},

	"add a group-version":                   {changing(ofAServer, addVersion), changing(ofService, addGroup)},
	"add one while adoptionPolicy is Adopt": {changing(both(ofAServer, adopt), addVersion)},
	"add one while its group's sharing is Allowed": {
		changing(both(ofAServer, share), addVersion), changing(ofAServer, both(addGroup, share)),
	},
	"remove a group-version": {
		changing(ofAServer, dropVersion), changing(both(ofService, addGroup), dropGroup),
	},
	"change the priority of a group or version, or the place of a version": {
		changing(ofAServer, prioritize), changing(ofAServer, prioritizeVersion), changing(ofService, swapVersions),
	},
	"set sharing: Allowed":                                {changing(ofAServer, share)},
	"set adoptionPolicy: Adopt":                           {changing(ofAServer, adopt)},
	"set adoptionPolicy: Adopt with spec.existingService": {changing(ofService, adopt)},
	"change spec.existingService": {
		changing(ofService, nameService), changing(ofService, renumberService), changing(ofService, trustMore),
	},

	"change spec.server, or spec.discovery beside it": {
		changing(ofAServer, replicate), changing(ofAServer, addNoFlags), changing(ofAServer, replaceImage),
		changing(ofAServer, probeOften), changing(ofAServer, ejectNone),
	},
	"change the server's port, or the ports of container apiserver": {
		changing(ofAServer, renumberPort), changing(ofAServer, namePort),
	},
	"have the template name another ServiceAccount":          {changing(ofAServer, nameAccount)},
	"have the template name none any more":                   {changing(both(ofAServer, nameAccount), nameNoAccount)},
	"change spec.server.certificates":                        {changing(ofAServer, manage)},
	"set certManager":                                        {changing(ofAServer, certify)},
	"set certManager while adoptionPolicy is Adopt":          {changing(both(ofAServer, adopt), certify)},
	"change certManager":                                     {changing(both(ofAServer, certify), certifyElsewhere)},
	"remove certManager":                                     {changing(both(ofAServer, certify), manage)},
	"resume it with suspend: false":                          {changing(ofAServer, resumeIt)},
	"resume it with suspend: false and spec.existingService": {changing(ofService, resumeIt)},

	"delete it, give it an owner, or change it while it is being deleted": {
		deleting(ofAServer), changing(ofAServer, giveOwner), changing(both(ofAServer, orphan), giveOwner),
		changingDeleted(ofAServer, orphan),
	},
	"delete it with certManager":            {deleting(both(ofAServer, certify))},
	"delete it with spec.existingService":   {deleting(ofService), changing(ofService, giveOwner)},
	"delete it with deletionPolicy: Orphan": {deleting(both(ofAServer, orphan))},

	"change anything else: labels, finalizers, deletionPolicy, suspend: true": {
		changing(both(ofAServer, resumeIt), suspendIt), changing(ofAServer, orphan),
		changing(both(ofAServer, orphan), noOrphan),
		changing(both(ofAServer, adopt), adoptDry), changing(both(ofAServer, share), shareNot),
		changing(both(ofService, addGroup), swapGroups), changing(ofService, probeOften),
		changing(ofAServer, label), changing(ofAServer, finalize), changingDeleted(ofAServer, label),
	},
}

func creating(given ...modification) operation {
	return func(*testing.T) attempt {
		wanted := withModifications(given...)
		return func(ctx context.Context, user client.Client) error {
			return user.Create(ctx, wanted.DeepCopy(), client.DryRunAll)
		}
	}
}

func changing(given, modify modification) operation {
	return func(t *testing.T) attempt {
		t.Helper()
		return changeOf(t, existing(t, given), modify)
	}
}

// changingDeleted changes an ExtensionAPI whose deletion is blocked.
func changingDeleted(given, modify modification) operation {
	return func(t *testing.T) attempt {
		t.Helper()
		held := existing(t, both(given, finalize))
		deleteNow(t, held)
		t.Cleanup(func() {
			change(t, named(held.Name), func(e *v1alpha1.ExtensionAPI) { controllerutil.RemoveFinalizer(e, otherFinalizer) })
		})
		return changeOf(t, get(t, held.Name), modify)
	}
}

func deleting(given modification) operation {
	return func(t *testing.T) attempt {
		t.Helper()
		return deletionOf(existing(t, given).Name)
	}
}

func deletionOf(name string) attempt {
	return func(ctx context.Context, user client.Client) error {
		return user.Delete(ctx, named(name), client.DryRunAll)
	}
}

func changeOf(t *testing.T, before *v1alpha1.ExtensionAPI, modify modification) attempt {
	t.Helper()
	after := before.DeepCopy()
	modify(after)
	patch, err := client.MergeFrom(before).Data(after)
	if err != nil || string(patch) == "{}" {
		t.Fatalf("ExtensionAPI %s is not changed (%v)", before.Name, err)
	}
	return func(ctx context.Context, user client.Client) error {
		return user.Patch(ctx, named(before.Name), client.RawPatch(types.MergePatchType, patch), client.DryRunAll)
	}
}

// existing creates an ExtensionAPI. It is suspended, so that the operator creates nothing for it.
func existing(t *testing.T, given modification) *v1alpha1.ExtensionAPI {
	t.Helper()
	stored := withModifications(suspendIt, given)
	apply(t, stored)
	return get(t, stored.Name)
}

var extensionAPIsByHand atomic.Int32

// withModifications returns an ExtensionAPI with a unique name.
func withModifications(given ...modification) *v1alpha1.ExtensionAPI {
	extensionAPI := named(fmt.Sprintf("by-hand-%d", extensionAPIsByHand.Add(1)))
	extensionAPI.Spec.Groups = groups(extensionAPI.Name+".example.com", "v1", "v2")
	for _, modify := range given {
		modify(extensionAPI)
	}
	return extensionAPI
}
