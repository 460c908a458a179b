// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/ejection"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// +kubebuilder:rbac:groups=discovery.k8s.io,resources=endpointslices,verbs=list;watch

// ownEndpoints reads what is behind the operator's Service, and which replicas were taken out of it.
func (o *Observer) ownEndpoints(ctx context.Context, s *snapshot.Snapshot) snapshot.Known[snapshot.Endpoints] {
	if !s.InReach() {
		return snapshot.Of(snapshot.Endpoints{}, nil)
	}
	server, known := s.Server.Get()
	if !known {
		return snapshot.Known[snapshot.Endpoints]{}
	}
	// The EndpointSlices have the labels of the operator's Service, so they are in the cache.
	behind, err := readEndpoints(ctx, o.Client, s.Backend)
	if behind.Service != nil {
		behind.Ejected = ejection.Found(server.Pods, s.Spec.Server)
		behind.Ready = withoutEjected(behind.Ready, server.Pods)
	}
	return snapshot.Of(behind, err)
}

// existingEndpoints reads what is behind another owner's Service, which is not watched.
func (o *Observer) existingEndpoints(ctx context.Context, backend manifests.Backend) (snapshot.Endpoints, error) {
	if behind, found := o.endpoints.of(backend, o.Clock.Now()); found {
		return behind, nil
	}
	behind, err := readEndpoints(ctx, o.Live, backend, client.Limit(limits.EndpointSlices))
	if err == nil {
		o.endpoints.keep(backend, behind, o.Clock.Now())
	}
	return behind, err
}

// endpointsAge is how old what is behind another owner's Service may be: on its way to Ready, an ExtensionAPI is
// reconciled several times within seconds. It is shorter than the time after which a plan wants it read again.
const endpointsAge = 4 * time.Second

// recentEndpoints are what was read last. Its zero value is empty.
type recentEndpoints struct {
	mu   sync.Mutex
	read map[manifests.Backend]recentRead
}

type recentRead struct {
	endpoints snapshot.Endpoints
	at        time.Time
}

func (r *recentEndpoints) of(backend manifests.Backend, now time.Time) (behind snapshot.Endpoints, found bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	recent, found := r.read[backend]
	return recent.endpoints, found && now.Sub(recent.at) < endpointsAge
}

func (r *recentEndpoints) keep(backend manifests.Backend, behind snapshot.Endpoints, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.read == nil {
		r.read = map[manifests.Backend]recentRead{}
	}
	maps.DeleteFunc(r.read, func(_ manifests.Backend, earlier recentRead) bool {
		return now.Sub(earlier.at) >= endpointsAge
	})
	r.read[backend] = recentRead{behind, now}
}

func readEndpoints(
	ctx context.Context, reader client.Reader, backend manifests.Backend, options ...client.ListOption,
) (behind snapshot.Endpoints, err error) {
	service := &corev1.Service{}
	if err := reader.Get(ctx, backend.Key(), service); err != nil {
		return behind, client.IgnoreNotFound(err)
	}
	behind.Service = service
	behind.EndpointSlices, err = endpoints.List(ctx, reader, backend.Key(), options...)
	if err != nil {
		return snapshot.Endpoints{}, err
	}
	behind.Address, behind.Ready = endpoints.Behind(service, backend.Port, behind.EndpointSlices)
	return behind, nil
}

// withoutEjected drops Pods that were taken out of the Service moments ago: the EndpointSlices may not show it yet.
func withoutEjected(ready []endpoints.Endpoint, pods []corev1.Pod) []endpoints.Endpoint {
	return slices.DeleteFunc(ready, func(endpoint endpoints.Endpoint) bool {
		return slices.ContainsFunc(pods, func(pod corev1.Pod) bool {
			return pod.Name == endpoint.Pod && ejection.IsEjected(&pod)
		})
	})
}
