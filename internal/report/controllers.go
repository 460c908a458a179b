// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// controllers is found of all controllers: what is found of the first one that is not available, or else of the first
// one of which something is left to do.
func (r Reconciliation) controllers() finding.Finding {
	if len(r.Spec.Controllers) == 0 {
		return finding.Good(v1alpha1.ReasonNoControllers, "spec.controllers is empty")
	}
	if found := diagnosis.Namespace(r.Snapshot); found.Found() {
		return found
	}
	if !r.knowsControllers() {
		return finding.Finding{}
	}
	var names []string
	var trouble finding.Finding
	for i, w := range manifests.ControllersOf(r.ExtensionAPI) {
		name := r.Spec.Controllers[i].Name
		names = append(names, name)
		found := r.controller(w).About("controller " + name)
		if found.Code != v1alpha1.ReasonReplicasAvailable && isWorse(found, trouble) {
			trouble = found
		}
	}
	if trouble.Found() {
		return trouble
	}
	return finding.Good(v1alpha1.ReasonReplicasAvailable,
		"all replicas are available, of controllers "+strings.Join(names, ", "))
}

func isWorse(found, than finding.Finding) bool {
	return !than.Found() || than.Status == metav1.ConditionTrue && found.Status != metav1.ConditionTrue
}

// knowsControllers reports whether it is known what became of the controllers.
func (r Reconciliation) knowsControllers() bool {
	return r.Plan.Controllers != nil && r.Outcome.Failed.Controllers == nil
}

// controller is found of one controller.
func (r Reconciliation) controller(w manifests.Workload) finding.Finding {
	became := r.Outcome.Controllers[w.Name]
	switch {
	case r.Plan.Controllers.Running[w.Name] == nil:
		return finding.Bad(v1alpha1.ReasonWaitingForAPI, fmt.Sprintf(
			"it is started when every group-version is available, now %d of %d are", len(r.Available()),
			len(manifests.GroupVersions(r.ExtensionAPI))), finding.Working).
			Advising("See the conditions Registered and APIServicesAvailable")
	case became.Refused.Found():
		return became.Refused
	default:
		return r.rollout(w, r.Controllers.Value().ByName[w.Name], became)
	}
}

// describeControllers fills in the state of each controller.
func (r Reconciliation) describeControllers(status *v1alpha1.ExtensionAPIStatus) {
	if len(r.Spec.Controllers) == 0 {
		status.Controllers = nil
	}
	if !r.knowsControllers() {
		return
	}
	status.Controllers = nil
	for i, w := range manifests.ControllersOf(r.ExtensionAPI) {
		found := r.controller(w)
		described := v1alpha1.ControllerStatus{
			Name: r.Spec.Controllers[i].Name, Available: found.Status, Reason: found.Code,
		}
		if deployment := r.Controllers.Value().ByName[w.Name].Deployment; deployment != nil {
			described.ReadyReplicas = new(deployment.Status.ReadyReplicas)
		}
		status.Controllers = append(status.Controllers, described)
	}
}
