// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	apiregistration "k8s.io/kube-aggregator/pkg/client/applyconfiguration/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
	"github.com/extensionapi/extensionapi-operator/internal/apply"
	"github.com/extensionapi/extensionapi-operator/internal/claims"
	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/reconnect"
)

// reconcileRegistration keeps one APIService for each group-version. An APIService is created, or pointed at another
// backend or trust bundle, only after every ready replica has answered discovery under just these terms. It is never
// deleted and created anew: the garbage collector could take a group that is gone for owners that are gone.
func (r *Reconciler) reconcileRegistration(ctx context.Context, s *scope) error {
	registered, err := r.ownAPIServices(ctx, r.Client, s)
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	if s.namespace == namespaceActive {
		for _, groupVersion := range manifests.GroupVersions(s.ExtensionAPI) {
			wanted[manifests.APIServiceName(groupVersion)] = true
		}
	}
	if len(registered) < len(wanted) {
		_, _ = r.unconfigured(s) // so that it is known when the replicas have answered
	}
	r.heedRefusedRoute(s, registered)
	caBundle := r.marked(s, registered)
	counting, err := r.retire(ctx, s, registered, wanted, caBundle)
	errs := []error{err}
	var outcomes []registrationOutcome
	for _, configuration := range manifests.APIServices(s.ExtensionAPI, caBundle) {
		if !wanted[*configuration.Name] {
			continue
		}
		outcome, err := r.register(ctx, s, configuration, registered[*configuration.Name])
		if err != nil && !outcome.obstacle.Found() {
			outcome.obstacle = finding.Bad(v1alpha1.ReasonRetrying, err.Error()+"; it is tried again", finding.Working)
		}
		outcomes = append(outcomes, outcome)
		errs = append(errs, err)
	}
	s.conclude(v1alpha1.ConditionRegistered, whileCounting(registrationVerdict(s.namespace, outcomes), counting))
	s.conclude(v1alpha1.ConditionAPIServicesAvailable, availableVerdict(s.namespace, outcomes))
	describeAPIServices(s, outcomes)
	return errors.Join(errs...)
}

// deleteAPIServices returns the names of those that are still there.
func (r *Reconciler) deleteAPIServices(
	ctx context.Context, s *scope, apiServices []*apiregistrationv1.APIService,
) (left []string, err error) {
	applier := r.Applier
	if s.namespace != namespaceActive {
		applier = applier.Insisting() // not even spec.suspend may keep other namespaces from being deleted
	}
	var errs []error
	for _, apiService := range apiServices {
		gone, err := applier.DeleteObserved(ctx, apiService)
		errs = append(errs, err)
		if !gone {
			left = append(left, apiService.Name)
		}
	}
	slices.Sort(left)
	return left, errors.Join(errs...)
}

// register applies one APIService unless something is in the way.
func (r *Reconciler) register(
	ctx context.Context, s *scope, configuration *apiregistration.APIServiceApplyConfiguration,
	existing *apiregistrationv1.APIService,
) (registrationOutcome, error) {
	outcome := registrationOutcome{name: *configuration.Name, existing: existing, claim: s.claimOf(*configuration.Name)}
	if diagnosis.IsHeld(outcome.claim, s.Spec.AdoptionPolicy) {
		return refused(outcome, configuration, s.Spec.AdoptionPolicy), nil
	}
	if isRefusedRoute(s, existing) {
		return r.unregisterUnroutable(ctx, s, outcome)
	}
	outcome.obstacle = r.obstacleTo(s, configuration, existing)
	if discovery.IsFrontProxyRefused(outcome.failedCheck()) {
		outcome.unconfigured, _ = r.unconfigured(s)
	}
	switch {
	case outcome.obstacle.Code == "":
	case outcome.obstacle.Status == metav1.ConditionTrue:
		// It goes on to trust more than it needs to, but must connect anew nevertheless.
		configuration.Spec.CABundle = reconnect.WithMarkOf(configuration.Spec.CABundle, existing.Spec.CABundle)
	default:
		return outcome, nil
	}
	if existing == nil {
		return r.registerNew(ctx, s, configuration, outcome)
	}
	return r.applyAPIService(ctx, s, configuration, outcome)
}

// registerNew registers what has no owner at this moment, or adopts what may be adopted. Of two without a predecessor,
// the second has to see what the first has registered.
func (r *Reconciler) registerNew(
	ctx context.Context, s *scope, configuration *apiregistration.APIServiceApplyConfiguration,
	outcome registrationOutcome,
) (registrationOutcome, error) {
	missing, known := r.unconfigured(s)
	switch {
	case !known:
		outcome.obstacle = finding.Bad(v1alpha1.ReasonProbing, "waiting to learn whether the aggregation layer is configured",
			finding.Working)
		return outcome, nil
	case missing != "":
		outcome.obstacle = diagnosis.LayerNotConfigured(missing, aggregation.AskedAgainAfter)
		return outcome, nil
	}
	group := outcome.claim.GroupVersion.Group
	r.registering.LockKey(group)
	defer func() { _ = r.registering.UnlockKey(group) }()
	claim, err := r.claimNow(ctx, s, outcome.claim.GroupVersion)
	if err != nil {
		return outcome, err
	}
	outcome.claim = claim
	switch {
	case diagnosis.IsHeld(claim, s.Spec.AdoptionPolicy):
		return refused(outcome, configuration, s.Spec.AdoptionPolicy), nil
	case claim.Standing == claims.HeldAdoptable:
		outcome.obstacle, err = r.adopt(ctx, s, claim, configuration)
		return outcome, err
	case claim.Standing != claims.Granted:
		return outcome, nil
	default:
		return r.applyAPIService(ctx, s, configuration, outcome)
	}
}

func (r *Reconciler) applyAPIService(
	ctx context.Context, s *scope, configuration *apiregistration.APIServiceApplyConfiguration,
	outcome registrationOutcome,
) (registrationOutcome, error) {
	err := r.removeInjector(ctx, s, outcome.existing)
	if err == nil {
		_, err = r.Applier.Apply(ctx, configuration)
	}
	if err == nil {
		if v := withheldRegistration(s, configuration, outcome.existing); v.Code != "" {
			outcome.obstacle = v
		}
		return outcome, nil
	}
	outcome.obstacle, err = obstacleOf(s, err)
	return outcome, err
}

// fightTold is the pause from which on a fight is told: two or three changes in a row may be one person's.
const fightTold = 4 * time.Second

// obstacleOf is what somebody can do something about; any other error is returned.
func obstacleOf(s *scope, err error) (finding.Finding, error) {
	if conflict, ok := errors.AsType[*apply.ConflictError](err); ok {
		return notClaimed("it", conflict.Holder), nil
	}
	if fight, ok := errors.AsType[*apply.FightError](err); ok {
		s.requeueAfter(fight.RetryAfter)
		if fight.RetryAfter < fightTold {
			return finding.Finding{}, nil
		}
		return fought(fight), nil
	}
	v, refused := s.refusal(err)
	if !refused {
		return finding.Finding{}, err
	}
	return v, nil
}

// obstacleTo tells why an APIService must not be applied yet.
func (r *Reconciler) obstacleTo(
	s *scope, configuration *apiregistration.APIServiceApplyConfiguration, existing *apiregistrationv1.APIService,
) finding.Finding {
	if existing != nil && !changesBackend(existing, configuration) {
		return finding.Finding{}
	}
	drops := existing != nil && onlyDropsTrust(existing, configuration)
	if drops && s.known.Has(endpointsKnown) && len(s.endpoints) == 0 {
		return finding.Finding{} // no client is affected
	}
	obstacle := r.obstacle(s, schema.GroupVersion{Group: *configuration.Spec.Group, Version: *configuration.Spec.Version})
	if drops && obstacle.Code != "" {
		obstacle.Status = metav1.ConditionTrue
	}
	return obstacle
}

// changesBackend tells whether requests would go to another Service, or the server be refused that is trusted now. A
// bundle that only grows can do no harm.
func changesBackend(
	existing *apiregistrationv1.APIService, configuration *apiregistration.APIServiceApplyConfiguration,
) bool {
	return !pki.Covers(configuration.Spec.CABundle, existing.Spec.CABundle) || !sameService(existing, configuration)
}

// onlyDropsTrust tells whether the APIService does all that it should, and trusts more than it needs to.
func onlyDropsTrust(
	existing *apiregistrationv1.APIService, configuration *apiregistration.APIServiceApplyConfiguration,
) bool {
	wanted := configuration.Spec
	return pki.Covers(existing.Spec.CABundle, wanted.CABundle) && sameService(existing, configuration) &&
		existing.Spec.GroupPriorityMinimum == *wanted.GroupPriorityMinimum &&
		existing.Spec.VersionPriority == *wanted.VersionPriority
}

func sameService(
	existing *apiregistrationv1.APIService, configuration *apiregistration.APIServiceApplyConfiguration,
) bool {
	return reflect.DeepEqual(existing.Spec.Service, serviceOf(configuration))
}

func serviceOf(configuration *apiregistration.APIServiceApplyConfiguration) *apiregistrationv1.ServiceReference {
	wanted := configuration.Spec.Service
	return &apiregistrationv1.ServiceReference{Namespace: *wanted.Namespace, Name: *wanted.Name, Port: wanted.Port}
}
