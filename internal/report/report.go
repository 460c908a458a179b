// SPDX-License-Identifier: Apache-2.0

// Package report turns what was found and done into a status: conditions, figures, and the Events that are worth one.
// It bounds what a status contains, and decides which changes are worth a write. It writes nothing itself, and imports
// no client.
package report

import (
	"time"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/plan"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/terminating"
)

// Report is what becomes of a reconciliation.
type Report struct {
	Status v1alpha1.ExtensionAPIStatus
	// Done are Events of what was done, to be sent in any case, and Turned those of the conditions that turned, to be sent
	// once the status has been written.
	Done, Turned []finding.Note
	// Recheck is when the report may change by itself, 0 for never.
	Recheck time.Duration
}

// Reconciliation is what there is to report.
type Reconciliation struct {
	*snapshot.Snapshot
	Plan    plan.Plan
	Outcome plan.Outcome
	// Interruption is why not everything was looked at or done, nil when it was, and Interrupted since when.
	Interruption error
	Interrupted  time.Time
	// Incomplete reports whether there was a conflict, so that something will be done only soon.
	Incomplete bool
}

// Of reports a reconciliation.
func Of(r Reconciliation) Report {
	before := &r.Status
	result := Report{Status: *before.DeepCopy(), Done: r.Outcome.Notes}
	result.Status.Groups = groupNames(r.ExtensionAPI)
	r.describe(&result.Status)
	blocked, blockedRecheck := diagnosis.BlockedNamespaces(r.Snapshot)
	if r.knowsBlocked() {
		result.Status.BlockedNamespaces = int32(len(blocked)) //nolint:gosec // as many as there are namespaces
	}
	if r.Outcome.Stored && r.Plan.Certificates.Replaces() != "" {
		result.Done = append(result.Done, certificateIssued(r.Snapshot, *r.Plan.Certificates.Rotation))
	}
	findings, recheck := r.findings(blocked)
	result.Recheck = plan.Soonest(recheck, blockedRecheck)
	conditions := Conditions{
		Generation: r.Generation, Findings: findings, Interruption: r.Interruption, Interrupted: r.Interrupted,
		Incomplete: r.Incomplete, Now: r.Now,
	}
	if r.Outcome.DryRun {
		conditions.Suspended = r.suspended(result.Status.Certificate)
	}
	conditions.WriteTo(&result.Status)
	Bound(&result.Status)
	result.Turned = append(Transitions(before.Conditions, result.Status.Conditions, findings),
		suspensionNotes(r.ExtensionAPI, result.Status.Conditions)...)
	return result
}

// knowsBlocked reports whether it is known which namespaces wait for the API.
func (r Reconciliation) knowsBlocked() bool { return r.Terminating.IsKnown() && r.Registered.IsKnown() }

// findings are those of each condition that could be looked at.
func (r Reconciliation) findings(
	blocked []terminating.Hold,
) (findings map[string]finding.Finding, recheck time.Duration) {
	findings = map[string]finding.Finding{}
	conclude := func(conditionType string, found finding.Finding) {
		if found.Found() {
			findings[conditionType] = found
		}
	}
	if all, known := r.Claims.Get(); known {
		conclude(v1alpha1.ConditionClaimed, diagnosis.Claimed(all, r.Spec.AdoptionPolicy))
	}
	certificate, certificateRecheck := r.certificate()
	conclude(v1alpha1.ConditionCertificatesReady, certificate)
	conclude(v1alpha1.ConditionServerAvailable, r.server())
	conclude(v1alpha1.ConditionStorageAvailable, r.storage())
	conclude(v1alpha1.ConditionControllersAvailable, r.controllers())
	if r.Plan.Registration != nil {
		conclude(v1alpha1.ConditionRegistered, r.registered())
		conclude(v1alpha1.ConditionAPIServicesAvailable, r.available())
	}
	if r.Plan.Probe != nil {
		within, discoveryRecheck := diagnosis.Discovery(r.Snapshot, r.Plan.Reconnect.At)
		conclude(v1alpha1.ConditionDiscoveryWithinLimit, within)
		recheck = discoveryRecheck
		conclude(v1alpha1.ConditionServesObjects, diagnosis.ServesObjects(r.Snapshot))
	}
	if r.knowsBlocked() {
		conclude(v1alpha1.ConditionNamespacesDeletable, diagnosis.NamespacesDeletable(r.Snapshot, blocked))
	}
	return findings, plan.Soonest(recheck, certificateRecheck)
}
