// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/claims"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// selectors reads what selects Pods in the namespace of the server, while a server of another owner runs in it whose
// APIService may be adopted. None of it is watched.
func (o *Observer) selectors(ctx context.Context, s *snapshot.Snapshot) ([]snapshot.Selector, error) {
	earlier := earlierServices(s)
	if len(earlier) == 0 || !s.RunsServer() {
		return nil, nil
	}
	var found []snapshot.Selector
	var selected []labels.Set
	for _, name := range earlier {
		service := &corev1.Service{}
		switch err := o.Live.Get(ctx, client.ObjectKey{Namespace: s.Backend.Namespace, Name: name}, service); {
		case client.IgnoreNotFound(err) != nil:
			return nil, err
		case len(service.Spec.Selector) > 0: // one without selects none
			selector := metav1.LabelSelector{MatchLabels: service.Spec.Selector}
			found = append(found, snapshot.Selector{Kind: "Service", Name: name, Selector: selector})
			pod, err := o.labelsOfPod(ctx, service)
			if err != nil {
				return nil, err
			}
			selected = append(selected, pod)
		}
	}
	budgets := &policyv1.PodDisruptionBudgetList{}
	err := o.Live.List(ctx, budgets, client.InNamespace(s.Backend.Namespace), client.Limit(limits.PodDisruptionBudgets))
	for _, budget := range budgets.Items {
		if !selectsAny(budget.Spec.Selector, selected) {
			continue // it is for other Pods, or the user's own for this server
		}
		found = append(found, snapshot.Selector{
			Kind: "PodDisruptionBudget", Name: budget.Name,
			Selector: ptr.Deref(budget.Spec.Selector, metav1.LabelSelector{}),
		})
	}
	return found, err
}

// labelsOfPod returns the labels of a Pod behind the Service, or those that it selects if there is none.
func (o *Observer) labelsOfPod(ctx context.Context, service *corev1.Service) (labels.Set, error) {
	pods := &corev1.PodList{}
	err := o.Live.List(ctx, pods, client.InNamespace(service.Namespace), client.MatchingLabels(service.Spec.Selector),
		client.Limit(1))
	if err != nil || len(pods.Items) == 0 {
		return service.Spec.Selector, err
	}
	return pods.Items[0].Labels, nil
}

// selectsAny reports whether a selector matches Pods with one of these sets of labels.
func selectsAny(selector *metav1.LabelSelector, sets []labels.Set) bool {
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && slices.ContainsFunc(sets, func(set labels.Set) bool { return parsed.Matches(set) })
}

// earlierServices are the Services in the namespace of the server that APIServices of other owners lead to.
func earlierServices(s *snapshot.Snapshot) []string {
	names := sets.New[string]()
	for _, claim := range s.Claims.Value() {
		if claim.Standing != claims.HeldAdoptable {
			continue
		}
		if service := claim.APIService.Spec.Service; service != nil && service.Namespace == s.Backend.Namespace {
			names.Insert(service.Name)
		}
	}
	return sets.List(names.Delete(s.Backend.Name))
}
