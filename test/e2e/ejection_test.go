// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"errors"
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

// healed is within how long requests must succeed again: failureThreshold × interval + 10 s.
const healed = 3*outageInterval + 10*time.Second

// What becomes of the API without the operator is the yardstick.
func TestBadReplicaTakesHandWrittenManifestsDown(t *testing.T) {
	written := writtenByHand(t, outageAPI())
	t.Cleanup(func() { deleteByHand(t, written) })
	applyByHand(t, written...)
	for _, outage := range outages {
		t.Run("by hand, one of two replicas "+outage.what, func(t *testing.T) {
			eventually(t, time.Minute, readyPods(byHandLabel, 2))
			eventually(t, time.Minute, isAvailable)
			struck := outage.strike(t, byHandLabel)
			defer struck.end()
			if outage.unseen && struck.over {
				t.Error("the API has healed by itself, so this would not see an outage elsewhere either")
			}
		})
	}
}

// Each server is a new one: kube-apiserver downloads OpenAPI from it once a minute, and holds up all changes of
// APIServices meanwhile (kube-aggregator pkg/controllers/openapiv3/aggregator). A replica that is stopped at that very
// moment delays every other step until kube-apiserver gives its connection up, after 45 s.
func TestBadReplicaIsEjectedAndTheAPIHeals(t *testing.T) {
	for _, outage := range outages {
		t.Run("one of two replicas "+outage.what, func(t *testing.T) {
			extensionAPI := outageAPI()
			create(t, extensionAPI)
			eventually(t, time.Minute, isWell(extensionAPI))
			struck := outage.strike(t, ownerLabel)
			if !struck.over || struck.lasted > healed {
				t.Errorf("requests failed for %s, want no more than %s", struck.lasted, healed)
			}
			if err := errors.Join(isAvailable(t.Context()), isOut(struck.pod)(t.Context())); err != nil {
				t.Error(err)
			}
			if outage.unseen {
				eventually(t, soon, isEjected(extensionAPI, struck.pod))
			}
			struck.end()
			progress("  the replica is back after %s", eventually(t, watched, isBack(extensionAPI, struck.pod)))
			eventually(t, time.Minute, isWell(extensionAPI))
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

// isOut succeeds when the Service sends no requests to the Pod.
func isOut(pod corev1.Pod) func(context.Context) error {
	return func(ctx context.Context) error {
		serving, err := servingPods(ctx)
		if err == nil && slices.Contains(serving, pod.Name) {
			err = fmt.Errorf("Pod %s still gets requests", pod.Name)
		}
		return err
	}
}

// isEjected succeeds when the status tells that the Pod, and no other, gets no requests.
func isEjected(extensionAPI *v1alpha1.ExtensionAPI, pod corev1.Pod) func(context.Context) error {
	return func(ctx context.Context) error {
		ejected, err := toldEjected(ctx, extensionAPI)
		if err == nil && !slices.Equal(ejected, []string{pod.Name}) {
			err = fmt.Errorf("told as ejected are %q, want %s", ejected, pod.Name)
		}
		return err
	}
}

// isBack succeeds when the Pod gets requests, and the status tells of no Pod that does not.
func isBack(extensionAPI *v1alpha1.ExtensionAPI, pod corev1.Pod) func(context.Context) error {
	return func(ctx context.Context) error {
		serving, err := servingPods(ctx)
		if err != nil {
			return err
		}
		ejected, err := toldEjected(ctx, extensionAPI)
		if err == nil && (!slices.Contains(serving, pod.Name) || len(ejected) > 0) {
			err = fmt.Errorf("Pod %s is not back: %q get requests, and told as ejected are %q", pod.Name, serving, ejected)
		}
		return err
	}
}

func toldEjected(ctx context.Context, extensionAPI *v1alpha1.ExtensionAPI) (pods []string, err error) {
	current, err := currently(ctx, extensionAPI)
	for _, endpoint := range current.Status.Endpoints {
		if endpoint.Ejected != nil {
			pods = append(pods, endpoint.Pod)
		}
	}
	return pods, err
}

// servingPods are those that the Service sends requests to.
func servingPods(ctx context.Context) ([]string, error) {
	endpointSlices, err := endpoints.List(ctx, kube, client.ObjectKey{Namespace: sampleNamespace, Name: "wardle"})
	var pods []string
	for _, endpoint := range endpoints.Ready(endpointSlices, "https") {
		pods = append(pods, endpoint.Pod)
	}
	return pods, err
}
