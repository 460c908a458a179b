// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

// standIn reports APIServices that kube-apiserver reports as available, although no replica of the server answers.
func standIn(v *view.View) []Result {
	return each(v, func(apiService view.APIService) finding.Finding {
		if !apiService.LeadsToStandIn() {
			return finding.Finding{}
		}
		evidence := fmt.Sprintf("it leads to the operator's stand-in (Service %s)%s, since no replica of the server "+
			"answers; kube-apiserver reports Available=True, as the stand-in answers discovery", apiService.Backend,
			sinceOf(ownerOf(v, apiService)))
		return broken(v1alpha1.ReasonStandIn, evidence).
			Affecting("Every request for its objects is answered 503; namespaces can be deleted, and clients of other APIs " +
				"are not affected").
			Advising("Repair the server: " + kubectl("extensionapi status %s", apiService.Labels[manifests.OwnerLabel]))
	})
}

func sinceOf(owner *v1alpha1.ExtensionAPI) string {
	if owner == nil || owner.Status.StandIn == nil || owner.Status.StandIn.Since == nil {
		return ""
	}
	return " since " + pki.Timestamp(owner.Status.StandIn.Since.Time)
}

// ofServers evaluates a check for every APIService that leads to its server.
func ofServers(v *view.View, evaluate func(view.APIService) finding.Finding) []Result {
	return each(v, func(apiService view.APIService) finding.Finding {
		if apiService.LeadsToStandIn() {
			return finding.Finding{} // the Pods of the operator
		}
		return evaluate(apiService)
	})
}
