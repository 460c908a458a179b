// SPDX-License-Identifier: Apache-2.0

package objects

import (
	"fmt"
	"net/http"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// Affected is who a problem affects; the later ones are worse.
type Affected int

const (
	// Schema is for kube-apiserver's OpenAPI.
	Schema Affected = iota
	// Clients is for those of the resource.
	Clients
	// Leftovers is for the objects of deleted namespaces.
	Leftovers
	// GarbageCollector is for the dependents of the objects.
	GarbageCollector
	// Quotas is for each ResourceQuota of the cluster.
	Quotas
	// Namespaces is for each namespace that is deleted.
	Namespaces
)

// Problem is an answer of a server that Kubernetes cannot use.
type Problem struct {
	// Reason is that of the condition.
	Reason string
	// Subject is the resource, the group-version or the document.
	Subject string
	// Evidence is what it answered.
	Evidence string
	Affected Affected
}

// Answer is what a request got.
type Answer struct {
	// Status of the response, 0 without one.
	Status int
	// Err is why there is no response of the expected kind, nil if there is one.
	Err error
}

// JudgeList returns what is wrong with the answer to LIST, if anything is.
func JudgeList(resource Resource, answer Answer) (problem Problem, found bool) {
	if answer.Err == nil {
		return Problem{}, false
	}
	problem = Problem{
		Reason: v1alpha1.ReasonListFails, Subject: resource.String(), Evidence: fmt.Sprintf("LIST %v", answer.Err),
		Affected: Clients,
	}
	switch unsupported := answer.Status == http.StatusNotFound || answer.Status == http.StatusMethodNotAllowed; {
	case resource.isEmptied() && unsupported: // the namespace controller takes the resource for one without objects
		problem.Affected = Leftovers
	case resource.isEmptied():
		problem.Affected = Namespaces
	}
	return problem, true
}

// JudgeWatch returns what is wrong with a watch that has failed.
func JudgeWatch(resource Resource, answer Answer) (problem Problem, found bool) {
	if answer.Err == nil || IsRefusal(answer.Status) {
		return Problem{}, false
	}
	return Problem{
		Reason: v1alpha1.ReasonWatchFails, Subject: resource.String(), Evidence: fmt.Sprintf("WATCH %v", answer.Err),
		Affected: affectedByWatch(resource),
	}, true
}

// IsRefusal reports whether a status refuses initial events: informers list and watch then, as they always did.
func IsRefusal(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusNotAcceptable, http.StatusUnsupportedMediaType:
		return true
	default:
		return false
	}
}

// WithoutBookmark is found of a watch that never ends its initial events.
func WithoutBookmark(resource Resource, after fmt.Stringer) Problem {
	return Problem{
		Reason: v1alpha1.ReasonWatchWithoutBookmark, Subject: resource.String(), Affected: affectedByWatch(resource),
		Evidence: fmt.Sprintf("WATCH accepts sendInitialEvents=true, but within %s it sent no bookmark with the annotation "+
			"k8s.io/initial-events-end", after),
	}
}

func affectedByWatch(resource Resource) Affected {
	switch {
	case resource.isCounted():
		return Quotas
	case resource.isCollected():
		return GarbageCollector
	default:
		return Clients
	}
}
