// SPDX-License-Identifier: Apache-2.0

package objects

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/documents"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
)

// JudgeOpenAPI returns what is wrong with the documents of OpenAPI. kube-apiserver converts v2 if there is no v3, but
// it cannot do without v2.
func JudgeOpenAPI(v2, v3 Answer) (problems []Problem) {
	if v2.Status == http.StatusNotFound {
		evidence := "answered 404 Not Found"
		if v3.Err == nil {
			evidence += ", although there is GET /openapi/v3"
		}
		problems = append(problems, Problem{
			Reason: v1alpha1.ReasonOpenAPIV2Missing, Subject: "GET /openapi/v2", Evidence: evidence,
		})
	}
	return append(append(problems, broken("GET /openapi/v2", v2)...), broken("GET /openapi/v3", v3)...)
}

// JudgeMerged returns what is wrong if kube-apiserver's own documents lack a group-version: it merges the server's into
// them, and converts v2 if there is no v3.
func JudgeMerged(groupVersion schema.GroupVersion, inV2, inV3 bool) (problem Problem, found bool) {
	problem = Problem{Reason: v1alpha1.ReasonOpenAPIV2Missing, Subject: groupVersion.Version + "." + groupVersion.Group}
	switch {
	case inV2 && inV3:
		return Problem{}, false
	case inV3:
		problem.Evidence = "kube-apiserver has it in OpenAPI v3, but not in v2"
	default:
		problem.Reason = v1alpha1.ReasonOpenAPIBroken
		problem.Evidence = "kube-apiserver has nothing of it in OpenAPI v3"
	}
	return problem, true
}

func broken(subject string, answer Answer) []Problem {
	if answer.Err == nil || answer.Status == http.StatusNotFound {
		return nil
	}
	return []Problem{{Reason: v1alpha1.ReasonOpenAPIBroken, Subject: subject, Evidence: answer.Err.Error()}}
}

// maxNamed is how many resources a difference names.
const maxNamed = 3

// Compare returns what is wrong if the aggregated discovery of a group-version does not have the same resources. Those
// that offer only get do not count: no client looks them up.
func Compare(
	groupVersion schema.GroupVersion, resources []Resource, aggregated []documents.Resource,
) (problem Problem, found bool) {
	var differing []string
	affected := Clients
	for _, resource := range resources {
		difference := differenceOf(resource, aggregated)
		if difference == "" {
			continue
		}
		differing = append(differing, difference)
		if resource.isEmptied() {
			affected = Leftovers
		}
	}
	differing = append(differing, onlyAggregated(resources, aggregated)...)
	if len(differing) == 0 {
		return Problem{}, false
	}
	evidence := strings.Join(differing[:min(len(differing), maxNamed)], ", ")
	if further := len(differing) - maxNamed; further > 0 {
		evidence += fmt.Sprintf(" and %d more", further)
	}
	return Problem{
		Reason: v1alpha1.ReasonDiscoveryDiffers, Subject: groupVersion.Version + "." + groupVersion.Group,
		Evidence: evidence, Affected: affected,
	}, true
}

// differenceOf is empty if there is none.
func differenceOf(resource Resource, aggregated []documents.Resource) string {
	i := slices.IndexFunc(aggregated, func(other documents.Resource) bool { return other.Name == resource.Name })
	switch {
	case !resource.MoreThanGet:
		return ""
	case i < 0:
		return resource.Name + " is missing in GET /apis"
	case resource.differs(aggregated[i]):
		return resource.Name + " has another scope or other verbs in GET /apis"
	default:
		return ""
	}
}

func onlyAggregated(resources []Resource, aggregated []documents.Resource) (differing []string) {
	for _, other := range aggregated {
		if other.MoreThanGet && !slices.ContainsFunc(resources, func(r Resource) bool { return r.Name == other.Name }) {
			differing = append(differing, excerpt.Of(other.Name, maxName)+" is only in GET /apis")
		}
	}
	return differing
}

// maxName is how many bytes of a name are quoted.
const maxName = 64
