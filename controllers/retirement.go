// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"

	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

// retire deletes the APIServices of group-versions that are not in the spec any more, or of all when their server has
// to go. One that is still served goes only after its successor has come. It returns the group-versions that go as soon
// as their objects have been counted.
func (r *Reconciler) retire(
	ctx context.Context, s *scope, registered map[string]*apiregistrationv1.APIService, wanted map[string]bool,
	caBundle []byte,
) (counting []string, err error) {
	var unwanted, kept []*apiregistrationv1.APIService
	var errs []error
	for name, apiService := range registered {
		switch {
		case wanted[name]:
			kept = append(kept, apiService)
		case awaitsSuccessor(s, apiService, registered):
			kept = append(kept, apiService)
			errs = append(errs, r.keepUp(ctx, s, apiService, caBundle))
		default:
			unwanted = append(unwanted, apiService)
		}
	}
	// In a namespace that is being deleted there is no time to look for objects.
	if s.namespace == namespaceActive && !s.isSuspended() && !r.warnOfUnreachable(s, unwanted, kept) {
		return groupVersionNames(groupVersionsOf(unwanted)), errors.Join(errs...)
	}
	_, err = r.deleteAPIServices(ctx, s, unwanted)
	return nil, errors.Join(append(errs, err)...)
}

// awaitsSuccessor tells whether an APIService is one of the last by which its group is served, and a version is still
// to be registered that takes its place. To the garbage collector, owners in a group that is gone would look gone.
func awaitsSuccessor(
	s *scope, apiService *apiregistrationv1.APIService, registered map[string]*apiregistrationv1.APIService,
) bool {
	if s.namespace != namespaceActive || !isAvailable(apiService) {
		return false
	}
	awaited := false
	for _, claim := range s.claims {
		if claim.GroupVersion.Group != apiService.Spec.Group || diagnosis.IsHeld(claim, s.Spec.AdoptionPolicy) {
			continue
		}
		if registered[manifests.APIServiceName(claim.GroupVersion)] != nil {
			return false
		}
		awaited = true
	}
	return awaited
}

// keepUp has an APIService that is to go trust what the others do, as long as that takes nothing from it.
func (r *Reconciler) keepUp(
	ctx context.Context, s *scope, apiService *apiregistrationv1.APIService, caBundle []byte,
) error {
	spec := apiService.Spec
	groupVersion := schema.GroupVersion{Group: spec.Group, Version: spec.Version}
	configuration := manifests.APIService(
		s.ExtensionAPI, groupVersion, spec.GroupPriorityMinimum, spec.VersionPriority, caBundle)
	if !pki.Covers(caBundle, spec.CABundle) || !sameService(apiService, configuration) {
		return nil
	}
	_, err := r.Applier.Apply(ctx, configuration)
	_, err = obstacleOf(s, err) // what is in its way holds up nothing else
	return err
}
