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
	"create one with spec.server":                      {creating(withServer)},
	"create one whose template names a ServiceAccount": {creating(withServer, nameAccount)},
	"create one whose disruptionBudget is disabled":    {creating(withServer, unbudgeted)},
	"create one with networkPolicy":                    {creating(withServer, closePorts)},
	"create one with serviceMonitor":                   {creating(withServer, monitor)},
	"create one with certManager":                      {creating(withServer, certify)},
	"create one with controllers":                      {creating(withServer, control)},
	"create one with storage and a Secret": {
		creating(withServer, storeInEtcd("etcd")), creating(withServer, storeInSQL("database")),
	},
	"create one with storage.standalone":   {creating(withServer, storeAlone)},
	"create one with spec.existingService": {creating(withExistingService)},
	"create one with caBundleFrom a Secret": {
		creating(withExistingService, trustSecretOf("ca")),
	},
	"create one with caBundleFrom a ConfigMap": {
		creating(withExistingService, trustConfigMapOf("ca")),
	},
	"create one with caBundleFrom a ClusterTrustBundle": {
		creating(withExistingService, trustClusterBundleOf("example.com:ca")),
	},
	"create one with adoptionPolicy: Adopt": {creating(withServer, adopt)},
	"create one with sharing: Allowed":      {creating(withExistingService, share)},

	"add a group-version":                   {changing(withServer, addVersion), changing(withExistingService, addGroup)},
	"add one while adoptionPolicy is Adopt": {changing(both(withServer, adopt), addVersion)},
	"add one while its group's sharing is Allowed": {
		changing(both(withServer, share), addVersion), changing(withServer, both(addGroup, share)),
	},
	"remove a group-version": {
		changing(withServer, dropVersion), changing(both(withExistingService, addGroup), dropGroup),
	},
	"change the priority of a group or version, or the place of a version": {
		changing(withServer, prioritize), changing(withServer, prioritizeVersion),
		changing(withExistingService, swapVersions),
	},
	"set sharing: Allowed":                                {changing(withServer, share)},
	"set adoptionPolicy: Adopt":                           {changing(withServer, adopt)},
	"set adoptionPolicy: Adopt with spec.existingService": {changing(withExistingService, adopt)},
	"change spec.existingService": {
		changing(withExistingService, nameService), changing(withExistingService, renumberService),
		changing(withExistingService, trustMore),
		changing(both(withExistingService, trustSecretOf("ca")), renumberService),
	},
	"set spec.existingService.caBundleFrom to a Secret": {
		changing(withExistingService, trustSecretOf("ca")),
		changing(both(withExistingService, trustSecretOf("ca")), trustSecretOf("another")),
		changing(both(withExistingService, trustConfigMapOf("ca")), trustSecretOf("ca")),
	},
	"set spec.existingService.caBundleFrom to a ConfigMap": {
		changing(both(withExistingService, trustSecretOf("ca")), trustConfigMapOf("ca")),
	},
	"set spec.existingService.caBundleFrom to a ClusterTrustBundle": {
		changing(withExistingService, trustClusterBundleOf("example.com:ca")),
	},

	"change anything else in spec.server, or spec.discovery beside it": {
		changing(withServer, replicate), changing(withServer, addNoFlags), changing(withServer, replaceImage),
		changing(withServer, probeOften), changing(withServer, ejectNone),
	},
	"change the server's port, or the ports of container apiserver": {
		changing(withServer, renumberPort), changing(withServer, namePort),
	},

	"change spec.server.service":                   {changing(withServer, exposeMetrics)},
	"change spec.server.serviceAccount":            {changing(withServer, annotateAccount)},
	"change spec.server.metadata":                  {changing(withServer, labelObjects)},
	"change spec.server.metadata with certManager": {changing(both(withServer, certify), labelObjects)},
	"change spec.server.disruptionBudget":          {changing(withServer, budgetMore)},
	"disable spec.server.disruptionBudget":         {changing(withServer, unbudgeted)},
	"enable it again":                              {changing(both(withServer, unbudgeted), budgetMore)},
	"enable it again while adoptionPolicy is Adopt": {
		changing(both(withServer, both(unbudgeted, adopt)), budgetMore),
	},
	"enable spec.server.networkPolicy": {changing(withServer, closePorts)},
	"enable spec.server.networkPolicy while adoptionPolicy is Adopt": {
		changing(both(withServer, adopt), closePorts),
	},
	"disable spec.server.networkPolicy": {changing(both(withServer, closePorts), openPorts)},
	"change spec.server.service with networkPolicy": {
		changing(both(withServer, closePorts), exposeMetrics),
	},
	"change the server's port with networkPolicy": {changing(both(withServer, closePorts), renumberPort)},
	"set spec.server.storage to one with a Secret": {
		changing(withServer, storeInEtcd("etcd")), changing(withServer, storeInSQL("database")),
	},
	"set spec.server.storage to one with a Secret while adoptionPolicy is Adopt": {
		changing(both(withServer, adopt), storeInSQL("database")),
	},
	"set spec.server.storage.standalone": {changing(withServer, storeAlone)},
	"set spec.server.storage.standalone while adoptionPolicy is Adopt": {
		changing(both(withServer, adopt), storeAlone),
	},
	"set spec.server.storage.standalone with networkPolicy": {
		changing(both(withServer, closePorts), storeAlone),
	},
	"name another Secret in spec.server.storage": {
		changing(both(withServer, storeInEtcd("etcd")), storeInEtcd("another")),
		changing(both(withServer, storeInSQL("database")), storeInSQL("another")),
	},
	"change spec.server.storage.standalone":       {changing(both(withServer, storeAlone), deleteVolume)},
	"change spec.server.metadata with standalone": {changing(both(withServer, storeAlone), labelObjects)},
	"enable spec.server.serviceMonitor":           {changing(withServer, monitor)},
	"enable spec.server.serviceMonitor while adoptionPolicy is Adopt": {
		changing(both(withServer, adopt), monitor),
	},
	"disable spec.server.serviceMonitor":              {changing(both(withServer, monitor), monitorNot)},
	"change spec.server.metadata with serviceMonitor": {changing(both(withServer, monitor), labelObjects)},

	"add a controller": {changing(withServer, control), changing(both(withServer, control), controlMore)},
	"add one while adoptionPolicy is Adopt, with another beside it": {
		changing(both(withServer, both(control, adopt)), controlMore),
	},
	"refer to a Deployment in controllers": {
		changing(withServer, refer), changing(withExistingService, refer),
	},
	"change a controller": {
		changing(both(withServer, control), replaceControllerImage), changing(both(withServer, control), replicateController),
	},
	"change its serviceAccount":                     {changing(both(withServer, control), annotateControllerAccount)},
	"have its template name another ServiceAccount": {changing(both(withServer, control), nameControllerAccount)},
	"have its template name none any more": {
		changing(both(withServer, both(control, nameControllerAccount)), nameNoControllerAccount),
	},
	"have its template name none any more while adoptionPolicy is Adopt": {
		changing(both(withServer, both(adopt, both(control, nameControllerAccount))), nameNoControllerAccount),
	},
	"remove a controller":        {changing(both(withServer, control), controlNot)},
	"delete it with controllers": {deleting(both(withServer, control))},

	"have the template name another ServiceAccount": {changing(withServer, nameAccount)},
	"have the template name none any more while adoptionPolicy is Adopt": {
		changing(both(withServer, both(adopt, nameAccount)), nameNoAccount),
	},
	"have the template name none any more":                   {changing(both(withServer, nameAccount), nameNoAccount)},
	"change spec.server.certificates":                        {changing(withServer, manage)},
	"set certManager":                                        {changing(withServer, certify)},
	"set certManager while adoptionPolicy is Adopt":          {changing(both(withServer, adopt), certify)},
	"change certManager":                                     {changing(both(withServer, certify), certifyElsewhere)},
	"remove certManager":                                     {changing(both(withServer, certify), manage)},
	"resume it with suspend: false":                          {changing(withServer, resumeIt)},
	"resume it with suspend: false and controllers":          {changing(both(withServer, control), resumeIt)},
	"resume it with suspend: false and standalone":           {changing(both(withServer, storeAlone), resumeIt)},
	"resume it with suspend: false and spec.existingService": {changing(withExistingService, resumeIt)},

	"delete it, give it an owner, or change it while it is being deleted": {
		deleting(withServer), changing(withServer, giveOwner), changing(both(withServer, orphan), giveOwner),
		changingDeleted(withServer, orphan),
	},
	"delete it with networkPolicy":          {deleting(both(withServer, closePorts))},
	"delete it with serviceMonitor":         {deleting(both(withServer, monitor))},
	"delete it with certManager":            {deleting(both(withServer, certify))},
	"delete it with standalone":             {deleting(both(withServer, storeAlone))},
	"delete it with spec.existingService":   {deleting(withExistingService), changing(withExistingService, giveOwner)},
	"delete it with deletionPolicy: Orphan": {deleting(both(withServer, orphan))},

	"change anything else: labels, finalizers, deletionPolicy, suspend: true": {
		changing(both(withServer, resumeIt), suspendIt), changing(withServer, orphan),
		changing(both(withServer, orphan), deleteNotOrphan),
		changing(both(withServer, adopt), adoptDry), changing(both(withServer, share), shareNever),
		changing(both(withExistingService, addGroup), swapGroups), changing(withExistingService, probeOften),
		changing(withServer, label), changing(withServer, finalize), changingDeleted(withServer, label),
	},
}

// TestTheLargestChangeIsWithinTheCostLimitOfThePolicy has kube-apiserver query its authorizer for as many permissions
// as one request can require, each of which costs a twenty-eighth of what it grants a policy.
func TestTheLargestChangeIsWithinTheCostLimitOfThePolicy(t *testing.T) {
	t.Parallel()
	before := existing(t, both(withServer, control))
	everything := []modification{
		resumeIt, addGroup, share, closePorts, monitor, certify, controlNot, controlMore, refer, exposeMetrics, labelObjects,
		func(e *v1alpha1.ExtensionAPI) { e.Spec.Groups[1].Versions = e.Spec.Groups[1].Versions[:1] },
	}
	attempt := changeOf(t, before, func(e *v1alpha1.ExtensionAPI) {
		for _, modify := range everything {
			modify(e)
		}
	})
	if err := attempt(ctx, plane.client); err != nil {
		t.Error(err)
	}
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
