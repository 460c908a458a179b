// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
	"github.com/extensionapi/extensionapi-operator/internal/terminating"
)

const (
	staleWardle = "Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: " +
		"wardle.example.com/v1: stale GroupVersion discovery: wardle.example.com/v1"
	flundersRemain = "Some resources are remaining: flunders.wardle.example.com has 1 resource instances"
	flundersDenied = "Failed to delete all resource types, 1 remaining: flunders.wardle.example.com is forbidden"
	unnamedFailure = "Failed to delete all resource types, 1 remaining: an error on the server"
)

// waits returns a namespace that has been waiting for some time to be deleted.
func waits(name string, since time.Duration, of corev1.NamespaceConditionType, message string) corev1.Namespace {
	moment := metav1.NewTime(noon.Add(-since))
	return corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{Name: name, DeletionTimestamp: &moment},
		Status: corev1.NamespaceStatus{Conditions: []corev1.NamespaceCondition{
			{Type: of, Status: corev1.ConditionTrue, Message: message, LastTransitionTime: moment},
		}},
	}
}

func undiscovered(name string, since time.Duration) corev1.Namespace {
	return waits(name, since, corev1.NamespaceDeletionDiscoveryFailure, staleWardle)
}

func unnamed(name string) corev1.Namespace {
	return waits(name, time.Minute, corev1.NamespaceDeletionContentFailure, unnamedFailure)
}

func withTerminating(s *snapshot.Snapshot, namespaces ...corev1.Namespace) *snapshot.Snapshot {
	s.Terminating = snapshot.Of(namespaces, nil)
	return s
}

func TestNamespacesDeletableSaysWhichNamespacesWaitSinceWhenAndWhy(t *testing.T) {
	unavailable := func() *snapshot.Snapshot {
		s := snapshottest.New()
		snapshottest.Report(s, v1alpha1.ConditionAPIServicesAvailable, metav1.ConditionFalse, "FailedDiscoveryCheck", "503")
		return s
	}
	orphaning := unavailable()
	orphaning.Spec.DeletionPolicy = v1alpha1.DeletionOrphan
	const orDelete = "; or, to do without the API, delete the ExtensionAPI, while its objects stay in their storage: " +
		"kubectl delete xapi wardle."
	for name, test := range map[string]struct {
		s    *snapshot.Snapshot
		want string
	}{
		"none": {snapshottest.New(), "no namespace that is being deleted waits for this API"},
		"one, by discovery": {
			withTerminating(unavailable(), undiscovered("team-a", time.Minute)),
			"namespace team-a has been waiting to be deleted since 2026-01-01T11:59:00Z because discovery of " +
				"wardle.example.com/v1 fails. No namespace of the cluster can be deleted meanwhile. Repair the server, see " +
				"APIServicesAvailable" + orDelete,
		},
		"three, of which the first two are named": {
			withTerminating(snapshottest.New(), undiscovered("team-c", time.Minute), undiscovered("team-b", time.Minute),
				undiscovered("team-a", time.Hour)),
			"3 namespaces (team-a, team-b and 1 more) have been waiting to be deleted since 2026-01-01T11:00:00Z because " +
				"discovery of wardle.example.com/v1 fails. No namespace of the cluster can be deleted meanwhile. Repair the " +
				"server, see its log" + orDelete,
		},
		"with an ExtensionAPI whose deletion would leave the APIServices": {
			withTerminating(orphaning, undiscovered("team-a", time.Minute)),
			"namespace team-a has been waiting to be deleted since 2026-01-01T11:59:00Z because discovery of " +
				"wardle.example.com/v1 fails. No namespace of the cluster can be deleted meanwhile. Repair the server, see " +
				"APIServicesAvailable.",
		},
		"two, by objects that remain": {
			withTerminating(snapshottest.New(),
				waits("team-b", time.Minute, corev1.NamespaceContentRemaining, flundersRemain),
				waits("team-a", time.Minute, corev1.NamespaceContentRemaining, flundersRemain)),
			"2 namespaces (team-a and team-b) have been waiting to be deleted since 2026-01-01T11:59:00Z because objects of " +
				"flunders.wardle.example.com remain. See which finalizers they have, and whether their controllers run: " +
				"kubectl -n team-a get flunders.wardle.example.com -o yaml.",
		},
		"by a failure that names the group": {
			withTerminating(snapshottest.New(),
				waits("team-a", time.Minute, corev1.NamespaceDeletionContentFailure, flundersDenied)),
			"namespace team-a has been waiting to be deleted since 2026-01-01T11:59:00Z because objects of " +
				"wardle.example.com cannot be deleted (" + flundersDenied + "). Other namespaces wait, too, when they are " +
				"deleted and the requests fail for them as well. Repair the server, see its log" + orDelete,
		},
		"by a failure that names no group": {
			withTerminating(unavailable(), unnamed("team-a")),
			"namespace team-a has been waiting to be deleted since 2026-01-01T11:59:00Z because not all objects can be " +
				"deleted (" + unnamedFailure + "); that names no group, but requests for objects of wardle fail, so it is likely " +
				"the cause. Probably no namespace of the cluster can be deleted meanwhile. Repair the server, see " +
				"APIServicesAvailable" + orDelete,
		},
		"for several reasons": {
			withTerminating(unavailable(), unnamed("team-b"), undiscovered("team-a", time.Minute)),
			"namespace team-a has been waiting to be deleted since 2026-01-01T11:59:00Z because discovery of " +
				"wardle.example.com/v1 fails; 1 more wait for this API for another reason. No namespace of the cluster can be " +
				"deleted meanwhile. Repair the server, see APIServicesAvailable" + orDelete,
		},
	} {
		t.Run(name, func(t *testing.T) {
			blocked, recheck := BlockedNamespaces(test.s)
			if recheck != 0 {
				t.Errorf("it is looked at again after %s", recheck)
			}
			found := NamespacesDeletable(test.s, blocked)
			if got := found.Message(); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			if wait := len(test.s.Terminating.Value()); len(blocked) != wait || found.IsWarning() != (wait > 0) {
				t.Errorf("%d of %d namespaces are blocked: %s %s", len(blocked), wait, found.Status, found.Code)
			}
		})
	}
}

func TestANamespaceIsNotBlocked(t *testing.T) {
	unregistered := snapshottest.New()
	snapshottest.Unregister(unregistered)
	withoutDelete := snapshottest.New()
	snapshottest.Report(
		withoutDelete, v1alpha1.ConditionServesObjects, metav1.ConditionFalse, v1alpha1.ReasonListFails, "500")
	withoutDelete.Probes = discovery.NewRound(discovery.Target{}, discovery.Records{
		discovery.ThroughKubeAPIServer(snapshottest.KubeAPIServer, groupVersion): {Content: discovery.Content{Resources: 2}},
	})
	for name, s := range map[string]*snapshot.Snapshot{
		"by what is not registered":                     withTerminating(unregistered, undiscovered("team-a", time.Minute)),
		"by an unnamed failure while requests pass":     withTerminating(snapshottest.New(), unnamed("team-a")),
		"by an unnamed failure if nothing is deletable": withTerminating(withoutDelete, unnamed("team-a")),
	} {
		t.Run(name, func(t *testing.T) {
			if blocked, recheck := BlockedNamespaces(s); len(blocked) > 0 || recheck != 0 {
				t.Errorf("blocked are %v, looked at again after %s", blocked, recheck)
			}
		})
	}
}

func TestANamespaceIsBlockedOnceItHasWaitedForAWhile(t *testing.T) {
	s := withTerminating(snapshottest.New(), undiscovered("team-a", 4*time.Second), undiscovered("team-b", 5*time.Second),
		undiscovered("team-c", HeldUpAfter))
	blocked, recheck := BlockedNamespaces(s)
	if len(blocked) != 1 || blocked[0].Namespace != "team-c" || recheck != HeldUpAfter-5*time.Second {
		t.Errorf("blocked are %v, looked at again after %s", blocked, recheck)
	}
}

func TestAManifoldReasonIsNamedInPart(t *testing.T) {
	var names []string
	for i := range maxNames + 2 {
		names = append(names, fmt.Sprintf("r%d.wardle.example.com", i))
	}
	hold := terminating.Hold{Cause: terminating.Remaining, Names: names}
	const want = "objects of r0.wardle.example.com, r1.wardle.example.com, r2.wardle.example.com, " +
		"r3.wardle.example.com, r4.wardle.example.com and 2 more remain"
	if got := because("wardle", []terminating.Hold{hold}); got != want {
		t.Errorf("got %s", got)
	}
}
