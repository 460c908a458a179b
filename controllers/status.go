// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"strings"
	"time"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/report"
)

// summarize turns what was found into conditions.
func (s *scope) summarize(interruption error, since, now time.Time) {
	conditions := report.Conditions{
		Generation: s.Generation, Findings: s.verdicts, Interruption: interruption, Interrupted: since, Now: now,
	}
	if s.isSuspended() {
		conditions.Suspended = suspendedVerdict(s, interruption)
	}
	conditions.WriteTo(&s.Status)
}

// groupNames are those of the spec, for a column of kubectl get: a JSONPath there prints the first of several results
// only (apiextensions-apiserver pkg/registry/customresource/tableconvertor).
func groupNames(extensionAPI *v1alpha1.ExtensionAPI) string {
	var names []string
	for _, group := range extensionAPI.Spec.Groups {
		names = append(names, group.Name)
	}
	return strings.Join(names, ",")
}

// writeStatus writes the status if it changed, and then tells of the conditions that turned. What the phases did is
// told in any case: it is done. The optimistic lock keeps an outdated cache from taking back what was written since.
func (r *Reconciler) writeStatus(ctx context.Context, s *scope) error {
	report.Bound(&s.Status)
	r.sendEvents(s, s.notes)
	r.Metrics.observe(s.Name, &s.Status)
	if report.OnlyNoise(&s.before.Status, &s.Status, policy(s).Limit) {
		return nil
	}
	object := s.DeepCopy()
	if err := r.Client.Status().Patch(ctx, object, optimisticMergeFrom(s.before)); err != nil {
		return err
	}
	r.sendEvents(s, append(report.Transitions(s.before.Status.Conditions, s.Status.Conditions), suspensionNotes(s)...))
	return nil
}
