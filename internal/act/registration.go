// SPDX-License-Identifier: Apache-2.0

package act

import (
	"context"
	"errors"
	"fmt"
	"time"

	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	apiregistration "k8s.io/kube-aggregator/pkg/client/applyconfiguration/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/apply"
	"github.com/extensionapi/extensionapi-operator/internal/claims"
	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
	"github.com/extensionapi/extensionapi-operator/internal/plan"
	"github.com/extensionapi/extensionapi-operator/internal/reconnect"
)

// registration retires APIServices, and applies the others.
func (e *execution) registration(ctx context.Context, r *plan.Registration) error {
	if r == nil {
		return nil
	}
	errs := []error{e.retire(ctx, r.Retirement)}
	for _, g := range r.GroupVersions {
		err := e.register(ctx, &g)
		if err != nil && !g.Obstacle.Found() {
			g.Obstacle = finding.Bad(v1alpha1.ReasonRetrying, err.Error()+"; retrying", finding.Working)
		}
		e.out.GroupVersions = append(e.out.GroupVersions, g)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// register does what is planned for one APIService, and records in g what came of it.
func (e *execution) register(ctx context.Context, g *plan.GroupVersion) error {
	switch g.Step {
	case plan.Apply:
		return e.applyAPIService(ctx, g)
	case plan.Create:
		return e.create(ctx, g)
	case plan.Unregister:
		gone, err := e.applier.DeleteObserved(ctx, g.Existing)
		if gone {
			g.Existing = nil
		}
		return err
	default:
		return nil
	}
}

// applyTo applies an APIService that was observed. One that is gone since is left to the next plan: creating it
// requires more than keeping it up.
func (e *execution) applyTo(
	ctx context.Context, applier *apply.Applier, observed *apiregistrationv1.APIService,
	wanted *apiregistration.APIServiceApplyConfiguration,
) (found bool, err error) {
	found, err = applier.ApplyTo(ctx, observed.UID, wanted)
	if err == nil && !found {
		e.out.After(goneRetry)
	}
	return found, err
}

// goneRetry is when something is planned again that was gone; its event brings that sooner.
const goneRetry = time.Second

// create registers what has no owner at this moment, or adopts what may be adopted. Of two ExtensionAPIs without a
// predecessor, the second has to see what the first has registered.
func (e *execution) create(ctx context.Context, g *plan.GroupVersion) error {
	e.Registering.LockKey(g.Group)
	defer func() { _ = e.Registering.UnlockKey(g.Group) }()
	if e.s.Endpoints.Value().IsExternal() {
		// Its status is the only record of a registration that kube-apiserver refused to route to.
		if current, err := e.Observer.IsCurrent(ctx, e.s.ExtensionAPI); err != nil || !current {
			e.out.After(goneRetry)
			return err
		}
	}
	claim, err := e.Observer.ClaimNow(ctx, e.s.ExtensionAPI, g.GroupVersion)
	if err != nil {
		return err
	}
	g.Claim = claim
	switch {
	case diagnosis.IsHeld(g.Claim, e.s.Spec.AdoptionPolicy):
		*g = g.Refused(e.s.Spec.AdoptionPolicy)
		return nil
	case g.Claim.Standing == claims.HeldAdoptable:
		return e.adopt(ctx, g)
	case g.Claim.Standing != claims.Granted:
		return nil
	default:
		return e.applyAPIService(ctx, g)
	}
}

func (e *execution) applyAPIService(ctx context.Context, g *plan.GroupVersion) error {
	err := e.removeInjector(ctx, g.Existing)
	if err == nil {
		err = e.writeAPIService(ctx, g)
	}
	if err == nil {
		if e.out.DryRun && !e.returns(g) {
			g.Obstacle = dryRunObstacle(g)
		}
		return nil
	}
	g.Obstacle, err = e.obstacle(err)
	return err
}

func (e *execution) writeAPIService(ctx context.Context, g *plan.GroupVersion) error {
	switch {
	case g.Existing != nil:
		return e.keepUp(ctx, g)
	case g.Claim.APIService == nil:
		return e.applier.Create(ctx, g.Wanted)
	default:
		_, err := e.applier.Apply(ctx, g.Wanted)
		return err
	}
}

// keepUp applies an existing APIService.
func (e *execution) keepUp(ctx context.Context, g *plan.GroupVersion) error {
	if e.out.DryRun && !e.returns(g) { // a mark that has only not been written is no change that is withheld
		g.Wanted.Spec.CABundle = reconnect.KeepMark(g.Wanted.Spec.CABundle, g.Existing.Spec.CABundle)
	}
	applier := e.applier
	if e.returns(g) {
		applier = applier.WithoutWithholding()
	}
	found, err := e.applyTo(ctx, applier, g.Existing, g.Wanted)
	if found && err == nil && (!e.out.DryRun || e.returns(g)) {
		e.switched(g)
	}
	return err
}

// dryRunObstacle is found of an APIService that does not lead to the server, since it was not applied.
func dryRunObstacle(g *plan.GroupVersion) finding.Finding {
	switch {
	case g.Existing == nil:
		return finding.Bad(v1alpha1.ReasonSuspended,
			"no APIService has the labels of this ExtensionAPI, and none is created while spec.suspend is true",
			finding.Settled)
	case !g.StandIn && !plan.SameService(g.Existing, g.Wanted):
		return finding.Bad(v1alpha1.ReasonSuspended,
			"requests are sent to another Service than the spec's, which is not repaired while spec.suspend is true",
			finding.Settled)
	default:
		return g.Obstacle
	}
}

// adopt makes another owner's APIService the ExtensionAPI's, in one write: with only a part of it done, deleting the
// ExtensionAPI would delete what still leads to the earlier server.
func (e *execution) adopt(ctx context.Context, g *plan.GroupVersion) error {
	adopted, from := g.Claim.APIService.DeepCopy(), g.Claim.Owner
	done, err := e.applier.Patch(ctx, adopted, func() { plan.Adopt(adopted, g.Wanted) })
	switch {
	case err != nil:
		g.Obstacle, err = e.obstacle(err)
		return err
	case e.out.DryRun:
		g.Obstacle = finding.Bad(v1alpha1.ReasonSuspended,
			fmt.Sprintf("it belongs to %s, and is not adopted while spec.suspend is true", from), finding.Settled)
		return nil
	case !done:
		e.out.After(refusalRetry)
		g.Obstacle = finding.Bad(v1alpha1.ReasonProbing, fmt.Sprintf(
			"%s has just changed it; retrying to adopt it", from), finding.Working)
		return nil
	}
	e.note(finding.NormalNote(v1alpha1.ReasonAdopted, fmt.Sprintf(
		"APIService %s was adopted from %s%s", adopted.Name, from, afterAdoption[from.Kind]), adopted))
	g.Obstacle = finding.Bad(v1alpha1.ReasonProbing, "it has just been adopted", finding.Working)
	return nil
}

// afterAdoption is what is left to do with the earlier owner.
var afterAdoption = map[ownership.Kind]string{
	ownership.HelmRelease: ". Remove it from the release before you uninstall that: Helm deletes whatever is in the " +
		"manifest of the release, even if it has another owner by then",
	ownership.OLM: ". Remove it from the ClusterServiceVersion, or delete that: it writes the APIService whenever it " +
		"looks",
	ownership.Other: ". Remove it at its source, or it may be overwritten or deleted",
}

// removeInjector removes the annotations that make another controller write the caBundle of an own APIService: the two
// would undo each other's work for ever.
func (e *execution) removeInjector(ctx context.Context, own *apiregistrationv1.APIService) error {
	if own == nil || ownership.Injector(own) == "" {
		return nil
	}
	cleared := &apiregistrationv1.APIService{} // the cached one lacks other annotations, which must stay
	err := e.Live.Get(ctx, client.ObjectKeyFromObject(own), cleared)
	if err != nil || ownership.Injector(cleared) == "" || !ownership.IdentityOf(e.s.ExtensionAPI).Owns(cleared) {
		return client.IgnoreNotFound(err)
	}
	done, err := e.applier.Revert(ctx, cleared, func() { ownership.RemoveInjector(cleared) })
	if done {
		e.note(finding.WarningNote(v1alpha1.ReasonContested, fmt.Sprintf(
			"The annotations were removed with which %s would write the caBundle of APIService %s. Remove them at their "+
				"source", ownership.Injector(own), own.Name), cleared))
	}
	return err
}
