// SPDX-License-Identifier: Apache-2.0

package report

import (
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/plan"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/workload"
)

// server is found of what serves, with what serves discovery in place of it.
func (r Reconciliation) server() finding.Finding {
	found := r.backend()
	if !found.Found() {
		return found
	}
	return diagnosis.WithStandIn(r.Snapshot, found)
}

// backend is found of what serves, and of a namespace that prevents it.
func (r Reconciliation) backend() finding.Finding {
	prevents := []func(*snapshot.Snapshot) finding.Finding{
		diagnosis.Namespace, diagnosis.Service, diagnosis.PodLabelsInUse, r.awaitsStorage,
	}
	for _, find := range prevents {
		if found := find(r.Snapshot); found.Found() {
			return found
		}
	}
	switch {
	case r.Plan.Server == nil && r.StorageReady() || r.Outcome.Failed.Server != nil || !r.Server.IsKnown():
		return finding.Finding{}
	case r.Outcome.Server.Refused.Found():
		return r.Outcome.Server.Refused
	}
	found := r.rollout(manifests.ServerOf(r.ExtensionAPI), r.Server.Value(), r.Outcome.Server)
	if found.Code == v1alpha1.ReasonReplicasAvailable && r.Outcome.Monitoring.Found() {
		return diagnosis.NotMonitored(found, r.Outcome.Monitoring)
	}
	return found
}

// rollout is found of the Deployment of a workload.
func (r Reconciliation) rollout(
	w manifests.Workload, observed snapshot.Workload, became plan.Applied,
) finding.Finding {
	deployment := observed.Deployment
	if deployment == nil && r.Outcome.DryRun {
		return finding.Bad(v1alpha1.ReasonSuspended,
			"there is no Deployment with the labels of this ExtensionAPI, and none is created while spec.suspend is true",
			finding.Settled)
	}
	if deployment == nil {
		deployment = &appsv1.Deployment{} // the cache does not have it yet
	}
	replicas := w.Replicas(deployment)
	if r.Outcome.DryRun { // any other number would count replicas that are not started
		replicas = ptr.Deref(deployment.Spec.Replicas, replicas)
	}
	return workload.Rollout(workload.State{
		Workload: w, Deployment: deployment, Pods: observed.Pods, Causes: observed.Causes, Replicas: replicas,
		Generation: became.Generation,
	})
}

// readyReplicas is nil where it is unknown.
func (r Reconciliation) readyReplicas() *int32 {
	behind, known := r.Endpoints.Get()
	if !known || !r.InReach() || behind.IsExternal() {
		return nil
	}
	return new(int32(len(behind.Ready) + len(behind.Ejected))) //nolint:gosec // as many as there are Pods
}
