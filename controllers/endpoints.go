// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/ejection"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// +kubebuilder:rbac:groups=discovery.k8s.io,resources=endpointslices,verbs=list;watch

// reconcileEndpoints finds the ready replicas behind the Service, and those that were taken out of it.
func (r *Reconciler) reconcileEndpoints(ctx context.Context, s *scope) error {
	find := r.findOwnEndpoints
	if s.Spec.ExistingService != nil {
		find = r.findExistingEndpoints
	}
	err := find(ctx, s)
	s.Status.ReadyReplicas = nil
	if err == nil && !s.outOfReach && !s.external {
		s.Status.ReadyReplicas = new(int32(len(s.endpoints) + len(s.ejected))) //nolint:gosec // as many as there are Pods
	}
	return err
}

func (r *Reconciler) findOwnEndpoints(ctx context.Context, s *scope) error {
	if s.outOfReach {
		return nil
	}
	service := &corev1.Service{}
	if err := r.Client.Get(ctx, s.backend.Key(), service); err != nil {
		return client.IgnoreNotFound(err)
	}
	// The EndpointSlices carry the labels of the operator's Service, so they are in the cache.
	endpointSlices, err := endpoints.List(ctx, r.Client, s.backend.Key())
	if err != nil {
		return err
	}
	if s.pods, err = r.serverPods(ctx, r.Client, s); err != nil {
		return err
	}
	s.ejected = ejection.Found(s.pods, s.Spec.Server)
	s.service, s.endpoints = endpoints.Behind(service, s.backend.Port, endpointSlices)
	s.endpoints = withoutEjected(s.endpoints, s.pods)
	if v := diagnosis.OwnService(s.backend, service, s.pods); v.Code != "" && s.namespace == namespaceActive {
		s.unroutable = v
		s.conclude(v1alpha1.ConditionServerAvailable, v)
	}
	return nil
}

// withoutEjected drops Pods that were taken out of the Service moments ago: the EndpointSlices may not show it yet.
func withoutEjected(ready []endpoints.Endpoint, pods []corev1.Pod) []endpoints.Endpoint {
	return slices.DeleteFunc(ready, func(endpoint endpoints.Endpoint) bool {
		return slices.ContainsFunc(pods, func(pod corev1.Pod) bool {
			return pod.Name == endpoint.Pod && ejection.IsEjected(&pod)
		})
	})
}

// findExistingEndpoints looks at somebody else's Service. Nothing of it is watched, so it is read at every interval,
// and more often while it is not ready.
func (r *Reconciler) findExistingEndpoints(ctx context.Context, s *scope) error {
	service := &corev1.Service{}
	err := r.Live.Get(ctx, s.backend.Key(), service)
	if client.IgnoreNotFound(err) != nil {
		return err
	}
	v := serviceMissing(s.backend)
	if err == nil {
		endpointSlices, err := endpoints.List(ctx, r.Live, s.backend.Key(), client.Limit(limits.EndpointSlices))
		if err != nil {
			return err
		}
		s.external = service.Spec.Type == corev1.ServiceTypeExternalName
		s.service, s.endpoints = endpoints.Behind(service, s.backend.Port, endpointSlices)
		v = diagnosis.ExistingService(s.backend, service, endpointSlices, len(s.endpoints))
	}
	if v.Code == v1alpha1.ReasonServiceNotRoutable {
		s.unroutable = v
	}
	if s.namespace == namespaceActive {
		s.conclude(v1alpha1.ConditionServerAvailable, v)
	}
	s.requeueAfter(interval(s))
	if v.Status != metav1.ConditionTrue {
		s.requeueAfter(refusalRetry)
	}
	return nil
}

func serviceMissing(backend manifests.Backend) finding.Finding {
	return finding.Bad(v1alpha1.ReasonServiceNotFound, fmt.Sprintf(
		"Service %s does not exist; create it or correct spec.existingService", backend.Key()), finding.Working)
}
