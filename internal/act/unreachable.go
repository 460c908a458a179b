// SPDX-License-Identifier: Apache-2.0

package act

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/objectcheck"
)

const (
	// maxCause is how much of one of several causes a message quotes.
	maxCause = 200
	// countTimeout bounds how long unregistering waits for a server that does not say what objects it has. What is not
	// known then is reported as unknown: no answer of a server holds up the end of its APIServices.
	countTimeout = 5 * time.Second
	// countAge is how old a count may be: as old as it takes to delete APIServices in the end.
	countAge = time.Minute
)

// warnOfUnreachable reports, before APIServices are deleted while others are kept, the objects that no client will
// reach any more. It returns false while they are being counted, in the background.
func (a *Actor) warnOfUnreachable(
	name string, doomed, kept []*apiregistrationv1.APIService,
) (notes []finding.Note, counted bool) {
	doomed = slices.DeleteFunc(slices.Clone(doomed), func(apiService *apiregistrationv1.APIService) bool {
		return !apiService.DeletionTimestamp.IsZero() // it has been reported
	})
	if len(doomed) == 0 {
		return nil, true
	}
	unregistered, remaining := groupVersionsOf(doomed), groupVersionsOf(kept)
	subject := strings.Join(groupVersionNames(unregistered), ",")
	objects, ended := a.Counts.Last(name, subject, countAge, func(ctx context.Context) []aggregation.Objects {
		return a.count(ctx, unregistered, remaining)
	})
	if ended.IsZero() {
		return nil, false
	}
	if message := unreachableMessage(objects); message != "" {
		notes = append(notes, finding.WarningNote(v1alpha1.ReasonObjectsUnreachable, message, doomed[0]))
	}
	return notes, true
}

func (a *Actor) count(ctx context.Context, doomed, kept []schema.GroupVersion) []aggregation.Objects {
	ctx, cancel := context.WithTimeout(ctx, countTimeout)
	defer cancel()
	return a.KubeAPIServers.CountObjects(ctx, doomed, kept, func(resource schema.GroupVersionResource) error {
		return a.mayList(ctx, resource)
	})
}

func (a *Actor) mayList(ctx context.Context, resource schema.GroupVersionResource) error {
	permitted, err := objectcheck.PermissionOf(a.Client)(ctx, "list", resource)
	if err == nil && !permitted {
		err = aggregation.ErrNotAllowed
	}
	return err
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
			unknown = append(unknown, fmt.Sprintf("%s (%s)", atLeast(objects), excerpt.Of(objects.Err.Error(), maxCause)))
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
	message := "About to be unregistered; no client will reach its objects any more: " + strings.Join(found, "; ") +
		". If the server has storage of its own they stay there, even when their namespace is deleted."
	if mayNot {
		message += " To have them counted, label a ClusterRole that may list them: " + diagnosis.ObjectReaderLabel + "=true"
	}
	return message
}
