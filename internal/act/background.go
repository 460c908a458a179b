// SPDX-License-Identifier: Apache-2.0

package act

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
	"github.com/extensionapi/extensionapi-operator/internal/handshake"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/observe"
	"github.com/extensionapi/extensionapi-operator/internal/plan"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
)

// look begins what a plan needs to know next. Each wakes the reconciler when it ends.
func (e *execution) look(p plan.Plan) {
	if p.LookAtLayer {
		e.Configurations.Begin(e.s.Name, "", diagnosis.LayerRecheck, e.Layer.Configuration)
	}
	if p.Certificates != nil && len(p.Certificates.Handshakes) > 0 {
		pods, server, host := p.Certificates.Handshakes, e.s.Spec.Server, manifests.ServingHost(e.s.Backend)
		e.Handshakes.Begin(e.s.Name, host, plan.HandshakesAge, func(ctx context.Context) observe.Handshakes {
			return handshakes(ctx, pods, server, host)
		})
	}
}

// handshakes are made with many Pods at the same time.
func handshakes(ctx context.Context, pods []corev1.Pod, server *v1alpha1.Server, host string) observe.Handshakes {
	served := make([]rotation.Pod, len(pods))
	var group errgroup.Group
	group.SetLimit(limits.ProbesInFlightOfOne)
	for i := range pods {
		group.Go(func() error {
			served[i] = servedBy(ctx, &pods[i], server, host)
			return nil
		})
	}
	_ = group.Wait() // each has its error in the result
	result := observe.Handshakes{}
	for i := range pods {
		result[pods[i].UID] = served[i]
	}
	return result
}

func servedBy(ctx context.Context, pod *corev1.Pod, server *v1alpha1.Server, host string) rotation.Pod {
	if pod.Status.PodIP == "" {
		return rotation.Pod{Name: pod.Name, Err: errors.New("it has no address yet")}
	}
	chain, err := handshake.Served(ctx, endpoints.OfPod(pod, manifests.ServerPort(pod, server)).Address, host)
	return rotation.Pod{Name: pod.Name, Chain: chain, Err: err}
}
