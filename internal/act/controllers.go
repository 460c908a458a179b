// SPDX-License-Identifier: Apache-2.0

package act

import (
	"context"
	"errors"

	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/inventory"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/plan"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// controllers applies the controllers that may run, and removes former ones. One that fails holds up no other.
func (e *execution) controllers(ctx context.Context, p *plan.Controllers) error {
	if p == nil {
		return nil
	}
	_, err := e.removeAll(ctx, e.s, e.applier, p.Former)
	errs := []error{err}
	e.out.Controllers = map[string]plan.Applied{}
	for _, w := range manifests.ControllersOf(e.s.ExtensionAPI) {
		running := p.Running[w.Name]
		if running == nil {
			continue
		}
		became := plan.Applied{}
		errs = append(errs, e.apply(ctx, workload{
			Workload: w, observed: e.s.Controllers.Value().ByName[w.Name], plan: running,
			created: func(stage inventory.Stage) []inventory.Object { return inventory.CreatedForController(stage, w) },
		}, &became))
		e.out.Controllers[w.Name] = became
	}
	return errors.Join(errs...)
}

// StopControllers deletes the controllers while their API still answers, so that they can finish, and returns what it
// waits for until the last Pod has terminated. It does not wait where the API does not answer: its APIServices block
// the deletion of every namespace then.
func (a *Actor) StopControllers(ctx context.Context, s *snapshot.Snapshot) (
	waitingFor string, notes []finding.Note, err error,
) {
	waitingFor, notes, err = a.AwaitControllers(ctx, s)
	if err == nil && !s.IsAllAvailable() {
		waitingFor = ""
	}
	return waitingFor, notes, err
}

// AwaitControllers deletes the controllers, and returns what it waits for until the last Pod has terminated. Where the
// namespace of the server is being deleted they go with it.
func (a *Actor) AwaitControllers(ctx context.Context, s *snapshot.Snapshot) (
	waitingFor string, notes []finding.Note, err error,
) {
	if s.Spec.Server == nil || !s.IsActive() || !s.InReach() {
		return "", nil, nil
	}
	for _, kind := range inventory.ControllerKinds() {
		objects, err := a.Observer.ControllerObjects(ctx, kind, s.ExtensionAPI)
		if err != nil {
			return "", nil, err
		}
		waitingFor, err := a.removeAll(ctx, s, a.For(s.ExtensionAPI), objects)
		if err != nil || waitingFor != "" {
			return waitingFor, nil, err
		}
	}
	return "", nil, nil
}
