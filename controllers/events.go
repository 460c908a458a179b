// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/report"
)

// action is what the events API wants to know of what the operator does; it only ever reconciles.
const action = "Reconcile"

func (r *Reconciler) sendEvents(s *scope, notes []report.Note) {
	for _, n := range notes {
		message := excerpt.Of(n.Message, report.MaxNote)
		r.Events.Eventf(s.ExtensionAPI, n.Related, n.Type, n.Reason, action, "%s", message)
	}
}
