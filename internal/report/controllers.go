// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/workload"
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
	for i := range r.Spec.Controllers {
		name := r.Spec.Controllers[i].Name
		names = append(names, name)
		found := r.controller(&r.Spec.Controllers[i]).About("controller " + name)
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
	return r.Controllers.IsKnown() && r.Outcome.Failed.Controllers == nil &&
		(r.Spec.Server == nil || r.Plan.Controllers != nil)
}

// controller is found of one controller.
func (r Reconciliation) controller(controller *v1alpha1.Controller) finding.Finding {
	w := manifests.ControllerOf(r.ExtensionAPI, controller)
	if controller.DeploymentRef != nil {
		return referenced(w, r.Controllers.Value().Referenced[controller.Name])
	}
	inUse, became := diagnosis.ControllerLabelsInUse(r.Snapshot, w), r.Outcome.Controllers[w.Name]
	switch {
	case inUse.Found():
		return inUse
	case r.Plan.Controllers.Running[w.Name] == nil:
		return r.waitingForAPI()
	case became.Refused.Found():
		return became.Refused
	default:
		return r.rollout(w, r.Controllers.Value().ByName[w.Name], became)
	}
}

// waitingForAPI is found of a controller that is not started yet.
func (r Reconciliation) waitingForAPI() finding.Finding {
	when := fmt.Sprintf("every group-version is available, now %d of %d are", len(r.Available()),
		len(manifests.GroupVersions(r.ExtensionAPI)))
	if r.IsServed() {
		when = "requests for every group-version pass through kube-apiserver"
	}
	return finding.Bad(v1alpha1.ReasonWaitingForAPI, "it is started when "+when, finding.Working).
		Advising("See the conditions Registered and APIServicesAvailable")
}

// referenced is found of the Deployment of another owner, whose Pods are not read.
func referenced(w manifests.Workload, read snapshot.Known[*appsv1.Deployment]) finding.Finding {
	deployment := read.Value()
	switch {
	case read.Err() != nil:
		return finding.Unknown(v1alpha1.ReasonDeploymentNotReadable, fmt.Sprintf("Deployment %s cannot be read: %s",
			w.NamespacedName, excerpt.Quote(read.Err().Error())))
	case deployment == nil:
		return finding.Bad(v1alpha1.ReasonDeploymentNotFound, fmt.Sprintf("Deployment %s does not exist",
			w.NamespacedName), finding.Working).Alarming().Advising("Create it, or correct " + w.Field + ".deploymentRef")
	}
	if selector := deployment.Spec.Selector; selector != nil {
		w.Labels = selector.MatchLabels
	}
	found := workload.Rollout(workload.State{
		Workload: w, Deployment: deployment, Replicas: ptr.Deref(deployment.Spec.Replicas, 1),
	})
	if found.Code == v1alpha1.ReasonScaledToZero {
		found.Remedy = fmt.Sprintf("Scale it: kubectl -n %s scale deployment %s --replicas 1", w.Namespace, w.Name)
	}
	return found
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
	for i := range r.Spec.Controllers {
		controller := &r.Spec.Controllers[i]
		found := r.controller(controller)
		described := v1alpha1.ControllerStatus{Name: controller.Name, Available: found.Status, Reason: found.Code}
		isOfAnother := found.Code == v1alpha1.ReasonNameConflict
		if deployment := r.deploymentOf(controller); deployment != nil && !isOfAnother {
			described.ReadyReplicas = new(deployment.Status.ReadyReplicas)
		}
		status.Controllers = append(status.Controllers, described)
	}
}

// deploymentOf is nil where there is none, or it is not known.
func (r Reconciliation) deploymentOf(controller *v1alpha1.Controller) *appsv1.Deployment {
	controllers := r.Controllers.Value()
	if controller.DeploymentRef != nil {
		return controllers.Referenced[controller.Name].Value()
	}
	return controllers.ByName[manifests.ControllerOf(r.ExtensionAPI, controller).Name].Deployment
}
