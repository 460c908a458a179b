// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// +kubebuilder:rbac:groups=discovery.k8s.io,resources=endpointslices,verbs=get;list;watch

// reconcileEndpoints finds the ready replicas behind the Service.
func (r *Reconciler) reconcileEndpoints(ctx context.Context, s *scope) error {
	if s.Spec.Service != nil {
		return r.findExistingEndpoints(ctx, s)
	}
	service := &corev1.Service{}
	err := r.Client.Get(ctx, client.ObjectKey{Namespace: s.backend.Namespace, Name: s.backend.Name}, service)
	if err != nil {
		return client.IgnoreNotFound(err)
	}
	// The EndpointSlices carry the labels of the operator's Service, so they are in the cache.
	slices, err := endpointSlices(ctx, r.Client, s.backend)
	s.service, s.endpoints = addresses(service, s.backend.Port, slices)
	return err
}

// findExistingEndpoints looks at somebody else's Service. Nothing of it is watched, so it is read at every interval.
func (r *Reconciler) findExistingEndpoints(ctx context.Context, s *scope) error {
	s.requeueAfter(s.Spec.Discovery.Interval.Duration)
	service := &corev1.Service{}
	err := r.Live.Get(ctx, client.ObjectKey{Namespace: s.backend.Namespace, Name: s.backend.Name}, service)
	if apierrors.IsNotFound(err) {
		service, err = nil, nil
	}
	if err != nil {
		return err
	}
	slices, err := endpointSlices(ctx, r.Live, s.backend)
	if err != nil {
		return err
	}
	s.service, s.endpoints = addresses(service, s.backend.Port, slices)
	if s.namespace == namespaceActive {
		s.conclude(v1alpha1.ConditionServerAvailable, serviceVerdict(s.backend, service, len(s.endpoints)))
	}
	return nil
}

func endpointSlices(
	ctx context.Context, reader client.Reader, backend manifests.Backend,
) ([]discoveryv1.EndpointSlice, error) {
	list := &discoveryv1.EndpointSliceList{}
	err := reader.List(ctx, list, client.InNamespace(backend.Namespace),
		client.MatchingLabels{discoveryv1.LabelServiceName: backend.Name})
	return list.Items, err
}

// addresses returns the Service's own address, empty when it has none, and the ready endpoints behind it: where the
// aggregator sends requests to.
func addresses(
	service *corev1.Service, port int32, endpointSlices []discoveryv1.EndpointSlice,
) (own string, ready []endpoint) {
	if service == nil {
		return "", nil
	}
	if service.Spec.Type == corev1.ServiceTypeExternalName {
		return "", []endpoint{{address: hostPort(service.Spec.ExternalName, port)}}
	}
	portName, found := servicePortName(service, port)
	if !found {
		return "", nil
	}
	if service.Spec.ClusterIP != "" && service.Spec.ClusterIP != corev1.ClusterIPNone {
		own = hostPort(service.Spec.ClusterIP, port)
	}
	return own, readyEndpoints(endpointSlices, portName)
}

func hostPort(host string, port int32) string { return net.JoinHostPort(host, strconv.Itoa(int(port))) }

// readyEndpoints returns the ready addresses of the Service port of that name.
func readyEndpoints(endpointSlices []discoveryv1.EndpointSlice, portName string) []endpoint {
	var result []endpoint
	for _, slice := range endpointSlices {
		for _, slicePort := range slice.Ports {
			if ptr.Deref(slicePort.Name, "") == portName && slicePort.Port != nil {
				result = append(result, readyIn(slice, *slicePort.Port)...)
			}
		}
	}
	slices.SortFunc(result, func(a, b endpoint) int { return cmp.Compare(a.address, b.address) })
	return slices.Compact(result)
}

func readyIn(slice discoveryv1.EndpointSlice, port int32) []endpoint {
	var result []endpoint
	for _, candidate := range slice.Endpoints {
		// nil means ready (k8s.io/api/discovery/v1, EndpointConditions).
		if !ptr.Deref(candidate.Conditions.Ready, true) || len(candidate.Addresses) == 0 {
			continue
		}
		ready := endpoint{address: hostPort(candidate.Addresses[0], port)}
		if target := candidate.TargetRef; target != nil && target.Kind == "Pod" {
			ready.pod = target.Name
		}
		result = append(result, ready)
	}
	return result
}

func servicePortName(service *corev1.Service, port int32) (name string, found bool) {
	for _, candidate := range service.Spec.Ports {
		if candidate.Port == port {
			return candidate.Name, true
		}
	}
	return "", false
}

// serviceVerdict speaks of an existing backend.
func serviceVerdict(backend manifests.Backend, service *corev1.Service, ready int) verdict {
	name := backend.Namespace + "/" + backend.Name
	if service == nil {
		return bad(v1alpha1.ReasonServiceNotFound, fmt.Sprintf(
			"Service %s does not exist; create it or correct spec.service", name), working)
	}
	_, hasPort := servicePortName(service, backend.Port)
	switch {
	case service.Spec.Type == corev1.ServiceTypeExternalName:
		return good(v1alpha1.ReasonEndpointsReady,
			fmt.Sprintf("Service %s names the host %s", name, service.Spec.ExternalName))
	case !hasPort:
		return bad(v1alpha1.ReasonServicePortNotFound, fmt.Sprintf(
			"Service %s has no port %d; correct spec.service.port", name, backend.Port), stalled)
	case ready == 0:
		return bad(v1alpha1.ReasonNoReadyEndpoints, fmt.Sprintf(
			"Service %s has no ready endpoint; look at the Pods behind it", name), working)
	default:
		return good(v1alpha1.ReasonEndpointsReady, fmt.Sprintf("Service %s has %d ready endpoints", name, ready))
	}
}
