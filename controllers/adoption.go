// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/sets"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	apiregistration "k8s.io/kube-aggregator/pkg/client/applyconfiguration/apiregistration/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/claims"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/holder"
	"github.com/extensionapi/extensionapi-operator/internal/report"
)

// adopt makes somebody else's APIService the ExtensionAPI's, in one write: with only a part of it done, deleting the
// ExtensionAPI would delete what still leads to the earlier server.
func (r *Reconciler) adopt(
	ctx context.Context, s *scope, claim claims.Claim, wanted *apiregistration.APIServiceApplyConfiguration,
) (finding.Finding, error) {
	adopted := claim.APIService.DeepCopy()
	done, err := r.Applier.Patch(ctx, adopted, func() { takeOver(adopted, wanted) })
	switch {
	case err != nil:
		return obstacleOf(s, err)
	case s.isSuspended():
		return withheldAdoption(claim.Holder), nil
	case !done:
		s.requeueAfter(refusalRetry)
		return finding.Bad(v1alpha1.ReasonProbing, fmt.Sprintf(
			"%s has just changed it; taking it over is tried again", claim.Holder), finding.Working), nil
	}
	s.notes = append(s.notes, report.Normal(v1alpha1.ReasonAdopted, fmt.Sprintf(
		"APIService %s was taken over from %s%s", adopted.Name, claim.Holder, afterAdoption[claim.Holder.Kind]), adopted))
	return finding.Bad(v1alpha1.ReasonProbing, "it has just been taken over", finding.Working), nil
}

// removeInjector takes away the annotations that have somebody write the caBundle of an own APIService: the two would
// undo each other's work for ever.
func (r *Reconciler) removeInjector(ctx context.Context, s *scope, own *apiregistrationv1.APIService) error {
	if own == nil || holder.Injector(own) == "" {
		return nil
	}
	cleared := &apiregistrationv1.APIService{} // the cached one lacks other annotations, which must stay
	err := r.Live.Get(ctx, client.ObjectKeyFromObject(own), cleared)
	if err != nil || holder.Injector(cleared) == "" {
		return client.IgnoreNotFound(err)
	}
	done, err := r.Applier.PutBack(ctx, cleared, func() { holder.RemoveInjector(cleared) })
	if done {
		s.notes = append(s.notes, report.Warning(v1alpha1.ReasonContested, fmt.Sprintf(
			"the annotations were removed by which %s would write the caBundle of APIService %s; take them out of where they "+
				"come from", holder.Injector(own), own.Name), cleared))
	}
	return err
}

// afterAdoption is what is left to do with the one who had it.
var afterAdoption = map[holder.Kind]string{
	holder.HelmRelease: ". Take it out of the release before you uninstall that: Helm deletes whatever is in the " +
		"manifest of the release, whoever has it by now",
	holder.OLM:   ". Take it out of the ClusterServiceVersion, or delete that: it writes the APIService whenever it looks",
	holder.Other: ". Take it out of where it comes from, or it may be written over or deleted",
}

// takeOver replaces the marks of others by the ExtensionAPI's labels, and what the APIService says by what is wanted.
func takeOver(apiService *apiregistrationv1.APIService, wanted *apiregistration.APIServiceApplyConfiguration) {
	holder.RemoveMarks(apiService)
	apiService.Labels = labels.Merge(apiService.Labels, wanted.Labels)
	apiService.Annotations = labels.Merge(apiService.Annotations, wanted.Annotations)
	apiService.Spec = apiregistrationv1.APIServiceSpec{
		Group:                 *wanted.Spec.Group,
		Version:               *wanted.Spec.Version,
		GroupPriorityMinimum:  *wanted.Spec.GroupPriorityMinimum,
		VersionPriority:       *wanted.Spec.VersionPriority,
		CABundle:              wanted.Spec.CABundle,
		InsecureSkipTLSVerify: *wanted.Spec.InsecureSkipTLSVerify,
		Service:               serviceOf(wanted),
	}
}

// adoptionChanges are the fields that adopting an APIService would change.
func adoptionChanges(
	existing *apiregistrationv1.APIService, wanted *apiregistration.APIServiceApplyConfiguration,
) []v1alpha1.FieldChange {
	adopted := existing.DeepCopy()
	takeOver(adopted, wanted)
	from, to := existing.Spec, adopted.Spec
	changes := slices.Concat(
		difference("spec.service", serviceAddress(from.Service), serviceAddress(to.Service)),
		difference("spec.insecureSkipTLSVerify", printed(from.InsecureSkipTLSVerify), printed(to.InsecureSkipTLSVerify)),
		difference("spec.groupPriorityMinimum", printed(from.GroupPriorityMinimum), printed(to.GroupPriorityMinimum)),
		difference("spec.versionPriority", printed(from.VersionPriority), printed(to.VersionPriority)),
		mapChanges("metadata.labels", existing.Labels, adopted.Labels),
		mapChanges("metadata.annotations", existing.Annotations, adopted.Annotations),
		difference("spec.caBundle", digest(from.CABundle), digest(to.CABundle)),
	)
	for _, owner := range existing.OwnerReferences {
		changes = append(changes, difference("metadata.ownerReferences", new(owner.Kind+"/"+owner.Name), nil)...)
	}
	return changes
}

func difference(field string, from, to *string) []v1alpha1.FieldChange {
	if ptr.Equal(from, to) {
		return nil
	}
	return []v1alpha1.FieldChange{{Field: field, From: from, To: to}}
}

func mapChanges(field string, from, to map[string]string) []v1alpha1.FieldChange {
	var changes []v1alpha1.FieldChange
	for _, key := range sets.List(sets.KeySet(from).Union(sets.KeySet(to))) {
		changes = append(changes, difference(field+"["+key+"]", valueOf(from, key), valueOf(to, key))...)
	}
	return changes
}

func valueOf(values map[string]string, key string) *string {
	if value, found := values[key]; found {
		return &value
	}
	return nil
}

func printed(value any) *string { return new(fmt.Sprint(value)) }

func serviceAddress(service *apiregistrationv1.ServiceReference) *string {
	if service == nil {
		return nil
	}
	port := ptr.Deref(service.Port, 443) // kube-aggregator pkg/apis/apiregistration/v1/defaults.go
	return new(fmt.Sprintf("%s/%s:%d", service.Namespace, service.Name, port))
}

// digest stands for a trust bundle, which is too long to be shown.
func digest(bundle []byte) *string {
	if len(bundle) == 0 {
		return nil
	}
	return new(fmt.Sprintf("sha256:%x", sha256.Sum256(bundle)))
}
