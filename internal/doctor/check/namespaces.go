// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/objects"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/terminating"
)

// namespaces reports those that cannot be deleted because of an API, and which, as the operator's condition
// NamespacesDeletable does. Those that wait for other objects are not held by the aggregation layer.
func namespaces(v *view.View) []Result {
	deleted, known := v.Terminating.Get()
	if !known {
		return []Result{ofCluster(notChecked(v.Terminating.Err()))}
	}
	var results []Result
	for i := range deleted {
		if found := stuck(v, &deleted[i]); found != (finding.Finding{}) {
			name := deleted[i].Name
			results = append(results, Result{found, kindNamespace + name})
		}
	}
	if len(results) == 0 {
		return []Result{ofCluster(ok(fmt.Sprintf("no namespace is stuck in its deletion (%d are being "+
			"deleted)", len(deleted))))}
	}
	return results
}

const doNotForce = "Repair the APIServices in this report; do not remove the namespace's finalizer, that leaves " +
	"objects behind"

func stuck(v *view.View, namespace *corev1.Namespace) finding.Finding {
	var groupVersions []schema.GroupVersion
	var suspects []string
	for _, apiService := range v.APIServices.Value() {
		groupVersions = append(groupVersions, apiService.GroupVersion())
		if isSuspect(v, apiService) {
			suspects = append(suspects, apiService.Name)
		}
	}
	hold := terminating.By(namespace, groupVersions, len(suspects) > 0)
	switch {
	case hold.Cause == terminating.None && v.Chosen:
		return finding.Finding{}
	case hold.Cause == terminating.None:
		return unattributed(namespace)
	case v.Now.Sub(hold.Since) < diagnosis.HeldUpAfter:
		return finding.Finding{}
	}
	found := diagnosis.HeldUp([]terminating.Hold{hold}, strings.Join(suspects, ", ")).Advising(doNotForce)
	if hold.Cause == terminating.Remaining {
		found = found.Advising(diagnosis.RemedyOfRemaining(hold))
	}
	found.Severity = finding.Critical
	return found
}

// isSuspect reports whether requests to delete objects of an API fail, or may well fail.
func isSuspect(v *view.View, apiService view.APIService) bool {
	if !snapshot.IsAvailable(apiService.APIService) {
		return true
	}
	for _, problem := range apiService.Objects.Value().Problems {
		if problem.Affected == objects.Namespaces {
			return true
		}
	}
	owner := ownerOf(v, apiService)
	return owner != nil && terminating.IsSuspect(owner.Status.Conditions)
}

// ownerOf returns the ExtensionAPI of an APIService, nil if there is none or it cannot be read.
func ownerOf(v *view.View, apiService view.APIService) *v1alpha1.ExtensionAPI {
	extensionAPIs := v.ExtensionAPIs.Value()
	for i := range extensionAPIs {
		if extensionAPIs[i].Name == apiService.Labels[manifests.OwnerLabel] {
			return &extensionAPIs[i]
		}
	}
	return nil
}

// unattributed reports a namespace that waits for an API of which nothing is known. Objects that remain are their own
// controllers' matter.
func unattributed(namespace *corev1.Namespace) finding.Finding {
	for _, obstacle := range terminating.Obstacles(namespace) {
		if obstacle.Type != corev1.NamespaceContentRemaining {
			return broken(v1alpha1.ReasonNamespacesBlocked, fmt.Sprintf("the deletion of namespace %s does not go on: %s: %s",
				namespace.Name, obstacle.Type, excerpt.Quote(obstacle.Message))).
				Affecting("Everyone who waits for the deletion of this namespace, or uses its name again").
				Advising(doNotForce)
		}
	}
	return finding.Finding{}
}
