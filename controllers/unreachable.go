// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/report"
)

const (
	// countTimeout bounds how long unregistering waits for a server that does not say what objects it has. What is not
	// known then is reported as unknown: no answer of a server holds up the end of its APIServices.
	countTimeout = 5 * time.Second
	// countAge is how old a count may be: as old as it takes to delete APIServices in the end.
	countAge = time.Minute
)

// warnOfUnreachable reports, before APIServices are deleted while others are kept, the objects that no client will
// reach any more. It returns false while they are being counted.
func (r *Reconciler) warnOfUnreachable(s *scope, doomed, kept []*apiregistrationv1.APIService) (done bool) {
	doomed = slices.DeleteFunc(slices.Clone(doomed), func(apiService *apiregistrationv1.APIService) bool {
		return !apiService.DeletionTimestamp.IsZero() // it has been reported
	})
	if len(doomed) == 0 {
		return true
	}
	slices.SortFunc(doomed, func(a, b *apiregistrationv1.APIService) int { return cmp.Compare(a.Name, b.Name) })
	unregistered, remaining := groupVersionsOf(doomed), groupVersionsOf(kept)
	subject := strings.Join(groupVersionNames(unregistered), ",")
	counted, ended := r.Counts.Last(s.Name, subject, countAge, func(ctx context.Context) []aggregation.Objects {
		return r.count(ctx, unregistered, remaining)
	})
	if ended.IsZero() {
		return false
	}
	if message := unreachableMessage(counted); message != "" {
		r.sendEvents(s, []report.Note{report.Warning(v1alpha1.ReasonObjectsUnreachable, message, doomed[0])})
	}
	return true
}

func (r *Reconciler) count(ctx context.Context, doomed, kept []schema.GroupVersion) []aggregation.Objects {
	ctx, cancel := context.WithTimeout(ctx, countTimeout)
	defer cancel()
	return r.KubeAPIServers.CountObjects(ctx, doomed, kept, func(resource schema.GroupVersionResource) error {
		return r.mayList(ctx, resource)
	})
}

// mayList asks before anything is listed, so that the audit log has no refusal in it.
func (r *Reconciler) mayList(ctx context.Context, resource schema.GroupVersionResource) error {
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Verb: "list", Group: resource.Group, Version: resource.Version, Resource: resource.Resource,
		},
	}}
	if err := r.Client.Create(ctx, review); err != nil {
		return err
	}
	if !review.Status.Allowed {
		return aggregation.ErrNotAllowed
	}
	return nil
}

func atLeast(objects aggregation.Objects) string {
	if objects.Count == 0 {
		return objects.Resource.String()
	}
	return fmt.Sprintf("%s, at least %d", objects.Resource, objects.Count)
}

func groupVersionsOf(apiServices []*apiregistrationv1.APIService) []schema.GroupVersion {
	var result []schema.GroupVersion
	for _, apiService := range apiServices {
		result = append(result, schema.GroupVersion{Group: apiService.Spec.Group, Version: apiService.Spec.Version})
	}
	return result
}

// unreachableMessage is empty when there are no objects.
func unreachableMessage(counted []aggregation.Objects) string {
	var found, unknown []string
	mayNot := false
	for _, objects := range counted {
		switch {
		case errors.Is(objects.Err, aggregation.ErrNotAllowed):
			mayNot = true
			unknown = append(unknown, objects.Resource.String())
		case objects.Err != nil:
			unknown = append(unknown, fmt.Sprintf("%s (%s)", atLeast(objects), excerpt.Of(objects.Err.Error(), report.MaxCause)))
		case objects.Count > 0:
			found = append(found, fmt.Sprintf("%d %s", objects.Count, objects.Resource))
		}
	}
	if len(found)+len(unknown) == 0 {
		return ""
	}
	if len(unknown) > 0 {
		found = append(found, "an unknown number of "+strings.Join(unknown, ", "))
	}
	message := "about to be unregistered: nobody will reach its objects any more, which stay in the server's own " +
		"storage if it has one, also when their namespace is deleted: " + strings.Join(found, "; ")
	if mayNot {
		message += ". To have them counted, label a ClusterRole that may list them " + countLabel + "=true"
	}
	return message
}

// countLabel has a ClusterRole aggregated into the one by which the operator counts objects. The chart installs that.
const countLabel = "aggregation.extensionapi.dev/aggregate-to-object-counter"
