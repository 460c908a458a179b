// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// available reports what kube-apiserver reports, in the words of the operator.
func available(v *view.View) []Result {
	results := each(v, availability)
	if v.APIServices.IsKnown() && len(results) == 0 {
		return []Result{ofCluster(ok("no APIService leads to a Service"))}
	}
	for i := range results {
		if results[i].Severity == finding.Critical {
			results[i].Subject = "" // the evidence names it
		}
	}
	return results
}

func availability(apiService view.APIService) finding.Finding {
	if snapshot.Availability(apiService.APIService) == nil {
		return broken(v1alpha1.ReasonNotReported, fmt.Sprintf("kube-apiserver has not reported whether %s is available: its "+
			"caBundle cannot be parsed, or it was only just created", apiService.Name)).
			Affecting(wholeCluster).
			Advising(kubectl("get apiservice %s -o yaml", apiService.Name))
	}
	found := diagnosis.APIService(apiService.APIService)
	if !found.Found() {
		return ok("")
	}
	found.Severity = finding.Critical
	if failure := snapshot.FailedCheck(apiService.APIService); failure != "" {
		_, advice := discovery.CauseOfCheck(failure)
		found.Remedy = sentence(advice)
	}
	return found
}

// claimed reports APIServices that a CustomResourceDefinition has the group-version of.
func claimed(v *view.View) []Result {
	definitions, known := v.Definitions.Get()
	return each(v, func(apiService view.APIService) finding.Finding {
		if !known {
			return notChecked(v.Definitions.Err())
		}
		definition, found := definitions[apiService.GroupVersion()]
		if !found {
			return ok("")
		}
		return warning(v1alpha1.ReasonContested, fmt.Sprintf(
			"CustomResourceDefinition %s has %s, too; the APIService belongs to %s",
			definition, apiService.GroupVersion(), ownership.Of(apiService.APIService))).
			Affecting("The objects of the CustomResourceDefinition cannot be reached, and when the APIService is deleted, its " +
				"clients get those instead").
			Advising("Remove one of the two, see " + kubectl("get crd %s -o yaml", definition))
	})
}

// orphaned reports APIServices whose Service does not exist, and who has left them.
func orphaned(v *view.View) []Result {
	return each(v, func(apiService view.APIService) finding.Finding {
		service, known := apiService.Backend.Service.Get()
		switch {
		case !known:
			return notChecked(apiService.Backend.Service.Err())
		case service != nil:
			return ok("")
		}
		owner := ownership.Of(apiService.APIService)
		return broken(v1alpha1.ReasonServiceNotFound, fmt.Sprintf("there is no server: Service %s does not exist; the "+
			"APIService belongs to %s", apiService.Backend, owner)).
			Affecting(wholeCluster).
			Advising(orphanRemedy(apiService.Name, owner))
	})
}

func orphanRemedy(name string, owner ownership.Owner) string {
	remove := kubectl("delete apiservice %s", name)
	switch owner.Kind {
	case ownership.HelmRelease:
		return fmt.Sprintf("Install the release again, or, if it is gone, delete the APIService: %s", remove)
	case ownership.OLM:
		return fmt.Sprintf("Look at its ClusterServiceVersion; if that is gone, delete the APIService: %s", remove)
	case ownership.ExtensionAPI, ownership.EarlierExtensionAPI:
		return fmt.Sprintf("Look at %s; if it is gone, delete the APIService: %s",
			kubectl("describe xapi %s", owner.Reference.Name), remove)
	default:
		return fmt.Sprintf("If the server is not wanted any more, delete the APIService: %s", remove)
	}
}
