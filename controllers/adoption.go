// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	apiregistration "k8s.io/kube-aggregator/pkg/client/applyconfiguration/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/claims"
	"github.com/extensionapi/extensionapi-operator/internal/holder"
)

// adopt makes somebody else's APIService the ExtensionAPI's. Its spec is left to the next reconciliation, which finds
// it among its own and changes it in place; until then requests go to where they went.
func (r *Reconciler) adopt(
	ctx context.Context, s *scope, claim claims.Claim, wanted *apiregistration.APIServiceApplyConfiguration,
) (verdict, error) {
	adopted := claim.APIService.DeepCopy()
	done, err := r.patchUnlessChanged(ctx, adopted, func() { takeOver(adopted, wanted.Labels) })
	if done {
		s.notes = append(s.notes, note{corev1.EventTypeNormal, v1alpha1.ReasonAdopted, fmt.Sprintf(
			"APIService %s was taken over from %s%s", adopted.Name, claim.Holder, afterAdoption[claim.Holder.Kind]), adopted})
	}
	return bad(v1alpha1.ReasonProbing, "it has just been taken over, and is about to be changed", working), err
}

// afterAdoption is what is left to do with the one who had it.
var afterAdoption = map[holder.Kind]string{
	holder.HelmRelease: ". Take it out of the release before you uninstall that: Helm deletes whatever is in the " +
		"manifest of the release, whoever has it by now",
	holder.OLM:   ". Take it out of the ClusterServiceVersion, or delete that: it writes the APIService whenever it looks",
	holder.Other: ". Take it out of where it comes from, or it may be written over or deleted",
}

// takeOver replaces the marks of others by the labels of the ExtensionAPI.
func takeOver(apiService *apiregistrationv1.APIService, labels map[string]string) {
	holder.RemoveMarks(apiService)
	if apiService.Labels == nil {
		apiService.Labels = map[string]string{}
	}
	maps.Copy(apiService.Labels, labels)
}

// adoptionChanges tells what adopting an APIService would change of it.
func adoptionChanges(
	existing *apiregistrationv1.APIService, wanted *apiregistration.APIServiceApplyConfiguration,
) []string {
	adopted := existing.DeepCopy()
	takeOver(adopted, wanted.Labels)
	spec, service := wanted.Spec, wanted.Spec.Service
	changes := slices.Concat(
		difference("spec.service", serviceWords(existing.Spec.Service), serviceWords(&apiregistrationv1.ServiceReference{
			Namespace: *service.Namespace, Name: *service.Name, Port: service.Port,
		})),
		difference("spec.insecureSkipTLSVerify", existing.Spec.InsecureSkipTLSVerify, *spec.InsecureSkipTLSVerify),
		difference("spec.groupPriorityMinimum", existing.Spec.GroupPriorityMinimum, *spec.GroupPriorityMinimum),
		difference("spec.versionPriority", existing.Spec.VersionPriority, *spec.VersionPriority),
		mapChanges("metadata.labels", existing.Labels, adopted.Labels),
		mapChanges("metadata.annotations", existing.Annotations, adopted.Annotations),
	)
	if !bytes.Equal(existing.Spec.CABundle, spec.CABundle) {
		changes = append(changes, "spec.caBundle: replaced by the authorities of this ExtensionAPI's server")
	}
	for _, owner := range existing.OwnerReferences {
		changes = append(changes, fmt.Sprintf("metadata.ownerReferences: %s %q removed", owner.Kind, owner.Name))
	}
	return changes
}

func difference[T comparable](field string, from, to T) []string {
	if from == to {
		return nil
	}
	return []string{fmt.Sprintf("%s: %v becomes %v", field, from, to)}
}

func mapChanges(field string, from, to map[string]string) []string {
	keys := map[string]bool{}
	for key := range from {
		keys[key] = true
	}
	for key := range to {
		keys[key] = true
	}
	var changes []string
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		changes = append(changes, difference(field+"["+key+"]", quoted(from, key), quoted(to, key))...)
	}
	return changes
}

func quoted(values map[string]string, key string) string {
	if value, found := values[key]; found {
		return fmt.Sprintf("%q", value)
	}
	return "none"
}

func serviceWords(service *apiregistrationv1.ServiceReference) string {
	if service == nil {
		return "none"
	}
	port := int32(443) // kube-aggregator pkg/apis/apiregistration/v1/defaults.go
	if service.Port != nil {
		port = *service.Port
	}
	return fmt.Sprintf("%s/%s:%d", service.Namespace, service.Name, port)
}
