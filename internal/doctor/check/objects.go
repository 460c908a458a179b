// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/objects"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// servesObjects reports what Kubernetes' controllers cannot use of what servers answer for their objects, in the words
// of the operator's condition ServesObjects.
func servesObjects(v *view.View) []Result {
	if !v.APIServices.IsKnown() {
		return []Result{ofCluster(notChecked(v.APIServices.Err()))}
	}
	var results []Result
	for _, apiService := range v.APIServices.Value() {
		if !snapshot.IsAvailable(apiService.APIService) || apiService.LeadsToStandIn() {
			continue // reported by available and standIn
		}
		for _, problem := range apiService.Objects.Value().Problems {
			results = append(results, Result{ofProblem(problem), kindAPIService + apiService.Name})
		}
		if found := withoutProblem(apiService.Objects); found != (finding.Finding{}) {
			results = append(results, of(apiService, found))
		}
	}
	return results
}

// withoutProblem is what remains to be reported besides problems.
func withoutProblem(read snapshot.Known[objects.Result]) finding.Finding {
	result, known := read.Get()
	switch {
	case !known:
		return notChecked(read.Err())
	case len(result.Problems) > 0:
		return finding.Finding{}
	case result.Err != nil:
		return notChecked(result.Err)
	case len(result.Denied) > 0:
		return finding.Finding{Evidence: notPermitted}
	case result.Checked == 0:
		return finding.Finding{}
	default:
		return ok(fmt.Sprintf("%d resources", result.Checked))
	}
}

// ofProblem is Critical where more than the clients of the API are affected.
func ofProblem(problem objects.Problem) finding.Finding {
	found := diagnosis.ObjectProblem(problem)
	found.Severity = finding.Critical
	if problem.Affected <= objects.Clients {
		found.Severity = finding.Warning
	}
	return found
}

// openAPI reports group-versions that are missing in OpenAPI, although clients look their kinds up there.
func openAPI(v *view.View) []Result {
	return ofAvailable(v, func(apiService view.APIService) finding.Finding {
		answer, known := apiService.Discovery.Get()
		switch {
		case !known, answer.Err != nil, answer.MoreThanGet == 0:
			return finding.Finding{}
		case !v.OpenAPIV3.IsKnown():
			return notChecked(v.OpenAPIV3.Err())
		case v.Now.Sub(apiService.CreationTimestamp.Time) < settlesWithin:
			return ok("registered less than two minutes ago")
		}
		problem, found := objects.JudgeMerged(apiService.GroupVersion(), has(v.OpenAPIV2, apiService),
			has(v.OpenAPIV3, apiService))
		if !found {
			return ok("")
		}
		return ofProblem(problem)
	})
}

// has counts what is unknown as good.
func has(read snapshot.Known[sets.Set[schema.GroupVersion]], apiService view.APIService) bool {
	return !read.IsKnown() || read.Value().Has(apiService.GroupVersion())
}
