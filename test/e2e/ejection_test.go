// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/kube-aggregator/pkg/apis/apiregistration/v1/helper"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
)

// The baseline without the operator. The duration of the outage is printed; it may end without intervention.
func TestUnhealthyReplicaTakesHandWrittenManifestsDown(t *testing.T) {
	onlyLong(t)
	written := writtenByHand(t, outageAPI(time.Minute))
	t.Cleanup(func() { deleteByHand(t, written) })
	applyByHand(t, written...)
	for _, outage := range outages {
		t.Run("by hand, one of two replicas "+outage.what, func(t *testing.T) {
			eventually(t, time.Minute, readyPods(byHandLabel, 2))
			eventually(t, time.Minute, isAvailable)
			outage.strike(t, byHandLabel).end()
		})
	}
}

func TestUnhealthyReplicaIsEjectedAndTheAPIRecovers(t *testing.T) {
	for _, outage := range outages {
		t.Run("one of two replicas "+outage.what, func(t *testing.T) {
			extensionAPI := outageAPI(outage.interval)
			create(t, extensionAPI)
			eventually(t, time.Minute, isHealthy(extensionAPI))
			struck := outage.strike(t, ownerLabel)
			if !struck.over || struck.lasted > outage.healed() {
				t.Errorf("requests failed for %s, want no more than %s", struck.lasted, outage.healed())
			}
			// kube-apiserver may have disconnected from the replica before the operator has seen enough failures.
			eventually(t, watched, isNotServing(struck.pod))
			eventually(t, watched, isAvailable)
			struck.end()
			progress("  the replica is back after %s", eventually(t, watched, isRestored(extensionAPI, struck.pod)))
			eventually(t, time.Minute, isHealthy(extensionAPI))
		})
	}
}

// isAvailable succeeds when kube-apiserver reports every APIService available.
func isAvailable(ctx context.Context) error {
	for _, version := range []string{"v1beta1", "v1alpha1"} {
		apiService := &apiregistrationv1.APIService{}
		if err := kube.Get(ctx, client.ObjectKey{Name: version + "." + flunderGroup}, apiService); err != nil {
			return err
		}
		if !helper.IsAPIServiceConditionTrue(apiService, apiregistrationv1.Available) {
			return fmt.Errorf("%s is not available: %v", apiService.Name, apiService.Status.Conditions)
		}
	}
	return nil
}

// isNotServing succeeds when the Service routes no requests to the Pod.
func isNotServing(pod corev1.Pod) func(context.Context) error {
	return func(ctx context.Context) error {
		serving, err := servingPods(ctx)
		if err == nil && slices.Contains(serving, pod.Name) {
			err = fmt.Errorf("Pod %s still gets requests", pod.Name)
		}
		return err
	}
}

// isRestored succeeds when the Pod gets requests, and status reports no ejected replica.
func isRestored(extensionAPI *v1alpha1.ExtensionAPI, pod corev1.Pod) func(context.Context) error {
	return func(ctx context.Context) error {
		serving, err := servingPods(ctx)
		if err != nil {
			return err
		}
		current, err := currently(ctx, extensionAPI)
		if err != nil {
			return err
		}
		isEjected := func(endpoint v1alpha1.EndpointStatus) bool { return endpoint.Ejected != nil }
		endpoints := current.Status.Endpoints
		if !slices.Contains(serving, pod.Name) || slices.ContainsFunc(endpoints, isEjected) {
			return fmt.Errorf("Pod %s is not restored: %q get requests, and status.endpoints is %+v", pod.Name, serving,
				endpoints)
		}
		return nil
	}
}

// servingPods returns the names of the Pods to which the Service routes requests.
func servingPods(ctx context.Context) ([]string, error) {
	endpointSlices, err := endpoints.List(ctx, kube, client.ObjectKey{Namespace: sampleNamespace, Name: "wardle"})
	var pods []string
	for _, endpoint := range endpoints.Ready(endpointSlices, "https") {
		pods = append(pods, endpoint.Pod)
	}
	return pods, err
}
