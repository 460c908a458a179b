// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"reflect"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// TestExtensionAPIOfTheSameNameDoesNotGetOrphanedObjects simulates an attack: a user who can orphan the ExtensionAPI of
// another user, and create one of the same name, must not be able to delete its APIService, or redirect it to a server
// of their own. Its parts depend on each other.
func TestExtensionAPIOfTheSameNameDoesNotGetOrphanedObjects(t *testing.T) {
	t.Parallel()
	const name, attacker = "namesake", "namesake-attacker"
	victims, _ := startBackend(t, name, "v1")
	extensionAPI := victims.declare(groups(name+".example.com", "v1"))
	extensionAPI.Spec.DeletionPolicy = v1alpha1.DeletionOrphan
	apply(t, extensionAPI.DeepCopy())
	awaitRegistered(t, name)
	before := readAPIService(t, name)
	requests := startRequests(t, "/apis/"+name+".example.com/v1/widgets")
	deleteNow(t, named(name))
	awaitDeleted(t, name)
	expectUntouched := func(t *testing.T) {
		t.Helper()
		if now := readAPIService(t, name); now.UID != before.UID || !reflect.DeepEqual(now.Spec, before.Spec) ||
			!reflect.DeepEqual(now.Annotations, before.Annotations) {
			t.Errorf("the APIService was changed from\n%+v\nto\n%+v", before, now)
		}
	}
	attackers, _ := startBackend(t, attacker, "v1")

	t.Run("with another group", func(t *testing.T) {
		namesake := attackers.declare(groups(attacker+".example.com", "v1"))
		namesake.Name = name
		create(t, namesake)
		awaitRegistered(t, name)
		expectUntouched(t)
		deleteNow(t, named(name))
		awaitDeleted(t, name)
		expectUntouched(t)
	})
	t.Run("with the same group", func(t *testing.T) {
		namesake := attackers.declare(groups(name+".example.com", "v1"))
		namesake.Name = name
		create(t, namesake)
		await(t, name, status.FailedStatus,
			isFalse(v1alpha1.ConditionClaimed, v1alpha1.ReasonHeldByExtensionAPI, `an earlier ExtensionAPI "namesake"`,
				"spec.adoptionPolicy: Adopt"),
			isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonNotClaimed))
		expectDocumented(t, "held-by-earlier", name, v1alpha1.ConditionClaimed)
		expectUntouched(t)
		deleteNow(t, named(name))
		awaitDeleted(t, name)
		expectUntouched(t)
	})
	t.Run("unless it adopts it", func(t *testing.T) {
		extensionAPI.Spec.AdoptionPolicy = v1alpha1.AdoptionAdopt
		create(t, extensionAPI)
		awaitRegistered(t, name)
		now, uid := readAPIService(t, name), string(get(t, name).UID)
		if now.UID != before.UID || now.Annotations[manifests.UIDAnnotation] != uid {
			t.Errorf("the APIService is %+v, and not that of %s", now, uid)
		}
	})
	if sent, failed := requests(); sent == 0 || failed > 0 {
		t.Errorf("%d of %d requests failed", failed, sent)
	}
	setDeletionPolicy(t, name, v1alpha1.DeletionDelete)
}
