// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/objects"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// ObjectReaderLabel on a ClusterRole aggregates it into the one with which the operator reads the objects of servers.
// The chart installs that.
const ObjectReaderLabel = "aggregation.extensionapi.dev/aggregate-to-object-reader"

// ServesObjects reports the worst of what the last check found. Until there is one, what was reported before stays: a
// restart of the operator changes nothing.
func ServesObjects(s *snapshot.Snapshot) finding.Finding {
	checked := s.Objects
	switch {
	case checked.Ended.IsZero():
		return keepChecked(s, "not checked yet: that comes some seconds after all registered group-versions are available")
	case len(checked.Problems) > 0:
		return notServed(checked.Problems)
	case checked.Err != nil:
		return keepChecked(s, "it could not be checked: "+excerpt.Quote(checked.Err.Error()))
	case len(checked.Denied) > 0:
		return notPermitted(s.Name, checked.Denied)
	case checked.Checked == 0 && len(checked.Empty) > 0:
		return finding.Good(v1alpha1.ReasonNoResources,
			manifests.APIServiceName(checked.Empty[0])+" has no resource to be checked")
	default:
		return finding.Good(v1alpha1.ReasonObjectsServed, served(checked.Result))
	}
}

// keepChecked returns what was reported before.
func keepChecked(s *snapshot.Snapshot, otherwise string) finding.Finding {
	reported := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ConditionServesObjects)
	if reported == nil || reported.Reason == v1alpha1.ReasonPending {
		return finding.Unknown(v1alpha1.ReasonPending, otherwise)
	}
	return finding.Of(reported)
}

func served(checked objects.Result) string {
	evidence := fmt.Sprintf("the resources that can be listed or watched, %d, and OpenAPI are served as Kubernetes' "+
		"controllers expect", checked.Checked)
	if checked.Left > 0 {
		evidence += fmt.Sprintf("; %d more were not checked: at most %d of a group-version are", checked.Left,
			limits.CheckedResources)
	}
	return evidence
}

// notServed reports the worst problem.
func notServed(problems []objects.Problem) finding.Finding {
	found := ObjectProblem(problems[0])
	if further := len(problems) - 1; further > 0 {
		found.Evidence += fmt.Sprintf(" (further problems: %d)", further)
	}
	return found
}

// ObjectProblem reports one problem.
func ObjectProblem(problem objects.Problem) finding.Finding {
	return finding.Bad(problem.Reason, problem.Evidence, finding.Settled).About(problem.Subject).
		Affecting(affected(problem)).Advising(objectRemedies[problem.Reason])
}

func affected(problem objects.Problem) string {
	if problem.Reason == v1alpha1.ReasonWatchWithoutBookmark {
		return "Informers of client-go 0.35 and later wait for it for ever: " + affectedByWatch[problem.Affected]
	}
	if problem.Reason == v1alpha1.ReasonWatchFails {
		return "Informers never have its objects: " + affectedByWatch[problem.Affected]
	}
	return affectedBy[problem.Affected]
}

var affectedBy = map[objects.Affected]string{
	objects.Schema: "kube-apiserver logs a warning each time it merges OpenAPI, and its clients, such as kubectl " +
		"explain and kubectl apply, may not know these resources",
	objects.Clients:    "Clients of the resource are affected; no controller of Kubernetes depends on it",
	objects.Leftovers:  "The deletion of a namespace leaves its objects behind, silently",
	objects.Namespaces: "Every namespace that is deleted stays Terminating, whether or not it has such objects",
}

var affectedByWatch = map[objects.Affected]string{
	objects.Clients: "its controllers are affected, but none of Kubernetes",
	objects.GarbageCollector: "after the next restart of kube-controller-manager, the garbage collector does not delete " +
		"what such objects own",
	objects.Quotas: "after the next restart of kube-controller-manager, the status of every ResourceQuota of the " +
		"cluster freezes, and the garbage collector does not delete what such objects own",
}

var objectRemedies = map[string]string{
	v1alpha1.ReasonListFails: "Make the server answer LIST also for the whole cluster and without objects, or do not " +
		"advertise the verbs list and delete",
	v1alpha1.ReasonWatchFails: "Make the server answer WATCH, or do not advertise the verb watch",
	v1alpha1.ReasonWatchWithoutBookmark: "Send the bookmark, or answer sendInitialEvents with 422 Invalid: informers " +
		"list and watch then, as before",
	v1alpha1.ReasonDiscoveryDiffers: "Make GET /apis list the same resources and verbs as GET /apis/GROUP/VERSION",
	v1alpha1.ReasonOpenAPIBroken:    "Correct the document; the log of kube-apiserver has \"loading OpenAPI spec\"",
	v1alpha1.ReasonOpenAPIV2Missing: "Serve GET /openapi/v2, too: kube-apiserver converts v2 into v3, but not the other " +
		"way round",
}

// maxDenied is how many resources a message names.
const maxDenied = 10

func notPermitted(name string, denied []objects.Resource) finding.Finding {
	var names []string
	for _, resource := range denied {
		names = append(names, resource.GroupVersionResource().GroupResource().String())
	}
	slices.Sort(names)
	names = slices.Compact(names)
	list := strings.Join(names[:min(len(names), maxDenied)], ",")
	evidence := "the operator is not permitted to list and watch " + list
	if further := len(names) - maxDenied; further > 0 {
		evidence += fmt.Sprintf(" and %d more", further)
	}
	role := name + ":object-reader"
	return finding.Unknown(v1alpha1.ReasonNotPermitted, evidence).
		Affecting("So it is not known whether they hold up the deletion of namespaces, or ResourceQuota").
		Advising(fmt.Sprintf("Permit it: kubectl create clusterrole %s --verb=list,watch --resource=%s && "+
			"kubectl label clusterrole %s %s=true; it is looked up every 5 minutes", role, list, role, ObjectReaderLabel))
}
