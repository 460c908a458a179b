// SPDX-License-Identifier: Apache-2.0

package act

import (
	"context"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/internal/apply"
	"github.com/extensionapi/extensionapi-operator/internal/plan"
)

// retire deletes the APIServices that are not wanted any more, once the objects that become unreachable with them have
// been counted and reported.
func (e *execution) retire(ctx context.Context, r plan.Retirement) error {
	var errs []error
	for _, kept := range r.KeepUp {
		_, err := e.applyTo(ctx, e.applier, kept.Existing, kept.Wanted)
		_, err = e.obstacle(err) // what is in its way holds up nothing else
		errs = append(errs, err)
	}
	applier := e.applier
	switch {
	case !r.Count:
		applier = applier.WithoutWithholding()
	case !e.out.DryRun:
		notes, counted := e.warnOfUnreachable(e.s.Name, r.Unwanted, r.Kept)
		e.out.Notes = append(e.out.Notes, notes...)
		if !counted {
			e.out.Counting = groupVersionNames(groupVersionsOf(r.Unwanted))
			return errors.Join(errs...)
		}
	}
	_, err := deleteAPIServices(ctx, applier, r.Unwanted)
	return errors.Join(append(errs, err)...)
}

// deleteAPIServices returns the names of those that are still there.
func deleteAPIServices(
	ctx context.Context, applier *apply.Applier, apiServices []*apiregistrationv1.APIService,
) (left []string, err error) {
	var errs []error
	for _, apiService := range apiServices {
		gone, err := applier.DeleteObserved(ctx, apiService)
		if !apierrors.IsConflict(err) { // it has changed, which brings the next attempt
			errs = append(errs, err)
		}
		if !gone {
			left = append(left, apiService.Name)
		}
	}
	return left, errors.Join(errs...)
}
