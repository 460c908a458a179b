// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/terminating"
)

const (
	// HeldUpAfter is how long a namespace has waited when it is reported. The namespace controller tries again after 8
	// seconds while finalizers remain, and sooner after a failure.
	HeldUpAfter = 15 * time.Second
	// maxExamples bounds the namespaces, and maxNames the group-versions or resources, that a message names.
	maxExamples = 2
	maxNames    = 5
)

// BlockedNamespaces are the namespaces that are being deleted and wait for the API, those with the most certain cause
// first, and of these the longest waiting. recheck is when there may be more of them, 0 for never.
func BlockedNamespaces(s *snapshot.Snapshot) (holds []terminating.Hold, recheck time.Duration) {
	groupVersions, suspect := registered(s), isSuspect(s)
	namespaces := s.Terminating.Value()
	for i := range namespaces {
		hold := terminating.By(&namespaces[i], groupVersions, suspect)
		left := hold.Since.Add(HeldUpAfter).Sub(s.Now)
		switch {
		case hold.Cause == terminating.None:
		case left <= 0:
			holds = append(holds, hold)
		case recheck == 0 || left < recheck:
			recheck = left
		}
	}
	slices.SortFunc(holds, func(a, b terminating.Hold) int {
		return cmp.Or(cmp.Compare(b.Cause, a.Cause), a.Since.Compare(b.Since), cmp.Compare(a.Namespace, b.Namespace))
	})
	return holds, recheck
}

// NamespacesDeletable reports the blocked namespaces.
func NamespacesDeletable(s *snapshot.Snapshot, blocked []terminating.Hold) finding.Finding {
	if len(blocked) == 0 {
		return finding.Good(v1alpha1.ReasonNoneBlocked, "no namespace that is being deleted waits for this API")
	}
	alike := alikeIn(blocked)
	found := HeldUp(alike, s.Name)
	if others := len(blocked) - len(alike); others > 0 {
		found.Evidence += fmt.Sprintf("; %d more wait for this API for another reason", others)
	}
	return found.Advising(remedyOf(s, blocked[0]))
}

// HeldUp reports namespaces that wait for the same reason. The suspect is what is likely the cause where the namespace
// controller names none.
func HeldUp(alike []terminating.Hold, suspect string) finding.Finding {
	return finding.Bad(v1alpha1.ReasonNamespacesBlocked, waiting(alike)+" because "+because(suspect, alike),
		finding.Working).Affecting(alsoHeldUp[alike[0].Cause])
}

// alikeIn returns those at the beginning that have the cause of the first.
func alikeIn(holds []terminating.Hold) []terminating.Hold {
	other := slices.IndexFunc(holds, func(hold terminating.Hold) bool { return hold.Cause != holds[0].Cause })
	if other < 0 {
		return holds
	}
	return holds[:other]
}

// waiting describes namespaces in the order of since when they wait.
func waiting(holds []terminating.Hold) string {
	since := pki.Timestamp(holds[0].Since)
	if len(holds) == 1 {
		return fmt.Sprintf("namespace %s has been waiting to be deleted since %s", holds[0].Namespace, since)
	}
	var names []string
	for _, hold := range holds {
		names = append(names, hold.Namespace)
	}
	return fmt.Sprintf("%d namespaces (%s) have been waiting to be deleted since %s", len(holds),
		enumerate(names, maxExamples), since)
}

// enumerate names the first ones, and how many there are besides.
func enumerate(names []string, most int) string {
	switch {
	case len(names) > most:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	case len(names) == 1:
		return names[0]
	default:
		return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
	}
}

func because(suspect string, holds []terminating.Hold) string {
	names := sets.New[string]()
	for _, hold := range holds {
		names.Insert(hold.Names...)
	}
	report := excerpt.Quote(holds[0].Report)
	switch holds[0].Cause {
	case terminating.Undiscovered:
		return fmt.Sprintf("discovery of %s fails", enumerate(sets.List(names), maxNames))
	case terminating.Undeleted:
		return fmt.Sprintf("objects of %s cannot be deleted (%s)", enumerate(sets.List(names), maxNames), report)
	case terminating.Remaining:
		return fmt.Sprintf("objects of %s remain", enumerate(sets.List(names), maxNames))
	default:
		return fmt.Sprintf("not all objects can be deleted (%s); that names no group, but requests for objects of %s fail, "+
			"so it is likely the cause", report, suspect)
	}
}

// alsoHeldUp is who else is affected.
var alsoHeldUp = map[terminating.Cause]string{
	terminating.Undiscovered: "No namespace of the cluster can be deleted meanwhile",
	terminating.Undeleted:    "Other namespaces wait, too, when they are deleted and the requests fail for them as well",
	terminating.Suspected:    "Probably no namespace of the cluster can be deleted meanwhile",
}

func remedyOf(s *snapshot.Snapshot, worst terminating.Hold) string {
	if worst.Cause == terminating.Remaining {
		return RemedyOfRemaining(worst)
	}
	repair := "Repair the server" + whereToLook(s)
	if s.Spec.DeletionPolicy == v1alpha1.DeletionOrphan {
		return repair // deleting the ExtensionAPI would keep the APIServices
	}
	return fmt.Sprintf("%s; or, to do without the API, delete the ExtensionAPI, while its objects stay in their storage: "+
		"kubectl delete xapi %s", repair, s.Name)
}

// RemedyOfRemaining is the advice for a namespace with objects that have finalizers.
func RemedyOfRemaining(hold terminating.Hold) string {
	return fmt.Sprintf("See which finalizers they have, and whether their controllers run: kubectl -n %s get %s -o yaml",
		hold.Namespace, hold.Names[0])
}

// whereToLook is the condition that reports why the server fails, in the order of a server's life.
func whereToLook(s *snapshot.Snapshot) string {
	for _, conditionType := range []string{
		v1alpha1.ConditionServerAvailable, v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ConditionDiscoveryWithinLimit,
		v1alpha1.ConditionServesObjects,
	} {
		if meta.IsStatusConditionFalse(s.Status.Conditions, conditionType) {
			return ", see " + conditionType
		}
	}
	return ", see its log"
}

// registered are the group-versions of the spec that kube-apiserver sends to the server.
func registered(s *snapshot.Snapshot) []schema.GroupVersion {
	return slices.DeleteFunc(manifests.GroupVersions(s.ExtensionAPI), func(groupVersion schema.GroupVersion) bool {
		return s.Existing(groupVersion) == nil
	})
}

// isSuspect leaves out a server that is known to have no resources with the verb delete: no namespace waits for it.
func isSuspect(s *snapshot.Snapshot) bool {
	isSafe := func(of schema.GroupVersion) bool { return slices.Contains(s.StandIn.Documented, of) }
	if !slices.ContainsFunc(registered(s), func(of schema.GroupVersion) bool { return !isSafe(of) }) {
		return false
	}
	resources, deletable := 0, 0
	for _, record := range s.Probes.Records {
		resources += record.Content.Resources
		deletable += record.Content.Deletable
	}
	return terminating.IsSuspect(s.Status.Conditions) && (resources == 0 || deletable > 0)
}
