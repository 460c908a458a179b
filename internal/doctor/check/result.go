// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
)

const (
	kindAPIService   = "apiservice.apiregistration.k8s.io/"
	kindNamespace    = "namespace/"
	kindExtensionAPI = "extensionapi.aggregation.extensionapi.dev/"
)

// ofCluster is a result about the cluster as a whole.
func ofCluster(found finding.Finding) Result { return Result{Finding: found} }

// of is a result about an APIService.
func of(apiService view.APIService, found finding.Finding) Result {
	return Result{found.About(apiService.Name), kindAPIService + apiService.Name}
}

func ok(evidence string) finding.Finding {
	return finding.Finding{Severity: finding.Info, Evidence: evidence}
}

func warning(code, evidence string) finding.Finding {
	return finding.Finding{Severity: finding.Warning, Code: code, Evidence: evidence}
}

func broken(code, evidence string) finding.Finding {
	return finding.Finding{Severity: finding.Critical, Code: code, Evidence: evidence}
}

// notChecked is the result where what a check needs is unknown.
func notChecked(err error) finding.Finding {
	switch {
	case err == nil:
		return finding.Finding{Evidence: "not read"}
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		return finding.Finding{Evidence: notPermitted}
	default:
		return finding.Finding{Evidence: excerpt.Quote(err.Error())}
	}
}

// notPermitted is why the most is not checked.
const notPermitted = "not permitted"

// each evaluates a check for every APIService. An APIService of which nothing is found, without severity and evidence,
// has no result.
func each(v *view.View, evaluate func(view.APIService) finding.Finding) []Result {
	apiServices, known := v.APIServices.Get()
	if !known {
		return []Result{ofCluster(notChecked(v.APIServices.Err()))}
	}
	var results []Result
	for _, apiService := range apiServices {
		if found := evaluate(apiService); found != (finding.Finding{}) {
			results = append(results, of(apiService, found))
		}
	}
	return results
}

// kubectl returns a command.
func kubectl(format string, args ...any) string { return fmt.Sprintf("kubectl "+format, args...) }

const wholeCluster = "Namespace deletion and discovery are affected in the whole cluster"
