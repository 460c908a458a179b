// SPDX-License-Identifier: Apache-2.0

package act

import (
	"context"

	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/inventory"
	"github.com/extensionapi/extensionapi-operator/internal/kinds"
	"github.com/extensionapi/extensionapi-operator/internal/plan"
)

// monitoring applies what the server's metrics are scraped by, or removes what an earlier spec wanted. Nothing else
// depends on it.
func (e *execution) monitoring(ctx context.Context, p *plan.Workload) error {
	if !e.s.RunsServer() {
		return nil
	}
	wanted := inventory.CreatedAt(inventory.Monitoring, e.s.ExtensionAPI)
	if len(wanted) == 0 {
		return e.removeLeft(ctx, inventory.OfMonitoring())
	}
	if p == nil {
		return nil
	}
	e.out.After(e.s.Policy().Interval) // it is not watched, as its kind may not exist
	_, err := e.applyAll(ctx, wanted, inventory.Inputs{})
	if kinds.IsUnknown(err) {
		e.out.Monitoring = diagnosis.ServiceMonitorsUnknown()
		return nil
	}
	return e.refuse(&e.out.Monitoring, err)
}

// removeLeft removes objects of kinds that are not watched, where an earlier spec may have wanted them. While it is
// suspended, that is left to do.
func (e *execution) removeLeft(ctx context.Context, objects []inventory.Object) error {
	observed := e.s.Status.ObservedGeneration
	if observed <= 0 || observed == e.s.Generation && !e.out.DryRun {
		return nil
	}
	_, err := e.removeAll(ctx, e.s, e.applier, objects)
	return err
}
